"""One video becomes one clip of motion; what is wrong with the video becomes the failed clip's reason.

Owns what every clip of a run is fitted with. Knows no artifact and no other clip, so that it runs in a worker process as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.assets.find import cache_folder
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import MissingPartError, TdmmError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration, load_calibration
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.fit_jobs import FitJob
from tdmm_core.runtime.ahead import ahead
from tdmm_core.runtime.blas import one_blas_thread
from tdmm_core.runtime.progress import SILENT, Progress
from tdmm_core.video.reader import SourceFrames, open_video

if TYPE_CHECKING:
    from tdmm_core.fitting.clip_fit import Fit


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """What every clip of a run is fitted with; picklable."""

    config: FitConfig
    model_file: Path
    "The landmark network."
    shape: np.ndarray | None = None
    "(S,) the identity of a person who is known; None finds one for each clip."


def fit_job(job: FitJob, *, fitting: Fitting, progress: Progress = SILENT) -> MotionClip:
    """Fit one clip; what is wrong with its video becomes the failed clip's error, what was only damaged the error of a clip that is done."""
    common = {"clip": job.clip, "source": job.source, "source_digest": job.source_digest}
    if job.error:
        return MotionClip(**common, motion=None, status="failed", error=job.error)
    try:
        video = open_video(job.video)
        frames = SourceFrames(video, fitting.config.fps)
        progress.start("fitting", len(frames), "frame")
        with one_blas_thread():
            fitted = _fitted(frames, fitting, progress)
    except MissingPartError:
        raise
    except TdmmError as e:
        return MotionClip(**common, motion=None, status="failed", error=_about(job, str(e)))
    finally:
        progress.finish()
    complaint = _about(job, frames.complaint) if frames.complaint else ""
    return MotionClip(**common, motion=fitted.motion, source_fps=video.fps, camera=fitted.camera, quality=fitted.quality, error=complaint)


def _fitted(frames: SourceFrames, fitting: Fitting, progress: Progress) -> Fit:
    from tdmm_core.fitting.clip_fit import fit_clip
    from tdmm_core.fitting.closer import CloserLook
    from tdmm_core.fitting.landmarks import Landmarker
    from tdmm_core.fitting.likeness import Likeness
    from tdmm_core.fitting.people import choose_face
    from tdmm_core.fitting.sightings import watch

    model, calibration, config = load_open_head(), open_head_calibration(), fitting.config
    opened = {"path": fitting.model_file, "confidence": config.detection_confidence}
    with Landmarker(**opened) as landmarker, CloserLook(**opened) as closer:
        sightings = watch(landmarker, _counted(ahead(frames), progress), closer=closer, expected_frames=len(frames))
    seen = choose_face(sightings, config.face, Likeness(model=model, calibration=calibration, config=config))
    num_frames = max(1, round((frames.end_s - seen.times_s[0]) * config.fps))
    return fit_clip(model, calibration, seen, num_frames=num_frames, config=config, shape=fitting.shape)


def _counted(frames: Iterable[tuple[float, np.ndarray]], progress: Progress) -> Iterator[tuple[float, np.ndarray]]:
    for frame in frames:
        yield frame
        progress.advance()


def _about(job: FitJob, sentence: str) -> str:
    """The sentence with the video as the artifact names it, so that it does not tell where the corpus lay."""
    return f"{job.source}: {sentence.removeprefix(f'{job.video}: ')}"


@cache
def open_head_calibration() -> Calibration:
    """The open head's correspondence with the landmarks, read once."""
    return load_calibration(load_open_head(), cache_folder() / "calibration")
