"""The clips of one motion file or several, whatever their kind, by number: what coding and training need of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.header import Parent
from tdmm_core.artifacts.motion import MotionFile
from tdmm_core.domain.clip import Clip, ClipSource, MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.pipelines.adherence import LeftOut, left_out
from tdmm_core.pipelines.joined import Paths, Places, listed, named_apart
from tdmm_core.pipelines.motion_input import read_motion_clips

_AGREED = ("face_model", "face_model_digest", "expression_names", "fps")


@dataclass(frozen=True, kw_only=True)
class Motions:
    """Clips by number."""

    ids: Sequence[str]
    lengths: np.ndarray
    "(C,) frames, 0 where a clip failed or is left out."
    splits: np.ndarray
    "(C,) train, validation or test."
    read: Callable[[int], FaceMotion]
    clip: Callable[[int], Clip]
    num_left_out: int = 0
    "Clips that ignored their prompt (see `adherence`)."
    checks: tuple[Parent, ...] = ()
    "The checks by which they are left out."


@contextmanager
def open_motions(paths: Paths, *, all_clips: bool = False) -> Iterator[Motions]:
    """The clips of all files, in order, each with a name of its own; without those that ignored their prompt unless `all_clips`.

    Raises InputError that says what a file is instead, and for files whose motion is of different face models or rates.
    """
    found = listed(paths)
    with ExitStack() as stack:
        parts = [_heeding(_opened(path, stack), left_out(path, all_clips=all_clips)) for path in found]
        _check_alike(parts, found)
        yield parts[0] if len(parts) == 1 else _joined(parts)


def _opened(path: Path, stack: ExitStack) -> Motions:
    source = read_motion_clips(path)
    if not isinstance(source, MotionFile):
        return _of_items(source)
    file = stack.enter_context(source)
    return Motions(ids=file.ids, lengths=np.asarray(file.lengths), splits=file.splits, read=file.motion, clip=file.clip)


def _heeding(part: Motions, left: LeftOut) -> Motions:
    if not left.ids:
        return part
    out = np.array([name in left.ids for name in part.ids]) & (part.lengths > 0)
    return replace(part, lengths=np.where(out, 0, part.lengths), num_left_out=int(out.sum()), checks=left.parents)


def _of_items(items: ClipSource[MotionClip]) -> Motions:
    return Motions(
        ids=[item.clip.id for item in items],
        lengths=np.array([item.motion.num_frames if item.motion else 0 for item in items], np.int64),
        splits=np.array([item.clip.split for item in items]),
        read=lambda index: items[index].motion,
        clip=lambda index: items[index].clip,
    )


def _joined(parts: Sequence[Motions]) -> Motions:
    places, names = Places([len(p.ids) for p in parts]), named_apart([name for p in parts for name in p.ids])

    def read(index: int) -> FaceMotion:
        part, own = places(int(index))
        return parts[part].read(own)

    def clip(index: int) -> Clip:
        part, own = places(int(index))
        return replace(parts[part].clip(own), id=names[index])

    return Motions(
        ids=names,
        lengths=np.concatenate([p.lengths for p in parts]),
        splits=np.concatenate([p.splits for p in parts]),
        read=read,
        clip=clip,
        num_left_out=sum(p.num_left_out for p in parts),
        checks=tuple(c for p in parts for c in p.checks),
    )


def _check_alike(parts: Sequence[Motions], paths: Sequence[Path]) -> None:
    first: tuple[Path, FaceMotion] | None = None
    for part, path in zip(parts, paths, strict=True):
        filled = np.flatnonzero(part.lengths)
        if not len(filled):
            continue
        motion = part.read(int(filled[0]))
        if first is None:
            first = (path, motion)
        differs = next((n for n in _AGREED if getattr(motion, n) != getattr(first[1], n)), None)
        if differs is not None:
            raise InputError(f"{path}: expected motion like that of {first[0]}, but its {differs} is another; carry it over with tdmm fit first")
