"""Where a run of `tdmm synth` writes, which share of the plan is its own, and what it tells at the end; the same for every source of clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tdmm_core.artifacts.columns import ArtifactFile
from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.header import Making, Parent, read_header
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.errors import InputError
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import SETTING, Shard

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class SynthSummary:
    """What was made."""

    output: str
    motion: str
    "The true motion; the output itself where there is no video, empty where nobody knows it."
    num_clips: int
    num_failed: int
    first_failure: str
    "Name and reason of the first clip that failed; empty where none did."
    num_frames: int
    num_resumed: int
    "Clips that an interrupted run had made already."
    digest: str

    def lines(self) -> list[str]:
        """What a person sees."""
        return [self.output]


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a run writes."""

    output: Path
    "The artifact of the whole, or of the shard."
    videos: Path
    "The folder of the videos: one for all shards."
    making: Making
    shard: Shard | None
    retried: bool
    "Whether the failed clips of a finished artifact are made anew."

    def options(self, run: Run) -> dict[str, bool]:
        """How the writers are opened: a retried artifact is replaced when its new edition is whole."""
        return {"force": run.force or self.retried, "resume": run.resume}

    def share(self, items: Sequence[Item]) -> list[Item]:
        """The items that this run is to make."""
        return self.shard.share(items) if self.shard else list(items)


def place_of(
    output: Path,
    run: Run,
    settings: Mapping[str, object],
    *,
    shard: Shard | None = None,
    retry_failed: bool = False,
    parents: tuple[Parent, ...] = (),
) -> Place:
    """Where a run with these settings writes: `c.h5` and `c.videos/`, or `c.I-of-N.h5` with the same folder of videos.

    Raises InputError for an output that is no .h5 file, and for `retry_failed` on one that another run made.
    """
    whole = Path(output)
    if whole.suffix != ".h5":
        raise InputError(f"{whole}: expected an output name ending in .h5, got {whole.suffix or 'no suffix'!r}")
    place = shard.output(whole) if shard else whole
    part = {SETTING: str(shard)} if shard else {}
    making = Making(recipe=run.recipe, config={**settings, **part}, seed=run.seed, parents=parents)
    retried = retry_failed and place.exists()
    if retried and not read_header(place).making.same_as(making):
        raise InputError(f"--retry-failed: {place} was made with other settings, seed or inputs; repeat the command that made it")
    return Place(output=place, videos=whole.with_suffix(".videos"), making=making, shard=shard, retried=retried)


def motion_summary(output: Path, motion: Path, num_resumed: int, digest: str) -> SynthSummary:
    """The summary of an artifact of motion, or of a corpus with its true motion beside it."""
    with open_motion(motion) as file:
        return _summary(file, num_frames=int(file.lengths.sum()), output=str(output), motion=str(motion), num_resumed=num_resumed, digest=digest)


def corpus_summary(output: Path, num_resumed: int, digest: str) -> SynthSummary:
    """The summary of a corpus whose motion nobody knows yet."""
    with open_corpus(output) as file:
        return _summary(file, num_frames=int(file.frame_counts.sum()), output=str(output), motion="", num_resumed=num_resumed, digest=digest)


def _summary(file: ArtifactFile, **told: object) -> SynthSummary:
    failed = [i for i, status in enumerate(file.columns.texts("status")) if status == "failed"]
    first = f"{file.ids[failed[0]]}: {file.columns.text('error', failed[0])}" if failed else ""
    return SynthSummary(num_clips=len(file), num_failed=len(failed), first_failure=first, **told)  # type: ignore[arg-type]
