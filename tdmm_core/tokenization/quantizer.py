"""Latents to codes and back: residual quantisation over Q codebooks with a straight-through gradient; knows neither encoder nor decoder."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tdmm_core.tokenization.codebook import Codebook
from tdmm_core.tokenization.kmeans import kmeans


class Quantized(NamedTuple):
    """What quantisation gives."""

    values: Tensor
    "(B, T, D), sums of code vectors; the gradient passes through to the latents."
    codes: Tensor
    "(B, T, Q) int64."
    commitment: Tensor
    "(B, T), squared distance of each latent from its value; it pulls the encoder alone."


class Quantizer(nn.Module):
    """Q codebooks, each for what the ones before it left over."""

    def __init__(self, num_codes: int, code_dim: int, codes_per_frame: int = 1, *, decay: float = 0.99, dead_below: float = 0.02) -> None:
        super().__init__()
        self.codebooks = nn.ModuleList(Codebook(num_codes, code_dim, decay=decay, dead_below=dead_below) for _ in range(codes_per_frame))

    def forward(self, latents: Tensor, counted: Tensor | None = None) -> Quantized:
        """(B, T, D) to values and codes. In training the codebooks follow the frames where `counted` (B, T) bool is true."""
        rest = latents.detach()
        columns = []
        for codebook in self.codebooks:
            codes = codebook.nearest(rest)
            if self.training and counted is not None:
                chosen = codebook.lookup(codes)
                codebook.follow(rest[counted], codes[counted])
            else:
                chosen = codebook.lookup(codes)
            rest = rest - chosen
            columns.append(codes)
        values = latents.detach() - rest
        commitment = (latents - values).square().sum(dim=-1)
        return Quantized(latents + (values - latents).detach(), torch.stack(columns, dim=-1), commitment)

    def codes(self, latents: Tensor) -> Tensor:
        """(B, T, D) to (B, T, Q) int64."""
        rest, columns = latents, []
        for codebook in self.codebooks:
            columns.append(codebook.nearest(rest))
            rest = rest - codebook.lookup(columns[-1])
        return torch.stack(columns, dim=-1)

    def values(self, codes: Tensor) -> Tensor:
        """(B, T, Q) codes to (B, T, D)."""
        return torch.stack([book.lookup(codes[..., q]) for q, book in enumerate(self.codebooks)]).sum(dim=0)

    @torch.no_grad()
    def fill(self, latents: Tensor, *, seed: int) -> None:
        """Start the codebooks from (n, D) latents by k-means, each on what the ones before it leave over."""
        rest = latents
        for q, codebook in enumerate(self.codebooks):
            codebook.fill(kmeans(rest, len(codebook.vectors), seed=seed + q))
            rest = rest - codebook.lookup(codebook.nearest(rest))
