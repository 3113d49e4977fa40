"""One video becomes one clip of motion; what is wrong with the video becomes the failed clip's reason.

Owns what every clip of a run is fitted with. Knows no artifact and no other clip, so that it runs in a worker process as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tdmm_core.assets.find import cache_folder
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import MissingPartError, TdmmError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration, load_calibration
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.fit_jobs import FitJob
from tdmm_core.runtime.progress import SILENT, Progress
from tdmm_core.video.reader import open_video, read_frames


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """What every clip of a run is fitted with; picklable."""

    config: FitConfig
    model_file: Path
    "The landmark network."


def fit_job(job: FitJob, *, fitting: Fitting, progress: Progress = SILENT) -> MotionClip:
    """Fit one clip; what is wrong with its video becomes the failed clip's error."""
    from tdmm_core.fitting.clip_fit import fit_clip
    from tdmm_core.fitting.landmarks import Landmarker, see_clip

    config = fitting.config
    common = {"clip": job.clip, "source": job.source, "source_digest": job.source_digest}
    if job.error:
        return MotionClip(**common, motion=None, status="failed", error=job.error)
    try:
        video = open_video(job.video)
        num_frames = len(video.frame_indices(config.fps))
        progress.start("fitting", num_frames, "frame")
        with Landmarker(fitting.model_file, confidence=config.detection_confidence) as landmarker:
            seen = see_clip(landmarker, _counted(read_frames(job.video, fps=config.fps), progress))
        fitted = fit_clip(load_open_head(), open_head_calibration(), seen, num_frames=num_frames, config=config)
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
def open_head_calibration() -> Calibration:
    """The open head's correspondence with the landmarks, read once."""
    return load_calibration(load_open_head(), cache_folder() / "calibration")
