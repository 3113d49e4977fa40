"""`tdmm fit`: videos become motion; clip by clip, by several processes, from where it was interrupted.

Owns files, processes and the order of writing; how a face is found and fitted is the room `fitting`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.header import Making, Parent
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.assets.find import cache_folder, find_asset
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import InputError, MissingPartError, PartialFailureError, TdmmError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration, load_calibration
from tdmm_core.fitting.system_libraries import require_libraries
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.fit_jobs import FitJob, fit_jobs
from tdmm_core.pipelines.motion_output import check_output, write_motion_output
from tdmm_core.pipelines.processes import spread
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.progress import SILENT, Progress
from tdmm_core.video.reader import open_video, read_frames


@dataclass(frozen=True, kw_only=True)
class FitSummary:
    """What was fitted, and how well; means over the clips that did not fail."""

    output: str
    num_clips: int
    num_failed: int
    num_frames: int
    num_bridged: int
    num_held: int
    detection_rate: float
    reprojection_px: float
    reprojection_share: float
    "Share of the distance between the eyes."
    jitter_mm: float
    num_resumed: int
    "Clips that an interrupted run had fitted already."


def fit(inputs: Sequence[Path], output: Path | str, run: Run, *, config: FitConfig, landmarker: Path | None = None) -> FitSummary:
    """Fit the open head to a corpus or to video files and write the motion, by the suffix of `output`.

    Clips that fail are recorded in an artifact of several clips, and PartialFailureError is raised once it is complete. A single clip that
    fails is an InputError and leaves no output. Raises MissingPartError for a system library, the landmark model or the calibration.
    """
    jobs, parents = fit_jobs(inputs)
    form = check_output(output, force=run.force, many=len(jobs) > 1, resumable=True)
    require_libraries()
    model_file = find_asset("face-landmarker", given=landmarker, progress=run.progress)
    making = _making(run, config, parents, model_file)
    if len(jobs) == 1:
        return _fit_one(jobs[0], output, run, making, model_file, config)
    if form == "h5":
        return _fit_artifact(jobs, Path(output), run, making, model_file, config)
    clips = list(_fitted(jobs, run, model_file, config))
    order = {job.clip.id: i for i, job in enumerate(jobs)}
    clips.sort(key=lambda clip: order[clip.clip.id])
    write_motion_output(output, clips, run, settings=making.config)
    return _told(_summary(str(output), clips, 0), clips)


def _making(run: Run, config: FitConfig, parents: tuple[Parent, ...], model_file: Path) -> Making:
    learned = {"landmarker": file_digest(model_file), "calibration": _calibration().digest}
    return Making(recipe=run.recipe, config={**asdict(config), **learned}, seed=run.seed, parents=parents)


def _fit_one(job: FitJob, output: Path | str, run: Run, making: Making, model_file: Path, config: FitConfig) -> FitSummary:
    clip = fit_job(job, model_file=model_file, config=config, progress=run.progress)
    if clip.motion is None:
        raise InputError(clip.error)
    write_motion_output(output, [clip], run, settings=making.config, making=making)
    return _summary(str(output), [clip], 0)


def _fit_artifact(jobs: Sequence[FitJob], output: Path, run: Run, making: Making, model_file: Path, config: FitConfig) -> FitSummary:
    with MotionWriter(output, making, force=run.force, resume=run.resume) as writer:
        done = writer.staged_ids()
        todo = [job for job in jobs if job.clip.id not in done]
        run.progress.start("fitting", len(jobs), "clip")
        run.progress.advance(len(jobs) - len(todo))
        for clip in spread(partial(fit_job, model_file=model_file, config=config), todo, run.workers):
            writer.add(clip)
            run.progress.advance(1, clip.error)
        writer.commit([job.clip.id for job in jobs])
        run.progress.finish()
    with open_motion(output) as clips:
        return _told(_summary(str(output), clips, len(jobs) - len(todo)), clips)


def _fitted(jobs: Sequence[FitJob], run: Run, model_file: Path, config: FitConfig) -> Iterator[MotionClip]:
    run.progress.start("fitting", len(jobs), "clip")
    for clip in spread(partial(fit_job, model_file=model_file, config=config), jobs, run.workers):
        run.progress.advance(1, clip.error)
        yield clip
    run.progress.finish()


def fit_job(job: FitJob, *, model_file: Path, config: FitConfig, progress: Progress = SILENT) -> MotionClip:
    """Fit one clip; what is wrong with its video becomes the failed clip's error."""
    from tdmm_core.fitting.clip_fit import fit_clip
    from tdmm_core.fitting.landmarks import Landmarker, see_clip

    common = {"clip": job.clip, "source": job.source, "source_digest": job.source_digest}
    if job.error:
        return MotionClip(**common, motion=None, status="failed", error=job.error)
    try:
        video = open_video(job.video)
        num_frames = len(video.frame_indices(config.fps))
        progress.start("fitting", num_frames, "frame")
        with Landmarker(model_file, confidence=config.detection_confidence) as landmarker:
            seen = see_clip(landmarker, _counted(read_frames(job.video, fps=config.fps), progress))
        fitted = fit_clip(load_open_head(), _calibration(), seen, num_frames=num_frames, config=config)
    except MissingPartError:
        raise
    except TdmmError as e:
        return MotionClip(**common, motion=None, status="failed", error=_about(job, e))
    finally:
        progress.finish()
    return MotionClip(**common, motion=fitted.motion, source_fps=video.fps, camera=fitted.camera, quality=fitted.quality)


def _counted(frames: Iterator[tuple[float, np.ndarray]], progress: Progress) -> Iterator[tuple[float, np.ndarray]]:
    for frame in frames:
        yield frame
        progress.advance()


def _about(job: FitJob, error: TdmmError) -> str:
    """The error's sentence with the video as the artifact names it, so that it does not tell where the corpus lay."""
    return f"{job.source}: {str(error).removeprefix(f'{job.video}: ')}"


@cache
def _calibration() -> Calibration:
    return load_calibration(load_open_head(), cache_folder() / "calibration")


def _summary(output: str, clips: Sequence[MotionClip], num_resumed: int) -> FitSummary:
    qualities = [clip.quality for clip in clips if clip.motion is not None]

    def mean(name: str) -> float:
        values = [v for v in (getattr(q, name) for q in qualities) if np.isfinite(v)]
        return float(np.mean(values)) if values else float("nan")

    return FitSummary(
        output=output,
        num_clips=len(clips),
        num_failed=len(clips) - len(qualities),
        num_frames=sum(clip.motion.num_frames for clip in clips if clip.motion is not None),
        num_bridged=sum(q.num_bridged for q in qualities),
        num_held=sum(q.num_held for q in qualities),
        **{name: mean(name) for name in ("detection_rate", "reprojection_px", "reprojection_share", "jitter_mm")},
        num_resumed=num_resumed,
    )


def _told(summary: FitSummary, clips: Sequence[MotionClip]) -> FitSummary:
    """The summary, or PartialFailureError naming the first clip that failed."""
    if summary.num_failed:
        first = next(clip for clip in clips if clip.motion is None)
        counts = f"{summary.num_failed} of {summary.num_clips} clips failed"
        raise PartialFailureError(f"{counts}, the rest are in {summary.output}; the first was {first.clip.id}: {first.error}")
    return summary
