"""What calibration found out about a face model and the landmark network, and where that is kept.

Owns the layout of `data/calibration-DIGEST.npz`; calibrate.py makes it, the solver uses it.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.fitting.start import Start
from tdmm_core.morphable.model import MorphableModel

CALIBRATION_VERSION = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Calibration:
    """Which point of the face lies under each landmark, how well it is seen, and what the network's scores mean in the model's units."""

    face_model_digest: str
    triangles: np.ndarray
    "(L,) int32, triangle under each landmark."
    barycentric: np.ndarray
    "(L, 3) float32, where in that triangle."
    offset: np.ndarray
    "(L, 3) metres: how the landmark lies beside that point; this and the next three are the network's habits, learned."
    by_expression: np.ndarray
    "(L, 3, E) metres at full strength: how much farther it moves than the point."
    by_shape: np.ndarray
    "(L, 3, S) metres for one standard deviation, likewise."
    by_rotation: np.ndarray
    "(L, 3, 3) metres per radian of axis-angle: how it slides over the face when the head turns."
    noise: np.ndarray
    "(L,) float32, what remains between landmark and point after a fit, as a share of the distance between the eyes."
    start: Start
    "What landmarks and scores tell at once."

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that was learned."""
        digest = hashlib.sha256(self.face_model_digest.encode())
        for array in _arrays(self).values():
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _arrays(calibration: Calibration) -> dict[str, np.ndarray]:
    """All that was learned, by the names under which it is stored."""
    own = {key: value for key, value in vars(calibration).items() if isinstance(value, np.ndarray)}
    return own | {f"start/{key}": value for key, value in vars(calibration.start).items()}


def file_name(face_model_digest: str) -> str:
    """The calibration's name for an edition of a face model."""
    return f"calibration-{face_model_digest[:16]}.npz"


def load_calibration(model: MorphableModel, cache: Path | None = None) -> Calibration:
    """The calibration that the package carries for this edition of the face model, else the one in the folder `cache`.

    Raises MissingPartError with the command that makes one.
    """
    name = file_name(model.digest)
    places = [files("tdmm_core.fitting") / "data" / name, *([cache / name] if cache else [])]
    for place in places:
        if place.is_file():
            return _read(place.read_bytes(), model.digest)
    raise MissingPartError(
        f"fitting is not calibrated for this edition of {model.name} ({model.digest[:12]}); run: python -m tdmm_core.fitting.bake_calibration"
    )


def save_calibration(folder: Path, calibration: Calibration) -> Path:
    """Write a calibration into a folder under its own name; equal calibrations give equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(calibration.face_model_digest)
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        np.savez_compressed(f, version=CALIBRATION_VERSION, face_model_digest=calibration.face_model_digest, **_arrays(calibration))
    part.replace(path)
    return path


def _read(data: bytes, digest: str) -> Calibration:
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    if int(arrays.pop("version")) != CALIBRATION_VERSION or str(arrays.pop("face_model_digest")) != digest:
        raise InputError(f"{file_name(digest)}: expected a calibration of version {CALIBRATION_VERSION} for this face model; make it again")
    start = {key.removeprefix("start/"): arrays.pop(key) for key in list(arrays) if key.startswith("start/")}
    return Calibration(face_model_digest=digest, start=Start(**start), **arrays)
