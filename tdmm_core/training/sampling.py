"""Which rows of a data set make up a step: a pure function, so that a resumed run needs no loader state.

Every epoch is a fresh permutation; batches run on from one epoch into the next. Knows nothing of what a row is.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.runtime.process import rank, world_size
from tdmm_core.runtime.seeding import stream
from tdmm_core.training.config import TrainingConfig


def draw_rows(num_rows: int, part: int, *, config: TrainingConfig, seed: int) -> np.ndarray:
    """This process's rows of part `part` (as `TrainingTask.train_batch` is given it): (batch_size / parts,) int64.

    All processes' parts of one step together are the same `batch_size` rows, however many processes there are.
    """
    if num_rows < 1:
        raise InputError("training data: expected at least one row to train on, got none")
    size = config.micro_batch_size(world_size())
    step, piece = divmod(part, config.gradient_accumulation)
    first = step * config.batch_size + (piece * world_size() + rank()) * size
    return np.array([_epoch_order(num_rows, place // num_rows, seed)[place % num_rows] for place in range(first, first + size)], dtype=np.int64)


@lru_cache(maxsize=4)
def _epoch_order(num_rows: int, epoch: int, seed: int) -> np.ndarray:
    return stream(seed, "epoch", epoch).permutation(num_rows)
