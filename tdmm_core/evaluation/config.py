"""Settings of `tdmm eval`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tdmm_core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """What is measured, and on how much."""

    split: Literal["train", "validation", "test", "all"] = "test"
    "Clips of this split are measured."
    max_clips: int = 200
    "At most this many clips, the first in order of their ids; 1 or more."
    lag_frames: int = 1
    "Frames between the two instants of a velocity in the motion features; 1 or more."

    def __post_init__(self) -> None:
        if self.max_clips < 1:
            raise InputError(f"eval.max_clips: expected 1 or more, got {self.max_clips}")
        if self.lag_frames < 1:
            raise InputError(f"eval.lag_frames: expected 1 or more, got {self.lag_frames}")
