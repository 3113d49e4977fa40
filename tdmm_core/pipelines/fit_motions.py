"""`tdmm fit` for inputs that are motions already: recordings and other tools' parameters become our motion, on the face model that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.header import Making, parent_of
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import InputError, PartialFailureError, TdmmError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.resample import resample
from tdmm_core.pipelines.crossing import Residual, crossed
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.foreign_motion import foreign_layout, read_foreign
from tdmm_core.pipelines.motion_input import is_our_motion, is_take, read_motion_clips, take_clip
from tdmm_core.pipelines.motion_output import check_output, write_motion_output
from tdmm_core.pipelines.run import Run


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What motions are to become."""

    face_model: tuple[str, str] | None = None
    "Name and digest; None keeps each motion's own."
    source_fps: float | None = None
    "Rate of files that store none; takes the place of time codes."


@dataclass(frozen=True, kw_only=True)
class MotionsSummary:
    """What became of the motions."""

    output: str
    face_model: str
    num_clips: int
    num_failed: int
    num_frames: int
    residual_mm: float | None
    "Mean over the clips that crossed over to another face model, over the face and all frames; None where none did."
    neutral_mm: float | None
    "The same for a neutral face: the floor."
    clips: tuple[dict[str, object], ...]
    "id, residual_mm and neutral_mm of each clip that crossed."

    def lines(self) -> list[str]:
        """For people: where it is, and how well each clip crossed."""
        rows = [f"  {c['id']}: residual {c['residual_mm']:.2f} mm (a neutral face: {c['neutral_mm']:.2f} mm)" for c in self.clips]
        return [self.output, *rows]


def holds_motion(path: Path) -> bool:
    """Whether a file is a motion, ours or another tool's, judged by its content."""
    return path.is_file() and (is_take(path) or is_our_motion(path) or foreign_layout(path) is not None)


def all_motions(inputs: Sequence[Path]) -> bool:
    """Whether the inputs are motions; False for videos and corpora. Raises InputError where both are given at once."""
    motions = [path for path in inputs if holds_motion(path)]
    if motions and len(motions) < len(inputs):
        other = next(path for path in inputs if path not in motions)
        raise InputError(f"fit: expected videos or motions, got both: {motions[0]} is a motion and {other} is none; fit them apart")
    return bool(motions)


def refuse_for_videos(wish: Wish) -> None:
    """Raises InputError for what can be wished of motions only."""
    if wish.source_fps is not None:
        raise InputError("--source-fps: a video has its own times; the option is for motion files that store no rate")


def fit_motions(inputs: Sequence[Path], output: Path | str, run: Run, *, config: FitConfig, wish: Wish) -> MotionsSummary:
    """Read motions, lay them on an even clock, carry them over to the wished face model and write them, by the suffix of `output`.

    `config` gives the rate alone. Raises InputError for a file that lacks a rate or a face model, PartialFailureError, once the output is written,
    where clips failed.
    """
    target = find_face_model(*wish.face_model) if wish.face_model else None
    clips = _named_apart(clip for path in inputs for clip in _clips_of(path, target, wish.source_fps))
    check_output(output, force=run.force, many=len(clips) > 1, resumable=True)
    residuals: list[Residual] = []
    evened = (_evened(clip, config.fps) for clip in clips)
    done = list(evened if target is None else crossed(evened, target, run, residuals))
    if len(done) == 1 and done[0].motion is None:
        raise InputError(done[0].error)
    settings = {"fps": config.fps, "source_fps": wish.source_fps, "face_model_digest": target.digest if target else ""}
    making = Making(recipe=run.recipe, config=settings, seed=run.seed, parents=tuple(parent_of(p) for p in inputs))
    write_motion_output(output, done, run, settings=settings | {"residuals": [asdict(r) for r in residuals]}, making=making)
    return _told(_summary(str(output), done, residuals), done)


def _clips_of(path: Path, target: MorphableModel | None, source_fps: float | None) -> Sequence[MotionClip]:
    if is_take(path):
        return [take_clip(path, source_fps=source_fps)]
    if is_our_motion(path):
        return list(read_motion_clips(path))
    return [read_foreign(path, face_model=target, source_fps=source_fps)]


def _evened(clip: MotionClip, fps: float) -> MotionClip:
    """The clip at an even rate; one that cannot be resampled has failed."""
    if clip.motion is None:
        return clip
    steps = np.diff(clip.motion.source_time_s) if clip.motion.source_time_s is not None else np.zeros(0)
    if abs(clip.motion.fps - fps) < 1e-6 and (np.abs(steps - 1 / fps) < 1e-6).all():
        return clip
    try:
        return replace(clip, motion=resample(clip.motion, fps))
    except TdmmError as e:
        return replace(clip, motion=None, status="failed", error=f"{clip.source or clip.clip.id}: {e}")


def _named_apart(clips: Iterator[MotionClip]) -> list[MotionClip]:
    """Clips of several files may share a name; the second becomes NAME-2."""
    taken: dict[str, int] = {}
    result = []
    for clip in clips:
        count = taken[clip.clip.id] = taken.get(clip.clip.id, 0) + 1
        result.append(clip if count == 1 else replace(clip, clip=replace(clip.clip, id=f"{clip.clip.id}-{count}")))
    return result


def _summary(output: str, clips: Sequence[MotionClip], residuals: Sequence[Residual]) -> MotionsSummary:
    motions = [c.motion for c in clips if c.motion is not None]
    return MotionsSummary(
        output=output,
        face_model=", ".join(sorted({m.face_model for m in motions})),
        num_clips=len(clips),
        num_failed=len(clips) - len(motions),
        num_frames=sum(m.num_frames for m in motions),
        residual_mm=float(np.mean([r.residual_mm for r in residuals])) if residuals else None,
        neutral_mm=float(np.mean([r.neutral_mm for r in residuals])) if residuals else None,
        clips=tuple(asdict(r) for r in residuals),
    )


def _told(summary: MotionsSummary, clips: Sequence[MotionClip]) -> MotionsSummary:
    if summary.num_failed:
        first = next(c for c in clips if c.motion is None)
        counts = f"{summary.num_failed} of {summary.num_clips} clips failed"
        raise PartialFailureError(f"{counts}, the rest are in {summary.output}; the first was {first.clip.id}: {first.error}")
    return summary
