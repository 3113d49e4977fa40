"""Box-constrained least squares over a whole clip: coefficients within bounds in every frame, held together by their neighbours in time."""

from __future__ import annotations

import numpy as np

_SWEEPS, _STILL = 400, 1e-6


def solve_box(
    products: np.ndarray, toward: np.ndarray, *, low: np.ndarray | float = 0.0, high: np.ndarray | float = 1.0, evenness: float = 0.0
) -> np.ndarray:
    """(T, E) coefficients that minimise  sum_t 1/2 e_t' G e_t - r_t' e_t + evenness / 2 |e_t - e_(t-1)|^2  with low <= e <= high.

    `products` G is (E, E), positive definite; `toward` r is (T, E); bounds are numbers or (T, E). One coefficient at a time is set to its best
    value, in even frames and then in odd ones, until nothing moves: exact, since the problem is convex.
    """
    frames, count = toward.shape
    low, high = np.broadcast_to(low, (frames, count)), np.broadcast_to(high, (frames, count))
    answer = np.clip(np.linalg.solve(products, toward.T).T, low, high)
    near = np.full(frames, 2.0)
    near[[0, -1]] = 1.0 if frames > 1 else 0.0
    for _ in range(_SWEEPS):
        most = 0.0
        for k in range(count):
            for first in (0, 1):
                part = slice(first, None, 2)
                slope = toward[part, k] - answer[part] @ products[:, k] + products[k, k] * answer[part, k]
                stiff = products[k, k] + evenness * near[part]
                if evenness:
                    slope = slope + evenness * _neighbours(answer[:, k])[part]
                new = np.clip(slope / stiff, low[part, k], high[part, k])
                most = max(most, float(np.abs(new - answer[part, k]).max(initial=0)))
                answer[part, k] = new
        if most < _STILL:
            break
    return answer


def _neighbours(values: np.ndarray) -> np.ndarray:
    """(T,) sum of the frames before and after."""
    total = np.zeros_like(values)
    total[1:] += values[:-1]
    total[:-1] += values[1:]
    return total
