"""k-means: where a codebook starts, and the floor of what a codebook without temporal context can do. Knows no network."""

from __future__ import annotations

import torch
from torch import Tensor


def kmeans(points: Tensor, num_means: int, *, seed: int, iterations: int = 10) -> Tensor:
    """Means (K, D) of points (n, D) by Lloyd's iterations from random points; means that lose all points move to the worst served ones.

    With fewer points than means, the spare means repeat points with a small jitter.
    """
    generator = torch.Generator().manual_seed(seed % 2**63)
    means = points[torch.randperm(len(points), generator=generator)[:num_means]].clone()
    if len(means) < num_means:
        spare = points[torch.randint(len(points), (num_means - len(means),), generator=generator)]
        means = torch.cat([means, spare + 1e-3 * torch.randn(spare.shape, generator=generator)])
    for _ in range(iterations):
        distance = torch.addmm(means.square().sum(dim=1), points, means.T, alpha=-2.0)
        best, owner = distance.min(dim=1)
        counts = torch.bincount(owner, minlength=num_means)
        sums = torch.zeros_like(means).index_add_(0, owner, points)
        means = torch.where(counts[:, None] > 0, sums / counts.clamp(min=1)[:, None], means)
        empty = (counts == 0).nonzero()[:, 0][: len(points)]
        if empty.numel():
            means[empty] = points[(best + points.square().sum(dim=1)).topk(empty.numel()).indices]
    return means
