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
    max_described: int = 48
    "At most this many of them are described in words, which is slow; 1 or more."
    max_asked: int = 12
    "Questions with known answers about each of these clips; 0 or more."
    num_still: int = 24
    "Faces on which nothing happens, performed and described; 0 or more."
    max_cycled: int = 16
    "At most this many sentences are animated and described again; 0 or more."
    lag_frames: int = 1
    "Frames between the two instants of a velocity in the motion features; 1 or more."

    def __post_init__(self) -> None:
        for name in ("max_clips", "max_described", "lag_frames"):
            if getattr(self, name) < 1:
                raise InputError(f"eval.{name}: expected 1 or more, got {getattr(self, name)}")
        for name in ("max_asked", "num_still", "max_cycled"):
            if getattr(self, name) < 0:
                raise InputError(f"eval.{name}: expected 0 or more, got {getattr(self, name)}")
