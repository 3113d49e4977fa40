"""Rotations in torch, differentiable: the twin of `rotations`, with finite gradients at 0 and at pi."""

from __future__ import annotations

import torch
from torch import Tensor

_SMALL = 1e-4
"Angles (radians) below which series take the place of quotients."


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Rotation vectors (..., 3), radians, to matrices (..., 3, 3); Rodrigues' formula, a series near zero."""
    squared = (axis_angle * axis_angle).sum(-1)[..., None, None]
    small = squared < _SMALL**2
    # the unused branch of `where` sees 1, so that its gradient stays finite
    angle = torch.where(small, torch.ones_like(squared), squared).sqrt()
    a = torch.where(small, 1 - squared / 6, torch.sin(angle) / angle)
    b = torch.where(small, 0.5 - squared / 24, 2 * (torch.sin(angle / 2) / angle) ** 2)
    k = _cross_matrix(axis_angle)
    return torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device) + a * k + b * (k @ k)


def _cross_matrix(v: Tensor) -> Tensor:
    """(..., 3) to the matrices (..., 3, 3) with K u = v x u."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*v.shape, 3)


def matrix_to_axis_angle(matrix: Tensor) -> Tensor:
    """Matrices (..., 3, 3) to rotation vectors (..., 3), length 0 to pi; at pi either of two opposite vectors may come."""
    q = matrix_to_quaternion(matrix)
    w, vector = q[..., :1], q[..., 1:]
    squared = (vector * vector).sum(-1, keepdim=True)
    small = squared < _SMALL**2
    length = torch.where(small, torch.ones_like(squared), squared).sqrt()
    scale = torch.where(small, 2 + squared / 3, 2 * torch.atan2(length, w) / length)
    return scale * vector


def matrix_to_quaternion(matrix: Tensor) -> Tensor:
    """Matrices (..., 3, 3) to unit quaternions (..., 4), w x y z with w >= 0, by the best conditioned of four formulas."""
    m = matrix
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    w2, x2, y2, z2 = 1 + m00 + m11 + m22, 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22
    wx, wy, wz = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 0, 1] + m[..., 1, 0], m[..., 0, 2] + m[..., 2, 0], m[..., 1, 2] + m[..., 2, 1]
    best = torch.stack([w2, x2, y2, z2], dim=-1).argmax(dim=-1)[..., None, None]
    products = torch.stack([w2, wx, wy, wz, wx, x2, xy, xz, wy, xy, y2, yz, wz, xz, yz, z2], dim=-1).reshape(*m.shape[:-2], 4, 4)
    row = torch.take_along_dim(products, best.expand(*best.shape[:-1], 4), dim=-2)[..., 0, :]
    q = row / row.norm(dim=-1, keepdim=True)
    return torch.where(q[..., :1] < 0, -q, q)


def geodesic_angle(first: Tensor, second: Tensor) -> Tensor:
    """Angle (...,) in radians, 0 to pi, between matrices (..., 3, 3); its gradient is zero where they are equal."""
    q = matrix_to_quaternion(first.transpose(-1, -2) @ second)
    squared = (q[..., 1:] ** 2).sum(-1)
    tiny = squared < 1e-30
    length = torch.where(tiny, torch.ones_like(squared), squared).sqrt()
    return torch.where(tiny, torch.zeros_like(squared), 2 * torch.atan2(length, q[..., 0]))


def matrix_to_sixd(matrix: Tensor) -> Tensor:
    """Matrices (..., 3, 3) to their first two columns, one after the other, (..., 6)."""
    return torch.cat([matrix[..., :, 0], matrix[..., :, 1]], dim=-1)


def sixd_to_matrix(sixd: Tensor) -> Tensor:
    """Six numbers (..., 6) to matrices (..., 3, 3): two columns made orthonormal, the third is their cross product."""
    normalize = torch.nn.functional.normalize
    first = normalize(sixd[..., :3], dim=-1)
    second = normalize(sixd[..., 3:] - (first * sixd[..., 3:]).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)
