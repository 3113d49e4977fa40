"""Which process of a run this is, from the variables that torchrun, deepspeed and srun set."""

from __future__ import annotations

import os


def rank() -> int:
    """Global rank: RANK, else SLURM_PROCID inside a multi-task step, else 0."""
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))


def world_size() -> int:
    """Number of processes: WORLD_SIZE, else what srun started together, else 1 (a batch script alone is one, whatever it asks for)."""
    return int(os.environ.get("WORLD_SIZE", os.environ.get("SLURM_STEP_NUM_TASKS", "1")))


def local_rank() -> int:
    """Rank on this machine: LOCAL_RANK, else SLURM_LOCALID, else 0."""
    return int(os.environ.get("LOCAL_RANK", os.environ.get("SLURM_LOCALID", "0")))


def is_main() -> bool:
    """Whether this process writes files and shows progress."""
    return rank() == 0
