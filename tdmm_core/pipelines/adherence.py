"""Clips that ignored their prompt, as `tdmm synth --check` found: where that is kept, and who is left out of training for it.

What was found lies beside the motion, as a report (`c.motion.h5` -> `c.motion.check.h5`) that names the motion by its digest. The motion itself
is not touched: every clip is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tdmm_core.artifacts.header import Making, Parent, parent_of, read_header
from tdmm_core.artifacts.report import read_report
from tdmm_core.errors import InputError

PER_CLIP = "per_clip"


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Who is left out, and by which check."""

    ids: frozenset[str] = frozenset()
    parents: tuple[Parent, ...] = ()
    "The check, where it leaves anyone out: what is made without them follows from it."


def check_path(motion: Path) -> Path:
    """Where the check of a motion artifact lies."""
    return motion.with_suffix(".check.h5")


def left_out(motion: Path, *, all_clips: bool = False) -> LeftOut:
    """Clips of a motion file that ignored their prompt; nobody where it was not checked, or with `all_clips`.

    Raises InputError where the check beside it is of another motion.
    """
    path = check_path(Path(motion))
    if str(motion) == "-" or all_clips or not path.exists():
        return LeftOut()
    return _of_check(path, parent_of(motion).digest)


def left_out_of_tokens(path: Path, *, all_clips: bool = False) -> LeftOut:
    """The same for a tokens artifact, by the check of the motion that it was made of, where that lies beside it."""
    motions = [p for p in read_header(path).parents if p.kind == "motion"]
    checks = [(check_path(path.parent / p.name), p.digest) for p in motions]
    found = [_of_check(check, digest) for check, digest in checks if not all_clips and check.exists()]
    # Clips of several motions got names of their own when they were tokenized together; those who ignored their prompt were left out then.
    return found[0] if len(motions) == 1 and found else LeftOut()


def with_checks(making: Making, paths: Sequence[Path], *, all_clips: bool) -> Making:
    """What is made of tokens follows from the checks that leave some of their clips out, too."""
    checks = [p for path in paths for p in left_out_of_tokens(path, all_clips=all_clips).parents]
    return replace(making, parents=(*making.parents, *checks)) if checks else making


def _of_check(path: Path, motion_digest: str) -> LeftOut:
    if motion_digest not in {p.digest for p in read_header(path).parents}:
        raise InputError(f"{path}: the check of another motion than the one here; run tdmm synth --check again, or remove it")
    rows = read_report(path).tables[PER_CLIP].records()
    ids = frozenset(str(row["id"]) for row in rows if row["ignored"])
    return LeftOut(ids=ids, parents=(parent_of(path),) if ids else ())
