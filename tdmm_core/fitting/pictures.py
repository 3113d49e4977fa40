"""Pictures of known faces, as calibration learns from them: what is true of each, and what the landmark network saw. Draws none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PICTURE_PX = 320
"Side of every picture."
COLUMNS = ("person", "expression", "shape", "rotation", "transl", "focal_px", "points_px", "scores", "network_rotations")


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenes:
    """N pictures in which a face was found, with what is true of each."""

    person: np.ndarray
    "(N,) whose face it is."
    expression: np.ndarray
    "(N, E)"
    shape: np.ndarray
    "(N, S)"
    rotation: np.ndarray
    "(N, 3) axis-angle, radians."
    transl: np.ndarray
    "(N, 3) metres."
    focal_px: np.ndarray
    "(N,)"
    points_px: np.ndarray
    "(N, 478, 2)"
    scores: np.ndarray
    "(N, 52)"
    network_rotations: np.ndarray
    "(N, 3, 3)"

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, pictures: slice) -> Scenes:
        """Some of the pictures."""
        return Scenes(**{name: getattr(self, name)[pictures] for name in COLUMNS})
