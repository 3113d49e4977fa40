"""The encoder: features to latents, each latent informed by the frames around it; knows no code."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tdmm_core.tokenization.temporal import TemporalStack


class Encoder(nn.Module):
    """The frame's own features plus a correction from its context, which starts at zero: the first latents are the geometry itself."""

    def __init__(self, features: int, width: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.correction = TemporalStack(features, width, features, dilations)
        nn.init.zeros_(self.correction.leave.weight)
        nn.init.zeros_(self.correction.leave.bias)

    @property
    def reach(self) -> int:
        """Frames seen before and after each."""
        return self.correction.reach

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, D) to (B, T - 2 reach, D)."""
        return features[:, self.reach : features.shape[1] - self.reach] + self.correction(features)
