"""Looks: pictures of a face freed of where it is, how large and how tilted, so that what is left tells of person, turn and expression."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle

_NETWORK_FOCAL = 0.5 / np.tan(np.radians(63 / 2))
"Focal length over picture height that MediaPipe assumes for its own rotation."


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """T pictures of a face, freed of where it is, how large and how tilted."""

    features: np.ndarray
    "(T, F): 2 L landmark offsets (metres, the head upright), scores, the network's rotation."
    turned: np.ndarray
    "(T, 3, 3) the network's rotation against the line of sight."
    centre_px: np.ndarray
    "(T, 2) middle of the landmarks from the picture's middle, x right and y up."
    scale: np.ndarray
    "(T,) pixels per metre."

    def __getitem__(self, which: slice | np.ndarray) -> Looks:
        """Some of the pictures."""
        return Looks(**{name: value[which] for name, value in vars(self).items()})


def joined(parts: Sequence[Looks]) -> Looks:
    """Looks of several stretches as one."""
    return Looks(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})


def look(face: np.ndarray, points_px: np.ndarray, scores: np.ndarray, rotations: np.ndarray, size_px: tuple[int, int]) -> Looks:
    """Looks at (T, L, 2) landmarks of a face whose points usually are (L, 3) `face`, with (T, 52) scores and the network's (T, 3, 3) rotations."""
    up = np.array([1, -1])
    middle = points_px.mean(1)
    centre = (middle - np.array(size_px) / 2) * up
    turned = line_of_sight(centre / (_NETWORK_FOCAL * size_px[1])).transpose(0, 2, 1) @ rotations
    flat = face @ turned.transpose(0, 2, 1)
    model, seen = _complex(flat[..., :2] - flat[..., :2].mean(1, keepdims=True)), _complex((points_px - middle[:, None]) * up)
    # The turn and scale in the plane that lays the usual face over the seen one best, a complex number.
    fit = (seen * model.conj()).sum(1) / (np.abs(model) ** 2).sum(1)
    tilt = np.arctan2(-turned[:, 0, 1], turned[:, 1, 1])
    away = (seen / fit[:, None] - model) * np.exp(-1j * tilt)[:, None]
    offsets = np.stack([away.real, away.imag], -1).reshape(len(away), -1)
    features = np.concatenate([offsets, scores, matrix_to_axis_angle(turned)], axis=1)
    return Looks(features=features, turned=turned, centre_px=centre, scale=np.abs(fit))


def line_of_sight(aside: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations that turn a head which faces the camera from the picture's middle to (T, 2) focal lengths right and up of it."""
    ray = np.concatenate([aside, -np.ones((len(aside), 1))], axis=1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    axis = np.stack([ray[:, 1], -ray[:, 0], np.zeros(len(ray))], 1)  # (0, 0, -1) x ray
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(length, -ray[:, 2:])
    return axis_angle_to_matrix(axis * np.where(length > 1e-9, angle / np.maximum(length, 1e-9), 0))


def _complex(plane: np.ndarray) -> np.ndarray:
    return plane[..., 0] + 1j * plane[..., 1]
