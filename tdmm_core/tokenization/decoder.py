"""The decoder: code vectors over time to features; knows neither how codes are chosen nor what is lost.

Its reach lets neighbouring codes speak together: it smooths the steps between them, so that one code a frame is finer than its codebook.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from tdmm_core.tokenization.temporal import TemporalStack


class Decoder(nn.Module):
    """The code's own vector plus a correction from its neighbours, which starts at zero."""

    def __init__(self, features: int, width: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.correction = TemporalStack(features, width, features, dilations)
        nn.init.zeros_(self.correction.leave.weight)
        nn.init.zeros_(self.correction.leave.bias)

    @property
    def reach(self) -> int:
        """Codes seen before and after each."""
        return self.correction.reach

    def forward(self, values: Tensor) -> Tensor:
        """(B, T, D) to (B, T - 2 reach, D)."""
        return values[:, self.reach : values.shape[1] - self.reach] + self.correction(values)
