"""One process of several whose codebooks follow different latents, as a program: RANK and WORLD_SIZE say which, nothing but sums is exchanged."""

from __future__ import annotations

import sys

import torch
from torch import distributed

from tdmm_core.runtime.process import rank
from tdmm_core.tokenization.carrying import Carrying
from tdmm_core.tokenization.quantizer import Quantizer

STEPS, NUM_CODES, WIDTH = 12, 24, 3


def latents_of(process: int, step: int) -> torch.Tensor:
    """(2, 15, WIDTH): each process sees a region of its own."""
    generator = torch.Generator().manual_seed(1000 * process + step)
    return torch.randn(2, 15, WIDTH, generator=generator) + 2.0 * process


def a_quantizer(dead_below: float) -> Quantizer:
    quantizer = Quantizer(NUM_CODES, WIDTH, codes_per_frame=2, carrying=Carrying(0.6, 0.1), decay=0.8, dead_below=dead_below)
    quantizer.fill(torch.randn(200, WIDTH, generator=torch.Generator().manual_seed(7)), seed=0)
    return quantizer.train()


def follow(quantizer: Quantizer, latents: torch.Tensor) -> None:
    quantizer(latents, torch.ones(latents.shape[:2], dtype=torch.bool))


if __name__ == "__main__":
    meeting, output, dead_below, size = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank(), world_size=size)
    quantizer = a_quantizer(dead_below)
    for step in range(STEPS):
        follow(quantizer, latents_of(rank(), step))
    torch.save(quantizer.state_dict(), output)
    distributed.destroy_process_group()
