"""A motion as blendshape tools take it: units that add up and one rotation of the head. Owns what such tools can be told; knows no file format."""

from __future__ import annotations

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.model import MorphableModel

LEAST_MOVE_M = 2e-5
"A vertex that a unit moves by less stays where it is; what a stored step of the open head amounts to."


def check_blendshapes(model: MorphableModel, motion: FaceMotion, suffix: str) -> None:
    """Raise InputError for a motion of another face model, and for a face model with joints, whose posing no blendshape can say."""
    model.check(motion)
    if model.articulation is not None:
        raise InputError(
            f"{suffix}: expected a motion of expression units, got one of {motion.face_model!r}, which turns joints; carry it over first: "
            f"tdmm fit MOTION --face-model open-head-1 -o OUT{suffix}"
        )


def quaternions(axis_angle: np.ndarray) -> np.ndarray:
    """(T, 4) float32 x, y, z, w of rotation vectors (T, 3), each on the same side as the one before."""
    vectors = np.asarray(axis_angle, np.float64)
    angle = np.linalg.norm(vectors, axis=1, keepdims=True)
    half_sine = np.where(angle > 1e-8, np.sin(angle / 2) / np.maximum(angle, 1e-8), 0.5)
    found = np.concatenate([vectors * half_sine, np.cos(angle / 2)], axis=1)
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    turns = np.where((found[1:] * found[:-1]).sum(axis=1) < 0, -1.0, 1.0)
    return (found * np.cumprod(np.concatenate([[1.0], turns]))[:, None]).astype(np.float32)
