"""How a verb is run: what every pipeline is told besides its inputs and its config."""

from __future__ import annotations

from dataclasses import dataclass

from tdmm_core.runtime.progress import SILENT, Progress


@dataclass(frozen=True, kw_only=True)
class Run:
    """Run-time choices; only `seed` changes a result."""

    recipe: str = "base"
    "Name of the recipe that the config came from, remembered in the artifact."
    seed: int = 0
    device: str = "auto"
    workers: int = 0
    "Worker processes; 0 takes one for each core."
    force: bool = False
    "Replace an output that exists."
    resume: bool = True
    "Go on from an interrupted run's blocks or checkpoints."
    progress: Progress = SILENT
