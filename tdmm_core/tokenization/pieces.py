"""Many clips through one network of limited reach, in pieces of bounded size; knows neither face nor code.

Clips are laid end to end with what stands beyond their ends, so clips of unequal length need no padding to the longest. Results whose reach
crosses from one clip to the next are left out: each clip's are the same alone, in a batch or in pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from tdmm_core.tokenization.ends import Ends, beyond, held

PIECE_FRAMES = 4096
"Bounds the memory of one pass."


def in_pieces(
    rows: Sequence[np.ndarray], reach: int, network: Callable[[Tensor], Tensor], *, ends: Ends = held, piece_frames: int = PIECE_FRAMES
) -> list[np.ndarray]:
    """Apply `network`, (1, n + 2 reach, D) to (1, n, D'), to clips of (T, D) rows: one (T, D') array for each clip."""
    if not rows:
        return []
    line = np.concatenate([r[beyond(len(r), reach, ends)] for r in rows])
    num_results = len(line) - 2 * reach
    with torch.inference_mode():
        results = [
            network(torch.from_numpy(line[start : min(start + piece_frames, num_results) + 2 * reach])[None])[0].numpy()
            for start in range(0, num_results, piece_frames)
        ]
    values = np.concatenate(results)
    starts = np.cumsum([0] + [len(r) + 2 * reach for r in rows[:-1]])
    return [values[start : start + len(r)] for start, r in zip(starts, rows, strict=True)]


def in_segments(rows: Sequence[np.ndarray], frames: int, at_once: int, network: Callable[[Tensor], Tensor]) -> list[np.ndarray]:
    """Apply `network`, (n, frames, D) to (n, frames, D') with n up to `at_once`, to clips of (T, D) rows, cut from their first frame on.

    A last segment that is too short is filled up with zeros, so no frame's result may depend on later ones: one (T, D') array for each clip.
    """
    counts = [-(-len(r) // frames) for r in rows]
    segments = np.zeros((sum(counts), frames, rows[0].shape[1] if rows else 0), np.float32)
    starts = np.cumsum([0, *counts])
    for start, count, r in zip(starts, counts, rows, strict=False):
        segments[start : start + count].reshape(count * frames, -1)[: len(r)] = r
    with torch.inference_mode():
        made = [network(torch.from_numpy(segments[i : i + at_once])).numpy() for i in range(0, len(segments), at_once)]
    lines = np.concatenate(made).reshape(len(segments) * frames, -1) if made else segments.reshape(0, 0)
    return [lines[start * frames : start * frames + len(r)] for start, r in zip(starts, rows, strict=False)]
