"""Many clips through one network of limited reach, in pieces of bounded size; knows neither face nor code.

Clips are laid end to end with their ends held, so clips of unequal length need no padding to the longest. Results whose reach crosses from
one clip to the next are left out: each clip's are the same alone, in a batch or in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

PIECE_FRAMES = 4096
"Bounds the memory of one pass."


def in_pieces(rows: Sequence[np.ndarray], reach: int, network: Callable[[Tensor], Tensor], *, piece_frames: int = PIECE_FRAMES) -> list[np.ndarray]:
    """Apply `network`, (1, n + 2 reach, D) to (1, n, D'), to clips of (T, D) rows: one (T, D') array for each clip."""
    if not rows:
        return []
    line = np.concatenate([_held(r, reach) for r in rows])
    num_results = len(line) - 2 * reach
    with torch.inference_mode():
        results = [
            network(torch.from_numpy(line[start : min(start + piece_frames, num_results) + 2 * reach])[None])[0].numpy()
            for start in range(0, num_results, piece_frames)
        ]
    values = np.concatenate(results)
    starts = np.cumsum([0] + [len(r) + 2 * reach for r in rows[:-1]])
    return [values[start : start + len(r)] for start, r in zip(starts, rows, strict=True)]


def _held(rows: np.ndarray, reach: int) -> np.ndarray:
    return rows[np.clip(np.arange(-reach, len(rows) + reach), 0, len(rows) - 1)]
