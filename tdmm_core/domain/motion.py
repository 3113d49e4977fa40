"""Face motion: the parameters of a morphable model over time, as `fit` and `animate` both write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

import numpy as np

from tdmm_core.domain.checks import as_array
from tdmm_core.errors import InputError

OBSERVED, BRIDGED, HELD = 0, 1, 2

FRAME_TERMS: Mapping[str, int] = {
    "global_orient": 3, "transl": 3, "jaw_pose": 3, "neck_pose": 3, "eye_pose": 6, "eyelids": 2,
}
"Width of each per-frame term beside `expression`."


@dataclass(frozen=True, kw_only=True)
class FaceMotion:
    """A sequence of T frames of a morphable model's parameters at a constant rate."""

    expression: np.ndarray
    "(T, E) float32. Open head: the 52 ARKit units, 0 to 1, named by `expression_names`."
    expression_names: tuple[str, ...]
    "E names."
    global_orient: np.ndarray
    "(T, 3) float32, axis-angle, radians: x > 0 looks down, y > 0 turns to the subject's left, z > 0 tilts toward the right shoulder."
    transl: np.ndarray
    "(T, 3) float32, metres."
    shape: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    "(S,) float32, identity coefficients, one set for the clip."
    status: np.ndarray | None = None
    "(T,) uint8: OBSERVED, BRIDGED (short gap interpolated) or HELD (nothing known). None means all observed."
    source_time_s: np.ndarray | None = None
    "(T,) float64, the source's own times."
    fps: float = 25.0
    "Frames per second."
    face_model: str = "open-head-1"
    face_model_digest: str = ""
    jaw_pose: np.ndarray | None = None
    "(T, 3) axis-angle, radians, where the face model has it."
    neck_pose: np.ndarray | None = None
    "(T, 3) axis-angle, radians, where the face model has it."
    eye_pose: np.ndarray | None = None
    "(T, 6) axis-angle, radians, left then right, where the face model has it."
    eyelids: np.ndarray | None = None
    "(T, 2) left, right closure, where the source has it."

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        names = tuple(str(n) for n in self.expression_names)
        set_(self, "expression_names", names)
        set_(self, "expression", as_array("expression", self.expression, (None, len(names))))
        frames = self.num_frames
        if frames == 0:
            raise InputError("motion: expected at least one frame, got none")
        for name, width in FRAME_TERMS.items():
            value = getattr(self, name)
            if value is not None:
                set_(self, name, as_array(name, value, (frames, width)))
        status = np.zeros(frames, np.uint8) if self.status is None else self.status
        set_(self, "status", as_array("status", status, (frames,), np.uint8))
        if self.source_time_s is not None:
            set_(self, "source_time_s", as_array("source_time_s", self.source_time_s, (frames,), np.float64))
        set_(self, "shape", as_array("shape", self.shape, (None,)))
        if not 0 < float(self.fps) < 1000:
            raise InputError(f"fps: expected a rate between 0 and 1000, got {self.fps}")
        set_(self, "fps", float(self.fps))

    @property
    def num_frames(self) -> int:
        return int(self.expression.shape[0])

    @property
    def duration_s(self) -> float:
        return self.num_frames / self.fps

    def frame_terms(self) -> dict[str, np.ndarray]:
        """Every per-frame array that is present, by name, `expression` first."""
        names = ("expression", *FRAME_TERMS, "status", "source_time_s")
        return {n: getattr(self, n) for n in names if getattr(self, n) is not None}

    def __getitem__(self, frames: slice) -> FaceMotion:
        """The motion of a slice of frames."""
        return replace(self, **{name: value[frames] for name, value in self.frame_terms().items()})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FaceMotion):
            return NotImplemented
        return all(_same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]


def _same(a: object, b: object) -> bool:
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return a is not None and b is not None and np.array_equal(a, b)
    return a == b
