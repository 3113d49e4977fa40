"""The codebook: K code vectors that follow their latents by an exponential moving average; knows no network and no face.

Vectors are buffers, moved by the data and not by gradients (van den Oord et al. 2017, appendix A.1). Codes that fall out of use are set on
the latents that are served worst, so the codebook keeps covering rare poses.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tdmm_core.runtime.process import is_main
from tdmm_core.training.distributed import sum_over_processes

REVIVED_COUNT = 0.1
"Running count that a revived code starts with: enough to live on for some steps without a hit."


class Codebook(nn.Module):
    """K vectors of width D and the running statistics that they are the means of."""

    vectors: Tensor
    counts: Tensor
    sums: Tensor

    def __init__(self, num_codes: int, code_dim: int, *, decay: float = 0.99, dead_below: float = 0.02) -> None:
        super().__init__()
        self.decay, self.dead_below = decay, dead_below
        self.register_buffer("vectors", torch.zeros(num_codes, code_dim))
        self.register_buffer("counts", torch.ones(num_codes))
        self.register_buffer("sums", torch.zeros(num_codes, code_dim))

    def lookup(self, codes: Tensor) -> Tensor:
        """Vectors of (...) codes: (..., D)."""
        return nn.functional.embedding(codes, self.vectors)

    @torch.no_grad()
    def fill(self, vectors: Tensor) -> None:
        """Start from (K, D) vectors."""
        self.vectors.copy_(vectors)
        self.sums.copy_(vectors)
        self.counts.fill_(1.0)

    @torch.no_grad()
    def follow(self, latents: Tensor, codes: Tensor) -> None:
        """Move each vector toward the mean of the (n, D) latents that chose it; revive codes out of use. The same on every process."""
        hits = torch.bincount(codes, minlength=len(self.vectors)).to(self.counts.dtype)
        sums = torch.zeros_like(self.sums).index_add_(0, codes, latents.to(self.sums.dtype))
        self.counts.mul_(self.decay).add_(sum_over_processes(hits), alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(sum_over_processes(sums), alpha=1 - self.decay)
        self.vectors.copy_(self.sums / self.counts.clamp(min=1e-6)[:, None])
        self._revive(latents, codes)

    def _revive(self, latents: Tensor, codes: Tensor) -> None:
        dead = (self.counts < self.dead_below).nonzero()[:, 0]
        if dead.numel() == 0:
            return
        # the main process's latents, as a sum in which the others are zero
        worst = self.vectors.new_zeros(dead.numel(), self.vectors.shape[1])
        if is_main():
            worst += self._worst_served(latents, codes, dead.numel())
        worst = sum_over_processes(worst)
        self.vectors[dead], self.sums[dead], self.counts[dead] = worst, worst * REVIVED_COUNT, REVIVED_COUNT

    def _worst_served(self, latents: Tensor, codes: Tensor, count: int) -> Tensor:
        if len(latents) == 0:
            return self.vectors.mean(dim=0)
        loss = (latents - self.vectors[codes]).square().sum(dim=1)
        order = loss.argsort(descending=True)
        return latents[order[torch.arange(count, device=order.device) % len(order)]]
