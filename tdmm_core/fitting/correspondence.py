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
from tdmm_core.morphable.model import MorphableModel

CALIBRATION_VERSION = 1


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
    score_gain: np.ndarray
    "(52, E) float32: expected expression = offset + scores @ gain, cut to 0..1."
    score_offset: np.ndarray
    "(E,) float32"
    score_noise: np.ndarray
    "(E,) float32, standard deviation of what the scores leave open."

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that was learned."""
        digest = hashlib.sha256(self.face_model_digest.encode())
        for array in (v for v in vars(self).values() if isinstance(v, np.ndarray)):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def expected_expression(self, scores: np.ndarray) -> np.ndarray:
        """(T, E) float64 in 0..1 from (T, 52) scores."""
        return np.clip(self.score_offset + scores @ self.score_gain.astype(np.float64), 0, 1)


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
    arrays = {key: value for key, value in vars(calibration).items() if isinstance(value, np.ndarray)}
    path = folder / file_name(calibration.face_model_digest)
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        np.savez_compressed(f, version=CALIBRATION_VERSION, face_model_digest=calibration.face_model_digest, **arrays)
    part.replace(path)
    return path


def _read(data: bytes, digest: str) -> Calibration:
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    if int(arrays.pop("version")) != CALIBRATION_VERSION or str(arrays.pop("face_model_digest")) != digest:
        raise InputError(f"{file_name(digest)}: expected a calibration of version {CALIBRATION_VERSION} for this face model; make it again")
    return Calibration(face_model_digest=digest, **arrays)
