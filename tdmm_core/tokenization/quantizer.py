"""Latents to codes and back: residual quantisation over Q codebooks with a straight-through gradient; knows neither encoder nor decoder.

How the codes of a line of frames are chosen is the business of `carrying`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tdmm_core.tokenization.carrying import ALONE, Carrying, choose, choose_in_segments
from tdmm_core.tokenization.codebook import Codebook
from tdmm_core.tokenization.kmeans import kmeans


class Quantized(NamedTuple):
    """What quantisation gives."""

    values: Tensor
    "(B, T, D), sums of code vectors; the gradient passes through to the latents."
    codes: Tensor
    "(B, T, Q) int64."
    commitment: Tensor
    "(B, T), squared distance of each latent from the code nearest to it; it pulls the encoder alone."


class Quantizer(nn.Module):
    """Q codebooks, each for what the ones before it left over."""

    def __init__(
        self, num_codes: int, code_dim: int, codes_per_frame: int = 1, *, carrying: Carrying = ALONE, decay: float = 0.99, dead_below: float = 0.02
    ) -> None:
        super().__init__()
        self.carrying = carrying
        self.codebooks = nn.ModuleList(Codebook(num_codes, code_dim, decay=decay, dead_below=dead_below) for _ in range(codes_per_frame))

    def forward(self, latents: Tensor, counted: Tensor | None = None) -> Quantized:
        """(B, T, D) to values and codes. In training the codebooks follow the frames where `counted` (B, T) bool is true."""
        with torch.no_grad():
            # In training codes change freely: the decoder then learns from more of them, and reads what stays as well.
            codes = choose(latents, self._books(), self.carrying._replace(stay=0.0) if self.training else self.carrying)
            values = self.values(codes)
            # Codebooks stay with the latents: if they followed what was carried too, they would drift apart, and that would carry more.
            nearest = codes if self.carrying == ALONE else choose(latents, self._books(), ALONE)
            of_nearest = self.values(nearest)
            if self.training and counted is not None:
                self._follow(latents[counted], nearest[counted])
        commitment = (latents - of_nearest).square().sum(dim=-1)
        return Quantized(latents + (values - latents).detach(), codes, commitment)

    def codes(self, latents: Tensor) -> Tensor:
        """Whole clips from their first frame on, (B, T, D), to (B, T, Q) int64."""
        return choose_in_segments(latents, self._books(), self.carrying)

    def values(self, codes: Tensor) -> Tensor:
        """(B, T, Q) codes to (B, T, D)."""
        return torch.stack([book.lookup(codes[..., q]) for q, book in enumerate(self.codebooks)]).sum(dim=0)

    @torch.no_grad()
    def fill(self, latents: Tensor, *, seed: int) -> None:
        """Start the codebooks from (n, D) latents by k-means, each on what the ones before it leave over."""
        rest = latents
        for q, codebook in enumerate(self.codebooks):
            codebook.fill(kmeans(rest, len(codebook.vectors), seed=seed + q))
            rest = rest - codebook.lookup(choose(rest[None], [codebook.vectors], ALONE)[0, :, 0])

    def _follow(self, latents: Tensor, codes: Tensor) -> None:
        """The codebooks follow (n, D) latents and their nearest (n, Q) codes, each what the ones before it leave over."""
        rest = latents
        for q, codebook in enumerate(self.codebooks):
            left = rest - codebook.lookup(codes[:, q])
            codebook.follow(rest, codes[:, q])
            rest = left

    def _books(self) -> list[Tensor]:
        return [codebook.vectors for codebook in self.codebooks]
