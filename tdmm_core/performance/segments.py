"""Curves cut into stretches of nearly constant value, at the places that explain them best. Knows nothing of faces."""

from __future__ import annotations

import numpy as np


def cut(curves: np.ndarray, *, penalty: float, shortest: int, longest: int) -> np.ndarray:
    """Frames at which stretches begin, then the length: (S + 1,) for S stretches of curves (T, N).

    The optimal partition: least sum of squares around each stretch's mean plus `penalty` for each stretch, by dynamic programming over all
    partitions into stretches of `shortest` to `longest` frames (B. Jackson et al., An algorithm for optimal partitioning, 2005).
    """
    num_frames = len(curves)
    if num_frames < 2 * shortest:
        return np.array([0, num_frames])
    sums = np.concatenate([np.zeros((1, curves.shape[1])), np.cumsum(curves, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((curves**2).sum(axis=1))])
    best, came = np.full(num_frames + 1, np.inf), np.zeros(num_frames + 1, int)
    best[0] = -penalty
    for stop in range(shortest, num_frames + 1):
        starts = np.arange(max(0, stop - longest), stop - shortest + 1)
        # sum over a stretch of |x - mean|^2 = sum |x|^2 - |sum x|^2 / n
        spread = squares[stop] - squares[starts] - ((sums[stop] - sums[starts]) ** 2).sum(axis=1) / (stop - starts)
        costs = best[starts] + spread + penalty
        chosen = int(costs.argmin())
        best[stop], came[stop] = costs[chosen], starts[chosen]
    cuts = [num_frames]
    while cuts[-1] > 0:
        cuts.append(int(came[cuts[-1]]))
    return np.array(cuts[::-1])
