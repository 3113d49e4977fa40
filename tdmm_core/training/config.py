"""Settings of a training run: what changes the result, and nothing about places or processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from tdmm_core.errors import InputError

Precision = Literal["fp32", "bf16"]
Schedule = Literal["cosine", "linear", "constant"]
Keep = Literal["best", "last"]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One optimisation by AdamW. Equal config, seed and data mean equal weights on one machine."""

    steps: int = 2000
    "Optimiser steps, 0 or more."
    batch_size: int = 32
    "Samples of one optimiser step over all processes and accumulation parts together; divisible by their product."
    gradient_accumulation: int = 1
    "Parts into which each process cuts its share of a batch to save memory, 1 or more."
    learning_rate: float = 3e-4
    "Peak learning rate, above 0."
    schedule: Schedule = "cosine"
    "How the rate falls after the warm-up: along half a cosine, along a line, or not at all."
    warmup_steps: int = 100
    "Steps over which the rate rises linearly from 0; cut to `steps`."
    final_learning_rate: float = 0.05
    "Rate at the last step as a share of the peak, 0 to 1."
    weight_decay: float = 0.01
    "AdamW's decay of matrices (never of biases, norms and other vectors), 0 or more."
    beta1: float = 0.9
    "AdamW's memory of the gradient, 0 to below 1."
    beta2: float = 0.99
    "AdamW's memory of the squared gradient, 0 to below 1."
    grad_clip: float = 1.0
    "Largest norm of the whole gradient; 0 leaves it as it is."
    precision: Precision = "fp32"
    "bf16 computes matrix products in bfloat16 and keeps weights, optimiser and buffers in float32."
    zero_stage: int = 0
    "DeepSpeed ZeRO: 0 every process holds all, 1 splits the optimiser, 2 also gradients, 3 also weights."
    validate_every: int = 200
    "Steps between validations; 0 validates at the last step only."
    checkpoint_every: int = 500
    "Steps between checkpoints; 0 writes one at the last step only."
    log_every: int = 10
    "Steps between lines of the training curve, each the mean over these steps; 1 or more."
    keep: Keep = "best"
    "Weights that the model holds afterwards: of the lowest validation loss, or of the last step."

    def __post_init__(self) -> None:
        for name in ("batch_size", "gradient_accumulation", "log_every"):
            _require(getattr(self, name) >= 1, name, "1 or more", getattr(self, name))
        for name in ("steps", "warmup_steps", "weight_decay", "grad_clip", "validate_every", "checkpoint_every"):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _require(0 < self.learning_rate < math.inf, "learning_rate", "a number above 0", self.learning_rate)
        _require(0 <= self.final_learning_rate <= 1, "final_learning_rate", "a share of 0 to 1", self.final_learning_rate)
        for name in ("beta1", "beta2"):
            _require(0 <= getattr(self, name) < 1, name, "0 to below 1", getattr(self, name))
        for name, choices in (("schedule", get_args(Schedule)), ("precision", get_args(Precision)), ("keep", get_args(Keep))):
            _require(getattr(self, name) in choices, name, "one of " + ", ".join(choices), getattr(self, name))
        _require(self.zero_stage in (0, 1, 2, 3), "zero_stage", "0, 1, 2 or 3", self.zero_stage)
        _require(
            self.batch_size % self.gradient_accumulation == 0,
            "batch_size",
            f"a multiple of gradient_accumulation ({self.gradient_accumulation})",
            self.batch_size,
        )

    def micro_batch_size(self, num_processes: int) -> int:
        """Rows of one forward pass of one process. Raises InputError where the batch does not divide evenly."""
        parts = num_processes * self.gradient_accumulation
        if self.batch_size % parts:
            raise InputError(
                f"batch_size {self.batch_size}: expected a multiple of {parts} ({num_processes} processes x gradient_accumulation "
                f"{self.gradient_accumulation}); set another batch_size or start another number of processes"
            )
        return self.batch_size // parts

    def learning_rate_at(self, step: int) -> float:
        """The rate that optimiser step `step` (from 0) uses."""
        return self.learning_rate * self.share_of_rate_at(step)

    def share_of_rate_at(self, step: int) -> float:
        """The rate of optimiser step `step` as a share of the peak."""
        warmup = min(self.warmup_steps, self.steps)
        if step < warmup:
            return (step + 1) / (warmup + 1)
        done = (step - warmup) / max(1, self.steps - 1 - warmup)
        match self.schedule:
            case "cosine":
                left = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
            case "linear":
                left = 1 - min(1.0, done)
            case _:
                return 1.0
        return self.final_learning_rate + (1 - self.final_learning_rate) * left


def _require(good: bool, name: str, expected: str, got: object) -> None:
    if not good:
        raise InputError(f"training {name}: expected {expected}, got {got!r}")
