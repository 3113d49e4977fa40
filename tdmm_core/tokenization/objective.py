"""What training minimises: the autoencoder, its losses and the one visible sum of them; knows neither data nor engine."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tdmm_core.tokenization.autoencoder import MotionAutoencoder
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.geometry import FaceGeometry
from tdmm_core.tokenization.losses import displacement_mm, rotation_deg, rotation_velocity_deg, velocity_l1_mm, vertex_l1_mm


class ReconstructionObjective(nn.Module):
    """A batch of windows to its losses."""

    basis_mm: Tensor

    def __init__(self, autoencoder: MotionAutoencoder, geometry: FaceGeometry, config: TokenizerConfig) -> None:
        super().__init__()
        self.autoencoder, self.config = autoencoder, config
        self.register_buffer("basis_mm", torch.from_numpy(geometry.loss_basis()), persistent=False)

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Batch as `windows` makes it; means over the frames that count. `loss` is what is minimised, in mm."""
        config, counted = self.config, batch["counted"]
        made = self.autoencoder(batch["expression"], batch["sixd"], batch["code_index"], counted)
        own = slice(self.autoencoder.reach, batch["sixd"].shape[1] - self.autoencoder.reach)
        expression, sixd = batch["expression"][:, own], batch["sixd"][:, own]
        # vertices are those of units within 0..1, as decoding clips them; the loss on units pulls strays back
        displaced = displacement_mm(made.expression.clamp(0, 1) - expression, self.basis_mm)
        steady = counted[:, 1:] & counted[:, :-1]
        vertex = _mean(vertex_l1_mm(displaced), counted)
        velocity = _mean(velocity_l1_mm(displaced), steady)
        rotation = _mean(rotation_deg(made.sixd, sixd), counted)
        turning = _mean(rotation_velocity_deg(made.sixd, sixd), steady)
        units = _mean((made.expression - expression).abs().mean(dim=-1), counted)
        commitment = _mean(made.commitment, counted)
        loss = (
            vertex
            + config.rotation_weight * rotation
            + config.velocity_weight * (velocity + config.rotation_weight * turning)
            + config.expression_weight * units
            + config.commitment_weight * commitment
        )
        perplexity = code_perplexity(made.codes[..., 0][counted], config.num_codes)
        return {
            "loss": loss,
            "vertex_l1_mm": vertex,
            "rotation_deg": rotation,
            "velocity_mm": velocity,
            "turning_deg": turning,
            "units": units,
            "commitment": commitment,
            "perplexity": perplexity,
        }


def code_perplexity(codes: Tensor, num_codes: int) -> Tensor:
    """Exponential of the entropy of (n,) codes: how many codes are as good as used; 0-d."""
    share = torch.bincount(codes, minlength=num_codes).float() / max(codes.numel(), 1)
    return torch.special.entr(share).sum().exp()


def _mean(values: Tensor, counted: Tensor) -> Tensor:
    return (values * counted).sum() / counted.sum().clamp(min=1)
