"""A first guess of the head's pose: the network's own rotation, and the distance that makes the face as large as it is seen."""

from __future__ import annotations

import numpy as np

from tdmm_core.fitting.landmark_model import LandmarkModel, Pose
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle


def initial_pose(lm: LandmarkModel, points_px: np.ndarray, rotations: np.ndarray, *, focal_px: float, centre_px: np.ndarray) -> Pose:
    """Pose of T frames from (T, L, 2) landmarks and the network's (T, 3, 3) rotations, as if the face were flat and neutral."""
    rotation = continuous(matrix_to_axis_angle(rotations))
    turned = lm.mean @ axis_angle_to_matrix(rotation).transpose(0, 2, 1)  # (T, L, 3)
    flat = turned[..., :2] - turned[..., :2].mean(1, keepdims=True)
    seen = (points_px - points_px.mean(1, keepdims=True)) * np.array([1, -1])
    scale = np.maximum((flat * seen).sum((1, 2)), 1e-9) / (flat**2).sum((1, 2))  # (T,) px per metre
    depth = focal_px / scale
    middle = (points_px.mean(1) - centre_px) * np.array([1, -1]) / scale[:, None]  # (T, 2)
    transl = np.concatenate([middle, -depth[:, None]], 1) - lm.pivot - turned.mean(1)
    return Pose(rotation=rotation, transl=transl)


def continuous(rotation: np.ndarray) -> np.ndarray:
    """The same rotations with vectors that do not jump by a full turn from frame to frame."""
    result = rotation.copy()
    for t in range(1, len(result)):
        angle = np.linalg.norm(result[t])
        if angle > 1e-6:
            other = result[t] * (1 - 2 * np.pi / angle)
            if np.linalg.norm(other - result[t - 1]) < np.linalg.norm(result[t] - result[t - 1]):
                result[t] = other
    return result
