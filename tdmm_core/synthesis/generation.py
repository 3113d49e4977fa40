"""Asking a generator: the request for a clip, its outcome, and what the corpus remembers of both. Knows no particular generator."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tdmm_core.domain.clip import CorpusClip
from tdmm_core.errors import InputError, TdmmError
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.synthesis.examination import Seen, examine
from tdmm_core.synthesis.known import Generation
from tdmm_core.synthesis.plan import PlannedClip
from tdmm_core.synthesis.wording import video_prompt

SEED_LIMIT = 2**31
"Above the seeds that every generator takes."
_REJECTED = ".rejected"
_SHORTEST = 0.5
"Share of the frames asked for that a video must have: services round lengths, but half of it is another clip."


@dataclass(frozen=True, kw_only=True)
class Request:
    """A video to be made."""

    id: str
    prompt: str
    negative_prompt: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a request: a video `ID.mp4` in the folder, or why there is none."""

    id: str
    error: str = ""
    "Empty, or begins with `refused:`, `timeout:` or `failed:`."


class Generator(Protocol):
    """A text-to-video generator that is ready."""

    revision: str
    "What besides its name fixes the model: a commit, a digest; empty where nobody tells."

    def generate(self, requests: Sequence[Request], folder: Path) -> Iterator[Outcome]:
        """Make the videos of all requests, in any order. What is wrong with one clip is its outcome; what would fail every clip is raised."""
        ...


def requests_of(planned: Sequence[PlannedClip], generation: Generation, *, seed: int) -> list[Request]:
    """What the generator is asked for each clip. A launcher has one seed for a start, so clips of one batch of the plan share theirs."""
    return [
        Request(
            id=p.clip.id,
            prompt=video_prompt(p.clip.prompt, p.subject, generation.backend),
            negative_prompt=generation.negative_prompt,
            seed=_seed(p, index, generation, seed),
        )
        for index, p in enumerate(planned)
    ]  # fmt: skip


def _seed(planned: PlannedClip, index: int, generation: Generation, seed: int) -> int:
    if generation.kind == "launcher":
        return derive_seed(seed, "launch", index // generation.batch_size) % SEED_LIMIT
    return planned.seed % SEED_LIMIT


def _examined(path: Path, generation: Generation) -> Seen:
    seen = examine(path)
    if seen.num_frames < _SHORTEST * generation.num_frames:
        raise InputError(f"{seen.num_frames} frames came of {generation.num_frames}")
    return seen


def _set_aside(path: Path) -> None:
    """Move a video that shows nothing out of the way, for a retry takes what lies under a clip's name as made."""
    if path.exists():
        (path.parent / _REJECTED).mkdir(exist_ok=True)
        path.replace(path.parent / _REJECTED / path.name)


def row_of(planned: PlannedClip, request: Request, outcome: Outcome, generation: Generation, *, revision: str, folder: Path) -> CorpusClip:
    """The corpus row of a clip; a video that shows nothing makes it a failed one."""
    row = {
        "clip": planned.clip, "subject": planned.subject.to_json(), "backend": generation.backend, "model": generation.name,
        "model_revision": revision, "settings": generation.settings_json(request.prompt), "seed": request.seed, "fps": float(generation.fps),
    }  # fmt: skip
    if outcome.error:
        return CorpusClip(**row, status="failed", error=outcome.error)  # type: ignore[arg-type]
    path = folder / f"{request.id}.mp4"
    try:
        seen = _examined(path, generation)
    except TdmmError as e:
        _set_aside(path)
        return CorpusClip(**row, status="failed", error=f"failed: {str(e).replace(str(path), path.name)}")  # type: ignore[arg-type]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    video = f"{folder.name}/{path.name}"
    row["fps"] = seen.fps
    return CorpusClip(**row, video=video, source_digest=digest, num_frames=seen.num_frames, status="done")  # type: ignore[arg-type]
