"""A clip from landmarks to motion: the one road through this room.

Sightings are laid on an even clock, shape and lens are found from key frames, every frame is solved with its neighbours, and gaps are filled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.clip import Camera, FitQuality
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.fitting.calibrate import eye_distance
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.fitting.evenness import evenness_precision
from tdmm_core.fitting.footage import Footage
from tdmm_core.fitting.identity import IdentityPrior, key_frames, solve_identity
from tdmm_core.fitting.initial_pose import continuous, initial_pose
from tdmm_core.fitting.landmark_model import LandmarkModel, Pose, landmark_model
from tdmm_core.fitting.landmarks import FaceLandmarks
from tdmm_core.fitting.problem import Answer, Face, projection
from tdmm_core.fitting.quality import fit_quality
from tdmm_core.fitting.solver import Evenness, solve_clip
from tdmm_core.fitting.timeline import fill, timeline
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.rotations import matrix_to_axis_angle

_FOCAL_LOG_DEVIATION = 0.25
_PART = 128
"Frames that are projected at a time."


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was fitted to one clip."""

    motion: FaceMotion
    camera: Camera
    quality: FitQuality


def fit_clip(
    model: MorphableModel,
    calibration: Calibration,
    seen: FaceLandmarks,
    *,
    num_frames: int,
    config: FitConfig,
    shape: np.ndarray | None = None,
) -> Fit:
    """Fit `num_frames` frames at `config.fps` to what was seen in a clip; `shape` (S,), where the person is known, is held.

    Raises InputError when no frame shows a face.
    """
    if not seen.found.any():
        raise InputError(f"no face was found in any of {len(seen.found)} frames; fitting needs a face that is turned toward the camera")
    clock = timeline(seen.times_s, seen.found, fps=config.fps, num_frames=num_frames, bridge_s=config.bridge_s, shots=seen.shots)
    lm = landmark_model(model, calibration)
    footage = Footage(calibration=calibration, seen=seen, clock=clock, config=config, names=model.expression_names)
    face, answer = _solve(lm, footage, shape)
    filled = Answer.of(fill(answer.vector, clock.status))
    motion = FaceMotion(
        expression=filled.expression,
        expression_names=model.expression_names,
        global_orient=filled.pose.rotation,
        transl=filled.pose.transl,
        shape=face.shape,
        status=clock.status,
        source_time_s=clock.times_s,
        fps=config.fps,
        face_model=model.name,
        face_model_digest=model.digest,
    )
    away_px, eyes_px = _reprojection(lm, face, answer, footage)
    quality = fit_quality(model, motion, away_px=away_px, eyes_px=eyes_px, found=seen.found)
    centre = (seen.size_px[0] / 2, seen.size_px[1] / 2)
    return Fit(motion=motion, camera=Camera(focal_px=face.focal_px, principal_point_px=centre, image_size_px=seen.size_px), quality=quality)


def _solve(lm: LandmarkModel, footage: Footage, shape: np.ndarray | None) -> tuple[Face, Answer]:
    config, names = footage.config, footage.names
    prior = IdentityPrior(
        focal_px=config.focal_px or config.focal_guess * max(footage.seen.size_px),
        focal_log_deviation=0.0 if config.focal_px else _FOCAL_LOG_DEVIATION,
        shape_precision=config.shape_weight,
        shape=shape,
        shape_known=shape is not None,
    )
    rotations, expected = footage.rotations(), footage.expected()
    features = np.concatenate([2 * continuous(matrix_to_axis_angle(rotations)), expected], axis=1)
    keys = key_frames(features, config.num_keyframes)
    key_footage = footage[keys]
    pose = initial_pose(lm, key_footage.points_px, rotations[keys], focal_px=prior.focal_px, centre_px=footage.centre_px)
    face, _ = solve_identity(lm, key_footage, Answer(expression=expected[keys], pose=pose), prior)
    pose = _initial_poses(lm, footage, rotations, face.focal_px)
    even = Evenness(precision=evenness_precision(names, fps=config.fps, strength=config.smoothness), follows=footage.clock.follows)
    return face, solve_clip(lm, face, footage, Answer(expression=expected, pose=pose), even=even, iterations=config.iterations)


def _initial_poses(lm: LandmarkModel, footage: Footage, rotations: np.ndarray, focal_px: float) -> Pose:
    parts = [
        initial_pose(lm, footage[p].points_px, rotations[p], focal_px=focal_px, centre_px=footage.centre_px) for p in _parts(len(rotations))
    ]  # fmt: skip
    rotation = continuous(np.concatenate([p.rotation for p in parts]))
    return Pose(rotation=rotation, transl=np.concatenate([p.transl for p in parts]))


def _reprojection(lm: LandmarkModel, face: Face, answer: Answer, footage: Footage) -> tuple[np.ndarray, np.ndarray]:
    """(O,) mean distance between landmarks as fitted and as seen, and (O,) distance between the eyes, pixels."""
    away, eyes, vector = [], [], answer.vector
    for part in _parts(len(vector)):
        seen_px = footage[part].points_px
        fitted_px = projection(lm, face, Answer.of(vector[part]), footage.centre_px).points_px
        away.append(np.linalg.norm(fitted_px - seen_px, axis=-1).mean(1))
        eyes.append(eye_distance(seen_px))
    return np.concatenate(away), np.concatenate(eyes)


def _parts(num_frames: int) -> list[slice]:
    return [slice(i, min(i + _PART, num_frames)) for i in range(0, num_frames, _PART)]
