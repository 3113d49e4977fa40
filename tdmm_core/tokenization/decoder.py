"""The decoder: code vectors over time to features; knows neither how codes are chosen nor what is lost.

Its reach lets neighbouring codes speak together: it smooths the steps between them, so that one code a frame is finer than its codebook.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sin

from torch import Tensor, nn

from tdmm_core.tokenization.temporal import TemporalStack

_ALONE, _TURNS = (1.0,), tuple(0.2 * sin(pi * i / 10) ** 2 for i in range(1, 10))
"What the codes around a frame count: its own alone, or a Hann window of nine. Learning begins from it."


class Decoder(nn.Module):
    """The code's own vector, or where codes take turns the mean of some, plus a correction from all that it reaches, which starts at zero."""

    def __init__(self, features: int, width: int, dilations: Sequence[int], *, taking_turns: bool = False) -> None:
        super().__init__()
        self.weights = _TURNS if taking_turns else _ALONE
        self.correction = TemporalStack(features, width, features, dilations)
        nn.init.zeros_(self.correction.leave.weight)
        nn.init.zeros_(self.correction.leave.bias)

    @property
    def reach(self) -> int:
        """Codes seen before and after each."""
        return max(self.correction.reach, len(self.weights) // 2)

    def forward(self, values: Tensor) -> Tensor:
        """(B, T, D) to (B, T - 2 reach, D)."""
        first, count = self.reach - len(self.weights) // 2, values.shape[1] - 2 * self.reach
        mean = sum(weight * values[:, first + i : first + i + count] for i, weight in enumerate(self.weights))
        spare = self.reach - self.correction.reach
        return mean + self.correction(values[:, spare : values.shape[1] - spare])
