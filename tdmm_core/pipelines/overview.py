"""`tdmm synth --overview`: one picture of any corpora and motion artifacts together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tdmm_core.artifacts.atomic import atomic_path
from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.domain.clip import Clip
from tdmm_core.errors import InputError
from tdmm_core.pipelines.run import Run
from tdmm_core.synthesis.overview import Tally, draw_overview

_PICTURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True, kw_only=True)
class OverviewSummary:
    """What the picture shows."""

    output: str
    num_clips: int
    num_labels: int
    hours: float
    evenness: float
    "Largest difference of a label's number of clips from the mean, as a share of the mean."
    statuses: dict[str, int]
    backends: list[str]

    def lines(self) -> list[str]:
        """What a person sees."""
        return [self.output]


def overview(picture: Path, inputs: Sequence[Path], run: Run) -> OverviewSummary:
    """Draw corpora (or motion artifacts) into `picture`. Raises InputError for no input, an empty one, another kind, or an unknown suffix."""
    picture = Path(picture)
    if picture.suffix.lower() not in _PICTURES:
        raise InputError(f"{picture}: expected a picture ending in {', '.join(_PICTURES)}, got {picture.suffix or 'no suffix'!r}")
    if picture.exists() and not run.force:
        raise InputError(f"{picture}: exists already; give --force to replace it")
    if not inputs:
        raise InputError("synth --overview: expected corpora (.h5) to look at, got none")
    tally = Tally()
    for path in inputs:
        _count(Path(path), tally)
    if not tally.num_clips:
        raise InputError(f"{', '.join(map(str, inputs))}: no clips to look at")
    with atomic_path(picture) as temporary:
        draw_overview(tally, temporary)
    return OverviewSummary(
        output=str(picture),
        num_clips=tally.num_clips,
        num_labels=len(tally.by_label),
        hours=sum(tally.durations_s) / 3600,
        evenness=tally.evenness,
        statuses=dict(tally.by_status),
        backends=tally.backends,
    )


def _count(path: Path, tally: Tally) -> None:
    kind = read_header(path).kind
    if kind == "corpus":
        with open_corpus(path) as corpus:
            for row in corpus:
                duration_s = row.num_frames / row.fps if row.num_frames else _planned_s(row.clip)
                tally.add(backend=row.backend, status=row.status, duration_s=duration_s, **_clip_terms(row.clip))
    elif kind == "motion":
        with open_motion(path) as motion:
            for i, (status, frames, source) in enumerate(zip(motion.statuses, motion.lengths, motion.sources, strict=True)):
                # A performance names its generator, anything else the file that it came from.
                backend = "from files" if "." in source else source or "unknown"
                tally.add(backend=backend, status=str(status), duration_s=frames / motion.fps, **_clip_terms(motion.clip(i)))
    else:
        raise InputError(f"{path}: expected a corpus or a motion, got a {kind} artifact; tdmm synth makes a corpus")


def _clip_terms(clip: Clip) -> dict[str, object]:
    return {"category": clip.category, "label": clip.label, "sentences": (clip.prompt, *clip.paraphrases)}


def _planned_s(clip: Clip) -> float:
    return clip.script.duration_s if clip.script else 0.0
