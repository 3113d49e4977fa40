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
from tdmm_core.fitting.identity import IdentityPrior, key_frames, solve_identity
from tdmm_core.fitting.initial_pose import continuous, initial_pose
from tdmm_core.fitting.landmark_model import LandmarkModel, landmark_model
from tdmm_core.fitting.landmarks import FaceLandmarks
from tdmm_core.fitting.problem import Answer, Face, Observations, projection
from tdmm_core.fitting.quality import fit_quality
from tdmm_core.fitting.solver import Evenness, solve_clip
from tdmm_core.fitting.timeline import Timeline, at_instants, fill, timeline
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.rotations import matrix_to_axis_angle

_TRUST = 0.35
"Landmarks err together, so a few hundred of them weigh like some thirty independent ones."
_FOCAL_LOG_DEVIATION = 0.25
_IRIS = slice(468, 478)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What was fitted to one clip."""

    motion: FaceMotion
    camera: Camera
    quality: FitQuality


def fit_clip(model: MorphableModel, calibration: Calibration, seen: FaceLandmarks, *, num_frames: int, config: FitConfig) -> Fit:
    """Fit `num_frames` frames at `config.fps` to what was seen in a clip. Raises InputError when no frame shows a face."""
    if not seen.found.any():
        raise InputError(f"no face was found in any of {len(seen.found)} frames; fitting needs a face that is turned toward the camera")
    clock = timeline(seen.times_s, seen.found, fps=config.fps, num_frames=num_frames, bridge_s=config.bridge_s)
    lm = landmark_model(model, calibration)
    observations, rotations = observe(calibration, seen, clock, config, model.expression_names)
    face, answer = _solve(lm, observations, rotations, clock, seen.size_px, (config, model.expression_names))
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
    fitted = projection(lm, face, answer, observations.centre_px).points_px
    quality = fit_quality(model, motion, fitted_px=fitted, seen_px=observations.points_px, found=seen.found)
    centre = (float(observations.centre_px[0]), float(observations.centre_px[1]))
    return Fit(motion=motion, camera=Camera(focal_px=face.focal_px, principal_point_px=centre, image_size_px=seen.size_px), quality=quality)


def observe(
    calibration: Calibration, seen: FaceLandmarks, clock: Timeline, config: FitConfig, names: tuple[str, ...]
) -> tuple[Observations, np.ndarray]:
    """What was seen at the clock's observed instants, and the network's (O, 3, 3) rotations there."""
    found = seen.found
    instants = clock.times_s[clock.observed]
    points, scores, rotations = (at_instants(a[found], seen.times_s[found], instants) for a in (seen.points_px, seen.scores, seen.rotations))
    precision = _TRUST / (calibration.noise * eye_distance(points)[:, None])  # (O, L)
    expected = calibration.expected_expression(scores)
    # A closed lid hides the iris; the network then only guesses where it is.
    shut = np.minimum(expected[:, names.index("eyeBlinkLeft")], expected[:, names.index("eyeBlinkRight")]) if "eyeBlinkLeft" in names else 0
    precision[:, _IRIS] *= np.reshape(1.02 - shut, (-1, 1))
    observations = Observations(
        points_px=points,
        precision=precision,
        expected=expected,
        expected_precision=config.score_weight / calibration.score_noise.astype(np.float64),
        centre_px=np.array(seen.size_px, np.float64) / 2,
    )
    return observations, rotations


def _solve(
    lm: LandmarkModel,
    seen: Observations,
    rotations: np.ndarray,
    clock: Timeline,
    size_px: tuple[int, int],
    settings: tuple[FitConfig, tuple[str, ...]],
) -> tuple[Face, Answer]:
    config, names = settings
    prior = IdentityPrior(
        focal_px=config.focal_px or config.focal_guess * max(size_px),
        focal_log_deviation=0.0 if config.focal_px else _FOCAL_LOG_DEVIATION,
        shape_precision=config.shape_weight,
    )
    features = np.concatenate([2 * continuous(matrix_to_axis_angle(rotations)), seen.expected], axis=1)
    keys = key_frames(features, config.num_keyframes)
    pose = initial_pose(lm, seen.points_px[keys], rotations[keys], focal_px=prior.focal_px, centre_px=seen.centre_px)
    face, _ = solve_identity(lm, seen[keys], Answer(expression=seen.expected[keys], pose=pose), prior)
    pose = initial_pose(lm, seen.points_px, rotations, focal_px=face.focal_px, centre_px=seen.centre_px)
    even = Evenness(
        precision=evenness_precision(names, fps=config.fps, strength=config.smoothness),
        follows=np.diff(clock.observed) == 1,
    )
    return face, solve_clip(lm, face, seen, Answer(expression=seen.expected, pose=pose), even=even, iterations=config.iterations)
