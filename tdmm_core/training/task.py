"""What the engine is given and what it gives back: a task, a place, a summary. Knows no DeepSpeed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

Batch = Mapping[str, object]
"Names to CPU tensors, or to further mappings and sequences of them; whatever else stands in it is handed on untouched."


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """A model and where its batches come from."""

    model: nn.Module
    "`model(batch)` returns a dict of 0-d tensors: `loss` is minimised, the others are logged. Trained in place."
    train_batch: Callable[[int], Batch]
    """Part number -> this process's part of the batch. Parts count from 0 through the whole run, `gradient_accumulation` of them make one step, so
    without accumulation the part is the step. It is a pure function of the number (take the rows from `sampling.draw_rows`); torch's global random
    stream is seeded anew for each step."""
    validation_batches: Callable[[], Iterable[Batch]] = tuple
    "All held-out batches, the same on every process and at every call; the engine shares them out. Empty: no validation."
    after_step: Callable[[int], Mapping[str, float] | None] | None = None
    """Called on every process after each optimiser step with the number of steps done (from 1); what it returns is logged. It may change buffers (of
    process 0, which the others take over), never parameters."""
    identity: str = ""
    "What the run is of besides its config and seed (digests of data and model settings): a run folder of another identity is refused."


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a training runs; nothing of it changes what is learned."""

    run_dir: Path
    "Checkpoints and curves; on storage that all processes see."
    device: str = "auto"
    deepspeed_config: Path | None = None
    "The user's own DeepSpeed JSON; what it leaves out or calls auto is filled in from the config."
    resume: bool = True
    "Go on from the last checkpoint in run_dir; otherwise begin anew there."
    force: bool = False
    "Replace a run in run_dir that was made with other settings, which is refused otherwise."


@dataclass(frozen=True, kw_only=True)
class TrainingSummary:
    """What came of a training."""

    steps: int
    best_step: int
    "Step whose weights had the lowest validation loss; 0 without validation."
    train_loss: float | None
    "Mean loss over the last logged steps; None if no step was made."
    validation_loss: float | None
    "Of the weights that the model now holds; None without validation."
    seconds: float
    "Time of training, over all resumptions."
