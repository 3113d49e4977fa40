"""What `tdmm fit` does to one motion: read it, lay it on an even clock, carry it over; a clip at a time, in any process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.motion import MotionFile, open_motion
from tdmm_core.artifacts.opening import is_hdf5
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import MissingPartError, TdmmError
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.resample import resample
from tdmm_core.pipelines.crossing import Residual, crossed, shared_points
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.foreign_motion import read_foreign
from tdmm_core.pipelines.motion_input import is_our_motion, is_take, read_motion_clips, take_clip
from tdmm_core.pipelines.run import Run


@dataclass(frozen=True, kw_only=True)
class MotionJob:
    """A clip to read from a file, and what it is to become."""

    id: str
    "The clip's name in the output."
    path: Path
    index: int
    "Number of the clip in its file."
    fps: float
    source_fps: float | None
    target: tuple[str, str] | None
    "Name and digest of the face model; None keeps the motion's own."


def motion_jobs(inputs: Sequence[Path], *, fps: float, source_fps: float | None, target: tuple[str, str] | None) -> list[MotionJob]:
    """One job for each clip of all inputs, in order; clips of several files that share a name become NAME, NAME-2 ..."""
    taken: dict[str, int] = {}
    jobs = []
    for path, index, name in ((p, i, n) for p in inputs for i, n in enumerate(_ids(p))):
        count = taken[name] = taken.get(name, 0) + 1
        apart = name if count == 1 else f"{name}-{count}"
        jobs.append(MotionJob(id=apart, path=path, index=index, fps=fps, source_fps=source_fps, target=target))
    return jobs


def _ids(path: Path) -> Iterator[str]:
    if not is_hdf5(path):
        yield path.stem or "motion"
        return
    with open_motion(path) as file:
        yield from file.ids


def prepare(jobs: Sequence[MotionJob], run: Run) -> None:
    """Find, once and before the work is shared out, what the jobs' crossings need. Raises as reading the first clip of each file does."""
    for path in dict.fromkeys(job.path for job in jobs):
        first = next(job for job in jobs if job.path == path)
        target = _target(first)
        source = _face_model_of(first, target)
        if target is not None and source is not None and source.digest != target.digest:
            shared_points(source, target, run)


def _face_model_of(job: MotionJob, target: MorphableModel | None) -> MorphableModel | None:
    """The face model of a file's motion; None where nothing is to be carried over."""
    if target is None:
        _read(job, target)
        return None
    if is_hdf5(job.path):
        with open_motion(job.path) as file:
            return find_face_model(file.face_model, file.face_model_digest)
    motion = _read(job, target).motion
    return find_face_model(motion.face_model, motion.face_model_digest) if motion is not None else None


def do_job(job: MotionJob) -> tuple[MotionClip, Residual | None]:
    """The clip as it is to be, and how well it crossed over where it did; what is wrong with its motion becomes the failed clip's error."""
    target, residuals = _target(job), []  # type: tuple[MorphableModel | None, list[Residual]]
    clip = _read(job, target)
    clip = _evened(replace(clip, clip=replace(clip.clip, id=job.id)), job.fps)
    if target is not None:
        clip = next(crossed([clip], target, Run(), residuals))
    return clip, residuals[0] if residuals else None


def _target(job: MotionJob) -> MorphableModel | None:
    return find_face_model(*job.target) if job.target else None


def _read(job: MotionJob, target: MorphableModel | None) -> MotionClip:
    if is_take(job.path):
        return take_clip(job.path, source_fps=job.source_fps)
    if not is_our_motion(job.path):
        return read_foreign(job.path, face_model=target, source_fps=job.source_fps)
    clips = read_motion_clips(job.path)
    if isinstance(clips, MotionFile):
        with clips:
            return clips[job.index]
    return clips[job.index]


def _evened(clip: MotionClip, fps: float) -> MotionClip:
    """The clip at an even rate; one that cannot be resampled has failed."""
    if clip.motion is None:
        return clip
    steps = np.diff(clip.motion.source_time_s) if clip.motion.source_time_s is not None else np.zeros(0)
    if abs(clip.motion.fps - fps) < 1e-6 and (np.abs(steps - 1 / fps) < 1e-6).all():
        return clip
    try:
        return replace(clip, motion=resample(clip.motion, fps))
    except MissingPartError:
        raise
    except TdmmError as e:
        return replace(clip, motion=None, status="failed", error=f"{clip.source or clip.clip.id}: {e}")
