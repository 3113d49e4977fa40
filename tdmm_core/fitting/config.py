"""Settings of fitting: what changes the motion that comes out of a video."""

from __future__ import annotations

from dataclasses import dataclass

from tdmm_core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """How frames become motion. Every weight is relative to what calibration measured: 1 trusts it as it stands."""

    fps: float = 25.0
    "Rate of the motion, frames per second, 1 to 120; the video is resampled to it by its time stamps."
    focal_px: float = 0.0
    "Focal length of the camera, pixels of the source; 0 estimates one for each clip."
    focal_guess: float = 1.5
    "What the estimate is drawn to beside what perspective tells: focal length over the longer side of the picture, 0.3 to 10."
    num_keyframes: int = 16
    "Frames from which shape and focal length are found, 1 to 64."
    iterations: int = 6
    "Gauss-Newton steps over the whole clip, 1 to 50."
    score_weight: float = 1.0
    "Pull of the learned start: what landmarks and scores at once tell of expression and rotation, 0 to 100."
    shape_weight: float = 1.0
    "Pull toward the mean face, 0 to 100; 0 lets the shape follow noise."
    smoothness: float = 1.0
    "Pull toward even motion, 0 to 100; lids are held far less than the rest, so that blinks stay."
    face: int = 1
    "Which face of a clip that shows several, 1 to 99: counted by how large and how long each is seen."
    bridge_s: float = 0.4
    "Longest gap without a face that is interpolated, seconds, 0 to 5; in longer ones the last pose is held."
    detection_confidence: float = 0.5
    "Least confidence at which a face counts as found, 0 to 1."

    def __post_init__(self) -> None:
        ranges = {
            "fps": (1, 120),
            "focal_guess": (0.3, 10),
            "num_keyframes": (1, 64),
            "iterations": (1, 50),
            "score_weight": (0, 100),
            "shape_weight": (0, 100),
            "smoothness": (0, 100),
            "face": (1, 99),
            "bridge_s": (0, 5),
            "detection_confidence": (0, 1),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise InputError(f"fit.{name}: expected {low} to {high}, got {getattr(self, name)}")
        if self.focal_px < 0:
            raise InputError(f"fit.focal_px: expected a length in pixels, or 0 to estimate it, got {self.focal_px}")
