"""`tdmm synth --check`: what each motion of a corpus shows is read back and compared with what it was asked for.

Writes a report beside the motion: the verdict on every clip, the share that ignored their prompt by backend, and how often each kind of claim
was kept, beside chance. Owns files and processes; reading and judging are the room `performance`'s.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.header import Making, Parent, parent_of
from tdmm_core.artifacts.motion import MotionFile, open_motion
from tdmm_core.artifacts.report import write_report
from tdmm_core.domain.report import Report, Table
from tdmm_core.domain.script import Script
from tdmm_core.errors import InputError
from tdmm_core.performance.claims import Claim, chance, claims, tally
from tdmm_core.performance.evidence import ignored
from tdmm_core.performance.lexicon import lexicon_digest
from tdmm_core.performance.reading import read
from tdmm_core.pipelines.adherence import PER_CLIP, check_path
from tdmm_core.pipelines.processes import spread
from tdmm_core.pipelines.run import Run

_AT_ONCE = 64
"Clips that a process reads at a time: about a second."
_UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class CheckSummary:
    """How well a corpus did what it was asked."""

    output: str
    num_clips: int
    num_checked: int
    "Clips with a script and a motion; footage and failed clips cannot be checked."
    num_ignored: int
    share_ignored: float
    "Of the checked ones."
    backends: Mapping[str, float]
    "Share of each backend's clips that ignored their prompt."

    def lines(self) -> list[str]:
        """What a person sees."""
        each = [f"  {name:<14} {share:.1%} ignored their prompt" for name, share in self.backends.items()]
        return [self.output, f"{self.num_ignored} of {self.num_checked} clips ignored their prompt", *each]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A clip's verdict."""

    index: int
    asked: Script
    read: Script
    claims: tuple[Claim, ...]
    ignored: bool


def check(motion: Path, run: Run, *, corpora: Sequence[Path] = ()) -> CheckSummary:
    """Check every clip of a motion artifact and write `MOTION.check.h5`, which is made anew where it exists.

    `corpora` tell which backend made which clip; without, the corpora that the motion was made from are looked for beside it.
    Raises InputError where no clip has a script and a motion, or the face model does not speak in ARKit units.
    """
    motion = Path(motion)
    with open_motion(motion) as file:
        backends, parents = _backends(motion, file, corpora)
        checked = _checked(motion, file, run)
        if not checked:
            raise InputError(f"{motion}: expected clips with a script and a motion to check, got none; footage has no script to keep to")
        rows = [_row(file, c, backends) for c in checked]
        num_clips = len(file)
    report = Report(tables={PER_CLIP: Table.of(rows), "backends": Table.of(_by_backend(rows)), "claims": Table.of(_by_kind(checked))})
    making = Making(recipe=run.recipe, config={"lexicon_digest": lexicon_digest()}, seed=0, parents=(parent_of(motion), *parents))
    write_report(check_path(motion), report, making, force=True)
    num_ignored = sum(int(row["ignored"]) for row in rows)
    return CheckSummary(
        output=str(check_path(motion)),
        num_clips=num_clips,
        num_checked=len(rows),
        num_ignored=num_ignored,
        share_ignored=num_ignored / len(rows),
        backends={str(r["backend"]): float(r["share_ignored"]) for r in report.tables["backends"].records()},
    )


def _backends(motion: Path, file: MotionFile, corpora: Sequence[Path]) -> tuple[dict[str, str], tuple[Parent, ...]]:
    """Backend of each clip by its id, and the corpora that told."""
    beside = [motion.parent / p.name for p in file.header.parents if p.kind == "corpus"]
    if not beside and motion.name.endswith(".motion.h5"):  # the true motion, which lies beside its corpus
        beside = [motion.with_name(motion.name.removesuffix(".motion.h5") + ".h5")]
    paths = list(corpora) or [p for p in beside if p.exists()]
    backends: dict[str, str] = {}
    with ExitStack() as stack:
        for path in paths:
            corpus = stack.enter_context(open_corpus(path))
            backends.update(zip(corpus.ids, corpus.backends.tolist(), strict=True))
    return backends, tuple(parent_of(p) for p in paths)


def _checked(motion: Path, file: MotionFile, run: Run) -> list[Checked]:
    numbers = np.flatnonzero(file.lengths).tolist()
    batches = [numbers[i : i + _AT_ONCE] for i in range(0, len(numbers), _AT_ONCE)]
    run.progress.start("reading", len(numbers), "clip")
    checked: list[Checked] = []
    for batch in spread(partial(_read_batch, motion), batches, run.workers):
        checked += batch
        run.progress.advance(len(batch))
    run.progress.finish()
    return sorted(checked, key=lambda c: c.index)


def _read_batch(motion: Path, numbers: Sequence[int]) -> list[Checked]:
    found = []
    with open_motion(motion) as file:
        for index in numbers:
            asked, moved = file.clip(index).script, file.motion(index)
            if asked is not None and moved is not None:
                seen = read(moved)
                found.append(Checked(index=index, asked=asked, read=seen, claims=claims(asked, seen), ignored=ignored(asked, moved, seen)))
    return found


def _row(file: MotionFile, checked: Checked, backends: Mapping[str, str]) -> dict[str, str | int]:
    clip = file.clip(checked.index)
    return {
        "id": clip.id,
        "backend": backends.get(clip.id, _UNKNOWN),
        "label": clip.label,
        "num_claims": len(checked.claims),
        "num_kept": sum(c.kept for c in checked.claims),
        "ignored": int(checked.ignored),
        "broken": ", ".join(f"{c.kind}: {c.asked}" for c in checked.claims if not c.kept),
        "read": checked.read.to_json(),
    }


def _by_backend(rows: Sequence[Mapping[str, str | int]]) -> list[dict[str, str | float | int]]:
    clips, bad = Counter(r["backend"] for r in rows), defaultdict(int)
    for row in rows:
        bad[row["backend"]] += int(row["ignored"])
    return [{"backend": str(b), "num_clips": n, "num_ignored": bad[b], "share_ignored": bad[b] / n} for b, n in sorted(clips.items())]


def _by_kind(checked: Sequence[Checked]) -> list[dict[str, str | float | int]]:
    floor = chance([c.asked for c in checked], [c.read for c in checked])
    return [
        {"kind": kind, **asdict(counts), "share": counts.share, "chance": floor[kind].share}
        for kind, counts in tally([claim for c in checked for claim in c.claims]).items()
    ]
