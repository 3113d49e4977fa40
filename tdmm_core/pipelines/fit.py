"""`tdmm fit`: videos become motion; clip by clip, by several processes, from where it was interrupted.

Owns files, processes and the order of writing; what happens to one video is `fit_video`'s, how a face is fitted the room `fitting`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.header import Making, Parent, parent_of
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.assets.find import find_asset
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.system_libraries import require_libraries
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.open_head import NAME as OPEN_HEAD
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.crossing import Residual, crossed
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.fit_jobs import FitJob, fit_jobs
from tdmm_core.pipelines.fit_pictures import Extras, check_extras, write_preview, write_worst
from tdmm_core.pipelines.fit_shape import read_shape
from tdmm_core.pipelines.fit_summary import FitSummary, summary_of, told, with_residuals
from tdmm_core.pipelines.fit_video import Fitting, fit_job, open_head_calibration
from tdmm_core.pipelines.motion_output import Outputs, check_outputs, write_motion_output
from tdmm_core.pipelines.processes import spread
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.progress import SILENT

_NOTHING_ELSE = Extras()
_OF_UNITS = ("csv", "glb", "html")
"Forms that no other face model than the open head can be told in."


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What is done with each clip: fitted on the open head and, for another face model, carried over to it."""

    fitting: Fitting
    run: Run
    target: MorphableModel | None
    residuals: list[Residual] = field(default_factory=list)

    def one(self, job: FitJob) -> MotionClip:
        return next(self._onto(iter([fit_job(job, fitting=self.fitting, progress=self.run.progress)])))

    def all(self, jobs: Sequence[FitJob]) -> Iterator[MotionClip]:
        """In whatever order they are finished."""
        return self._onto(spread(partial(fit_job, fitting=self.fitting), jobs, self.run.workers))

    def _onto(self, clips: Iterator[MotionClip]) -> Iterator[MotionClip]:
        quiet = replace(self.run, progress=SILENT)
        return clips if self.target is None else crossed(clips, self.target, quiet, self.residuals)


def fit(
    inputs: Sequence[Path],
    outputs: Outputs,
    run: Run,
    *,
    config: FitConfig,
    landmarker: Path | None = None,
    extras: Extras = _NOTHING_ELSE,
) -> FitSummary:
    """Fit the open head to a corpus or to video files and write the motion to each output, by its suffix; on request, pictures to judge it by.

    For another face model than the open head, what was fitted is carried over to it, clip by clip.
    Clips that fail are recorded in an artifact of several clips, and PartialFailureError is raised once it is complete. A single clip that
    fails is an InputError and leaves no output. Raises MissingPartError for a system library, the landmark model or the calibration.
    """
    jobs, parents = fit_jobs(inputs)
    targets = check_outputs(outputs, force=run.force, many=len(jobs) > 1, resumable=True)
    check_extras(extras, len(jobs), run)
    target = _target(extras)
    of_units = next((o for o, form in targets.items() if form in _OF_UNITS), None)
    if target is not None and of_units is not None:
        raise InputError(f"{of_units}: holds the 52 ARKit units of {OPEN_HEAD}; leave --face-model out, or write .npz, .h5, .mp4 or .png")
    shape = None if extras.shape is None else read_shape(extras.shape, load_open_head())
    parents += () if extras.shape is None else (parent_of(extras.shape),)
    require_libraries()
    fitting = Fitting(config=config, model_file=find_asset("face-landmarker", given=landmarker, progress=run.progress), shape=shape)
    work = _Work(fitting=fitting, run=run, target=target)
    making = _making(work, parents)
    if len(jobs) == 1:
        return _fit_one(jobs[0], list(targets), work, making, extras)
    artifacts = [Path(o) for o, form in targets.items() if form == "h5"]
    if artifacts:
        return _fit_artifact(jobs, artifacts[0], [o for o in targets if str(o) != str(artifacts[0])], work, making, extras)
    clips = list(_fitted(jobs, work))
    order = {job.clip.id: i for i, job in enumerate(jobs)}
    clips.sort(key=lambda clip: order[clip.clip.id])
    for output in targets:
        write_motion_output(output, clips, run, settings=making.config)
    _write_worst(extras, jobs, clips, run)
    return told(with_residuals(summary_of(_named(targets), clips, 0), work.residuals), clips)


def _named(targets: Iterable[Path | str]) -> str:
    """Outputs as they are told."""
    return ", ".join(map(str, targets))


def _target(extras: Extras) -> MorphableModel | None:
    """The face model to carry over to; None where it is the open head's own."""
    if extras.face_model is None or extras.face_model[0] == OPEN_HEAD:
        return None
    return find_face_model(*extras.face_model)


def _making(work: _Work, parents: tuple[Parent, ...]) -> Making:
    learned = {"landmarker": file_digest(work.fitting.model_file), "calibration": open_head_calibration().digest}
    if work.target is not None:
        learned |= {"face_model": work.target.name, "face_model_digest": work.target.digest}
    return Making(recipe=work.run.recipe, config={**asdict(work.fitting.config), **learned}, seed=work.run.seed, parents=parents)


def _write_worst(extras: Extras, jobs: Sequence[FitJob], clips: ClipSource[MotionClip] | Sequence[MotionClip], run: Run) -> None:
    if extras.worst is not None:
        write_worst(extras.worst, jobs, clips, run)


def _fit_one(job: FitJob, outputs: Sequence[Path | str], work: _Work, making: Making, extras: Extras) -> FitSummary:
    run, clip = work.run, work.one(job)
    if clip.motion is None:
        raise InputError(clip.error)
    for output in outputs:
        write_motion_output(output, [clip], run, settings=making.config, making=making)
    if clip.error:
        run.progress.log(clip.error)
    if extras.preview is not None:
        write_preview(extras.preview, job, clip, run)
    _write_worst(extras, [job], [clip], run)
    return with_residuals(summary_of(_named(outputs), [clip], 0), work.residuals)


def _fit_artifact(
    jobs: Sequence[FitJob], output: Path, others: Sequence[Path | str], work: _Work, making: Making, extras: Extras
) -> FitSummary:
    """Clip by clip into an artifact that goes on where it stopped; once it is whole, from it to the other outputs."""
    run = work.run
    with MotionWriter(output, making, force=run.force, resume=run.resume) as writer:
        done = writer.staged_ids()
        todo = [job for job in jobs if job.clip.id not in done]
        run.progress.start("fitting", len(jobs), "clip")
        run.progress.advance(len(jobs) - len(todo))
        for clip in work.all(todo):
            writer.add(clip)
            run.progress.advance(1, clip.error)
        writer.commit([job.clip.id for job in jobs])
        run.progress.finish()
    with open_motion(output) as clips:
        for other in others:
            write_motion_output(other, clips, run, settings=making.config, making=making)
        _write_worst(extras, jobs, clips, run)
        return told(with_residuals(summary_of(_named([output, *others]), clips, len(jobs) - len(todo)), work.residuals), clips)


def _fitted(jobs: Sequence[FitJob], work: _Work) -> Iterator[MotionClip]:
    run = work.run
    run.progress.start("fitting", len(jobs), "clip")
    for clip in work.all(jobs):
        run.progress.advance(1, clip.error)
        yield clip
    run.progress.finish()
