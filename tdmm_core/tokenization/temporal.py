"""Temporal convolution without padding: owns the blocks that encoder and decoder are made of; knows no face and no code.

Every convolution is 'valid': the output is shorter than the input by the reach on either side. Whoever calls decides what stands
beyond the ends, so a clip in one piece, in chunks or in a batch of unequal lengths gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional


class TemporalBlock(nn.Module):
    """Residual block: a dilated convolution over three frames, then a mixing of channels."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.context = nn.Conv1d(width, width, kernel_size=3, dilation=dilation)
        self.mix = nn.Conv1d(width, width, kernel_size=1)
        nn.init.zeros_(self.mix.weight)  # starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, T) to (B, width, T - 2 dilation)."""
        inner = x[..., self.dilation : -self.dilation]
        return inner + self.mix(functional.silu(self.context(functional.silu(x))))


class TemporalStack(nn.Module):
    """Pointwise layer, residual blocks, pointwise layer; sees `reach` frames before and after each frame."""

    def __init__(self, inputs: int, width: int, outputs: int, dilations: Sequence[int]) -> None:
        super().__init__()
        self.reach = sum(dilations)
        self.enter = nn.Conv1d(inputs, width, kernel_size=1)
        self.blocks = nn.ModuleList(TemporalBlock(width, d) for d in dilations)
        self.leave = nn.Conv1d(width, outputs, kernel_size=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, inputs) to (B, T - 2 reach, outputs)."""
        x = self.enter(x.transpose(1, 2))  # (B, width, T)
        for block in self.blocks:
            x = block(x)
        return self.leave(functional.silu(x)).transpose(1, 2)
