"""Losses of the geometry VQ-VAE: pure functions that return unreduced values; knows no network and no weight between terms."""

from __future__ import annotations

import torch
from torch import Tensor

from tdmm_core.morphable.rotations_torch import sixd_to_matrix

DEGREES_PER_RADIAN = 180.0 / torch.pi


def displacement_mm(difference: Tensor, basis_mm: Tensor) -> Tensor:
    """Vertex displacement of a difference of expressions, since vertices are linear in the expression.

    `difference` (B, T, E), `basis_mm` (E, 3v): (B, T, 3v) in mm times the vertex weights that the basis carries.
    """
    return difference @ basis_mm


def vertex_l1_mm(displacement: Tensor) -> Tensor:
    """L1 distance over vertices (paper, figure 4): the weighted mean over v vertices of |dx| + |dy| + |dz|; (B, T, 3v) to (B, T)."""
    return displacement.abs().sum(dim=-1)


def velocity_l1_mm(displacement: Tensor) -> Tensor:
    """L1 distance of the vertices' velocities, mm per frame; (B, T, 3v) to (B, T - 1)."""
    return (displacement[:, 1:] - displacement[:, :-1]).abs().sum(dim=-1)


def rotation_deg(sixd: Tensor, target_sixd: Tensor) -> Tensor:
    """Chordal distance of two rotations in degrees: equals the geodesic angle to 1 % up to 28 degrees; (B, T, 6) twice to (B, T).

    It is |R1 - R2| / sqrt 2 (Frobenius), whose gradient needs no arc cosine.
    """
    return chord_deg(sixd_to_matrix(sixd) - sixd_to_matrix(target_sixd))


def rotation_velocity_deg(sixd: Tensor, target_sixd: Tensor) -> Tensor:
    """Distance between the changes of two rotations from frame to frame, degrees per frame; (B, T, 6) twice to (B, T - 1)."""
    error = sixd_to_matrix(sixd) - sixd_to_matrix(target_sixd)
    return chord_deg(error[:, 1:] - error[:, :-1])


def chord_deg(difference: Tensor) -> Tensor:
    """Frobenius norm of (..., 3, 3) over sqrt 2, in degrees, smooth at zero."""
    return (difference.square().sum(dim=(-1, -2)) / 2 + 1e-8).sqrt() * DEGREES_PER_RADIAN
