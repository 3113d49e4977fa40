"""A clip from landmarks to motion: the one road through this room.

Sightings are laid on an even clock, shape and lens are found from key frames, every frame is solved with its neighbours, and gaps are filled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
from tdmm_core.fitting.landmark_model import LandmarkModel, Pose, landmark_model, points_under
from tdmm_core.fitting.landmarks import FaceLandmarks
from tdmm_core.fitting.problem import Answer, Face, Observations, projection
from tdmm_core.fitting.quality import fit_quality
from tdmm_core.fitting.solver import Evenness, solve_clip
from tdmm_core.fitting.timeline import fill, timeline
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.rotations import matrix_to_axis_angle

_TOLD_LOG_DEVIATION, _USUAL_LOG_DEVIATION = 0.25, 0.5
"Of the focal length's logarithm: what perspective tells of it, and what lenses usually are."
_ALIKE = 1.5
"How many such answers the key frames of a clip together are worth, as a share of one's precision."
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
    face_points = points_under(model, calibration)
    footage = Footage(calibration=calibration, face=face_points, seen=seen, clock=clock, config=config, names=model.expression_names)
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
    prior = replace(_identity_prior(footage), shape=shape, shape_known=shape is not None)
    footage = footage.through(prior.focal_px)
    rotations, expected = footage.rotations(), footage.expected()
    features = np.concatenate([2 * continuous(matrix_to_axis_angle(rotations)), expected], axis=1)
    keys = key_frames(features, config.num_keyframes)
    key_footage = _as_one(footage[keys])
    pose = initial_pose(lm, key_footage.points_px, rotations[keys], focal_px=prior.focal_px, centre_px=footage.centre_px)
    face, _ = solve_identity(lm, key_footage, Answer(expression=expected[keys], pose=pose), prior)
    footage = footage.through(face.focal_px)
    pose = _initial_poses(lm, footage, footage.rotations(), face.focal_px)
    even = Evenness(precision=evenness_precision(names, fps=config.fps, strength=config.smoothness), follows=footage.clock.follows)
    return face, solve_clip(lm, face, footage, Answer(expression=expected, pose=pose), even=even, iterations=config.iterations)


def _identity_prior(footage: Footage) -> IdentityPrior:
    """The lens is believed to be what perspective tells, drawn toward the usual lens."""
    config = footage.config
    if config.focal_px:
        return IdentityPrior(focal_px=config.focal_px, focal_log_deviation=0.0, shape_precision=config.shape_weight)
    told, usual = np.log(footage.likely_focal_px()), np.log(config.focal_guess * max(footage.seen.size_px))
    weights = np.array([_TOLD_LOG_DEVIATION, _USUAL_LOG_DEVIATION]) ** -2.0
    middle = float(np.exp(np.average([told, usual], weights=weights)))
    return IdentityPrior(focal_px=middle, focal_log_deviation=float(weights.sum() ** -0.5), shape_precision=config.shape_weight)


def _as_one(seen: Observations) -> Observations:
    """Key frames of one person: what the learned start says of them errs alike, so that together they weigh little more than one."""
    share = _ALIKE * len(seen.points_px) ** -0.5
    return replace(seen, expected_precision=seen.expected_precision * share, rotation_precision=seen.rotation_precision * share)


def _initial_poses(lm: LandmarkModel, footage: Footage, rotations: np.ndarray, focal_px: float) -> Pose:
    parts = [
        initial_pose(lm, footage.points_px(p), rotations[p], focal_px=focal_px, centre_px=footage.centre_px) for p in _parts(len(rotations))
    ]  # fmt: skip
    rotation = continuous(np.concatenate([p.rotation for p in parts]))
    return Pose(rotation=rotation, transl=np.concatenate([p.transl for p in parts]))


def _reprojection(lm: LandmarkModel, face: Face, answer: Answer, footage: Footage) -> tuple[np.ndarray, np.ndarray]:
    """(O,) mean distance between landmarks as fitted and as seen, and (O,) distance between the eyes, pixels."""
    away, eyes, vector = [], [], answer.vector
    for part in _parts(len(vector)):
        seen_px = footage.points_px(part)
        fitted_px = projection(lm, face, Answer.of(vector[part]), footage.centre_px).points_px
        away.append(np.linalg.norm(fitted_px - seen_px, axis=-1).mean(1))
        eyes.append(eye_distance(seen_px))
    return np.concatenate(away), np.concatenate(eyes)


def _parts(num_frames: int) -> list[slice]:
    return [slice(i, min(i + _PART, num_frames)) for i in range(0, num_frames, _PART)]
