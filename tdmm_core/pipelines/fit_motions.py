"""`tdmm fit` for inputs that are motions already: recordings and other tools' parameters become our motion, on the face model that is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.header import Making, parent_of
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.errors import InputError, PartialFailureError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.pipelines.crossing import Residual
from tdmm_core.pipelines.foreign_motion import foreign_layout
from tdmm_core.pipelines.motion_input import is_our_motion, is_take
from tdmm_core.pipelines.motion_jobs import MotionJob, do_job, motion_jobs, prepare
from tdmm_core.pipelines.motion_output import Outputs, check_outputs, write_motion_output
from tdmm_core.pipelines.processes import spread
from tdmm_core.pipelines.run import Run

_WORTH_SHARING = 8
"Clips from which on more processes are started, which takes seconds, unless their number was asked for."


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
    "id, residual_mm and neutral_mm of each clip that crossed in this run."
    num_resumed: int
    "Clips that an interrupted run had carried over already; they are no part of the two means."

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


def refuse_for_motions(options: Mapping[str, object]) -> None:
    """Raises InputError for an option that was given and speaks of the picture; `options` by name, None where not given."""
    given = next((name for name, value in options.items() if value is not None), None)
    if given:
        raise InputError(f"{given}: it belongs to fitting a video, and the input is a motion; leave it out")


def fit_motions(inputs: Sequence[Path], outputs: Outputs, run: Run, *, config: FitConfig, wish: Wish) -> MotionsSummary:
    """Read motions, lay them on an even clock, carry them over to the wished face model and write them to each output, by its suffix.

    `config` gives the rate alone. Clips are shared among processes, and an artifact that was interrupted goes on. Raises InputError for a file that
    lacks a rate or a face model, PartialFailureError, once the output is written, where clips failed.
    """
    jobs = motion_jobs(inputs, fps=config.fps, source_fps=wish.source_fps, target=wish.face_model)
    targets = check_outputs(outputs, force=run.force, many=len(jobs) > 1, resumable=True)
    prepare(jobs, run)
    settings = {"fps": config.fps, "source_fps": wish.source_fps, "face_model_digest": wish.face_model[1] if wish.face_model else ""}
    making = Making(recipe=run.recipe, config=settings, seed=run.seed, parents=tuple(parent_of(p) for p in inputs))
    artifacts = [Path(o) for o, form in targets.items() if form == "h5"]
    if artifacts and len(jobs) > 1:
        return _fit_artifact(jobs, artifacts[0], [o for o in targets if str(o) != str(artifacts[0])], run, making)
    done = sorted(_done(jobs, run), key=lambda pair: [j.id for j in jobs].index(pair[0].clip.id))
    clips, residuals = [clip for clip, _ in done], [r for _, r in done if r]
    if len(clips) == 1 and clips[0].motion is None:
        raise InputError(clips[0].error)
    for output in targets:
        write_motion_output(output, clips, run, settings=settings | {"residuals": [asdict(r) for r in residuals]}, making=making)
    return _told(_summary(", ".join(map(str, targets)), clips, residuals), clips)


def _fit_artifact(jobs: Sequence[MotionJob], output: Path, others: Sequence[Path | str], run: Run, making: Making) -> MotionsSummary:
    residuals: list[Residual] = []
    with MotionWriter(output, making, force=run.force, resume=run.resume) as writer:
        staged = writer.staged_ids()
        for clip, residual in _done([job for job in jobs if job.id not in staged], run):
            writer.add(clip)
            residuals += [residual] if residual else []
        writer.commit([job.id for job in jobs])
    order = {job.id: i for i, job in enumerate(jobs)}
    with open_motion(output) as clips:
        for other in others:
            write_motion_output(other, clips, run, settings=making.config, making=making)
        return _told(_summary(", ".join(map(str, [output, *others])), clips, sorted(residuals, key=lambda r: order[r.id]), len(staged)), clips)


def _done(jobs: Sequence[MotionJob], run: Run) -> Iterator[tuple[MotionClip, Residual | None]]:
    run.progress.start("carrying over", len(jobs), "clip")
    for clip, residual in spread(do_job, jobs, run.workers or (0 if len(jobs) >= _WORTH_SHARING else 1)):
        run.progress.advance(1, clip.error)
        yield clip, residual
    run.progress.finish()


def _summary(
    output: str, clips: ClipSource[MotionClip] | Sequence[MotionClip], residuals: Sequence[Residual], num_resumed: int = 0
) -> MotionsSummary:
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
        num_resumed=num_resumed,
    )


def _told(summary: MotionsSummary, clips: ClipSource[MotionClip] | Sequence[MotionClip]) -> MotionsSummary:
    if summary.num_failed:
        first = next(c for c in clips if c.motion is None)
        counts = f"{summary.num_failed} of {summary.num_clips} clips failed"
        raise PartialFailureError(f"{counts}, the rest are in {summary.output}; the first was {first.clip.id}: {first.error}")
    return summary
