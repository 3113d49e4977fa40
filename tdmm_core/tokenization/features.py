"""Motion parameters as geometry and back: fixed linear maps, nothing learned; knows no code.

Features are millimetres: the expression in coordinates whose length is the RMS displacement of the face's vertices, the head rotation
as 6D scaled so that it weighs against them. So a nearest code is the nearest face, whichever units made it (paper, section "Geometry VQ-VAE").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SIXD = 6


class GeometryFeatures(nn.Module):
    """Turns expression (…, E) and rotation 6D (…, 6) into features (…, E + 6) and back."""

    metric: Tensor
    inverse: Tensor
    identity: Tensor

    def __init__(self, num_units: int, *, rotation_mm: float) -> None:
        super().__init__()
        self.num_units, self.rotation_mm = num_units, rotation_mm
        self.register_buffer("metric", torch.eye(num_units))
        self.register_buffer("inverse", torch.eye(num_units))
        self.register_buffer("identity", torch.tensor([1.0, 0, 0, 0, 1, 0]), persistent=False)

    @property
    def width(self) -> int:
        return self.num_units + SIXD

    @torch.no_grad()
    def set_metric(self, metric: Tensor) -> None:
        """Take the (E, E) metric of a FaceGeometry, mm."""
        self.metric.copy_(metric)
        self.inverse.copy_(torch.linalg.inv(metric.double()))

    def forward(self, expression: Tensor, sixd: Tensor) -> Tensor:
        return torch.cat([expression @ self.metric, (sixd - self.identity) * self.rotation_mm], dim=-1)

    def back(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Expression (…, E), not clipped, and rotation 6D (…, 6), not orthonormal."""
        units, rotation = features[..., : self.num_units], features[..., self.num_units :]
        return units @ self.inverse, rotation / self.rotation_mm + self.identity
