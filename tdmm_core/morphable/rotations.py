"""Rotations in NumPy: axis-angle (radians), matrices, six numbers, and the angle between two.

Rotation vectors turn counter-clockwise seen from their tip (right-hand rule). Every function takes any leading shape. The twin for
torch, differentiable, is `rotations_torch`.
"""

from __future__ import annotations

import numpy as np

_SMALL = 1e-4
"Angles (radians) below which series take the place of quotients."


def axis_angle_to_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3), radians, to matrices (..., 3, 3); Rodrigues' formula, a series near zero."""
    v = np.asarray(axis_angle)
    v = v if np.issubdtype(v.dtype, np.floating) else v.astype(np.float64)
    squared = (v * v).sum(-1)[..., None, None]
    angle = np.sqrt(squared)
    safe = np.where(angle < _SMALL, 1, angle)
    # R = I + a K + b K^2,  a = sin(t)/t,  b = (1 - cos t)/t^2 = 2 sin^2(t/2)/t^2
    a = np.where(angle < _SMALL, 1 - squared / 6, np.sin(safe) / safe)
    b = np.where(angle < _SMALL, 0.5 - squared / 24, 2 * (np.sin(safe / 2) / safe) ** 2)
    k = _cross_matrix(v)
    return (np.eye(3, dtype=v.dtype) + a * k + b * (k @ k)).astype(v.dtype, copy=False)


def _cross_matrix(v: np.ndarray) -> np.ndarray:
    """(..., 3) to the matrices (..., 3, 3) with K u = v x u."""
    x, y, z = v[..., 0], v[..., 1], v[..., 2]
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*v.shape, 3)


def matrix_to_axis_angle(matrix: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) to rotation vectors (..., 3), length 0 to pi; safe at 0 and pi, where either of two opposite vectors may come."""
    q = matrix_to_quaternion(matrix)
    w, vector = q[..., :1], q[..., 1:]
    length = np.linalg.norm(vector, axis=-1, keepdims=True)
    angle = 2 * np.arctan2(length, w)
    small = length < _SMALL
    scale = np.where(small, 2, angle / np.where(small, 1, length))
    return (scale * vector).astype(q.dtype, copy=False)


def matrix_to_quaternion(matrix: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) to unit quaternions (..., 4), w x y z with w >= 0, by the best conditioned of four formulas."""
    m = np.asarray(matrix)
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    four_squares = np.stack([1 + m00 + m11 + m22, 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22], axis=-1)
    best = four_squares.argmax(axis=-1)[..., None, None]
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    w2, x2, y2, z2 = (four_squares[..., i] for i in range(4))
    products = np.stack([w2, wx, wy, wz, wx, x2, xy, xz, wy, xy, y2, yz, wz, xz, yz, z2], axis=-1).reshape(*m.shape[:-2], 4, 4)
    row = np.take_along_axis(products, np.broadcast_to(best, (*best.shape[:-1], 4)), axis=-2)[..., 0, :]
    q = row / np.linalg.norm(row, axis=-1, keepdims=True)
    return np.where(q[..., :1] < 0, -q, q)


def geodesic_angle(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angle (...,) in radians, 0 to pi, between matrices (..., 3, 3); exact near 0 and pi, unlike an arc cosine of the trace."""
    q = matrix_to_quaternion(np.swapaxes(first, -1, -2) @ second)
    return 2 * np.arctan2(np.linalg.norm(q[..., 1:], axis=-1), q[..., 0])


def matrix_to_sixd(matrix: np.ndarray) -> np.ndarray:
    """Matrices (..., 3, 3) to their first two columns, one after the other, (..., 6)."""
    m = np.asarray(matrix)
    return np.concatenate([m[..., :, 0], m[..., :, 1]], axis=-1)


def sixd_to_matrix(sixd: np.ndarray) -> np.ndarray:
    """Six numbers (..., 6) to matrices (..., 3, 3): two columns made orthonormal, the third is their cross product."""
    s = np.asarray(sixd)
    first = s[..., :3] / np.linalg.norm(s[..., :3], axis=-1, keepdims=True).clip(1e-12)
    second = s[..., 3:] - (first * s[..., 3:]).sum(-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True).clip(1e-12)
    return np.stack([first, second, np.cross(first, second)], axis=-1)
