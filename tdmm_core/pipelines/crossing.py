"""Motions of one face model become motions of another: which points both share is found once for a pair and kept in the cache.

Opens what crossing needs (face models, landmarks, the cache); the mathematics is the room `fitting`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from tdmm_core.artifacts.pickle_reader import read_arrays
from tdmm_core.assets.find import cache_folder, find_asset
from tdmm_core.domain.clip import MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError, MissingPartError, TdmmError
from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.fitting.crossing import Crossed, cross_over
from tdmm_core.fitting.model_landmarks import load_points, of_calibration, of_embedding, save_points, see_landmarks
from tdmm_core.fitting.registration import Correspondence, SurfacePoints, load_correspondence, register, save_correspondence
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.pipelines.face_models import find_face_model, landmark_file
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.blas import one_blas_thread


@dataclass(frozen=True, kw_only=True)
class Residual:
    """How well one clip crossed over; millimetres over the face, and a neutral face's beside it."""

    id: str
    residual_mm: float
    neutral_mm: float


def crossed(clips: Iterable[MotionClip], target: MorphableModel, run: Run, residuals: list[Residual]) -> Iterator[MotionClip]:
    """The clips as motions of `target`, one by one; what is of it already, or failed, stays. `residuals` takes a row for each that crossed.

    A clip that cannot cross becomes a failed one. Raises MissingPartError for a face model whose file is not known here.
    """
    for clip in clips:
        if clip.motion is None or not _differs(clip.motion, target):
            yield clip
            continue
        try:
            done = cross_clip(clip, target, run)
        except MissingPartError:
            raise
        except TdmmError as e:
            yield replace(clip, motion=None, status="failed", error=str(e))
            continue
        residuals.append(Residual(id=clip.clip.id, residual_mm=done.residual_mm, neutral_mm=done.neutral_mm))
        yield replace(clip, motion=done.motion)


def cross_clip(clip: MotionClip, target: MorphableModel, run: Run) -> Crossed:
    """One clip that has a motion, on the other face model."""
    if clip.motion is None:
        raise InputError(f"clip {clip.clip.id}: it failed and has no motion: {clip.error}")
    source = find_face_model(clip.motion.face_model, clip.motion.face_model_digest)
    shared = shared_points(source, target, run)
    run.progress.start(f"crossing over {clip.clip.id}", clip.motion.num_frames, "frames")
    try:
        with one_blas_thread():
            return cross_over(clip.motion, source, target, shared, run.progress.advance)
    finally:
        run.progress.finish()


def shared_points(source: MorphableModel, target: MorphableModel, run: Run) -> Correspondence:
    """Which points of the two faces are the same: from the cache, else found and kept there."""
    folder = cache_folder() / "crossing"
    known = load_correspondence(folder, source, target)
    if known is None:
        known = register(source, target, landmarks_of(source, run), landmarks_of(target, run))
        save_correspondence(folder, known)
    return known


def landmarks_of(model: MorphableModel, run: Run) -> SurfacePoints:
    """The landmarks of a face model: as named with it, as calibrated, or as seen in pictures of it.

    The pictures need the landmark network and its system libraries; MissingPartError tells how to get them.
    """
    named = landmark_file(model.digest)
    if named is not None:
        return of_embedding(read_arrays(named), model)
    try:
        return of_calibration(load_calibration(model, cache_folder() / "calibration"))
    except MissingPartError:
        return _seen(model, run)


@cache
def _seen(model: MorphableModel, run: Run) -> SurfacePoints:
    """Looked for once for each digest, and then kept in the cache."""
    from tdmm_core.fitting.landmarks import Landmarker

    folder = cache_folder() / "calibration"
    known = load_points(folder, model)
    if known is None:
        with Landmarker(find_asset("face-landmarker", progress=run.progress), video=False) as landmarker:
            known = see_landmarks(model, landmarker)
        save_points(folder, model, known)
    return known


def _differs(motion: FaceMotion, target: MorphableModel) -> bool:
    """Whether a motion is of another face model. Another edition of the open head is not one: there is no way from one to the other."""
    if motion.face_model == target.name and (target.articulation is None or not motion.face_model_digest):
        return False
    return motion.face_model_digest != target.digest
