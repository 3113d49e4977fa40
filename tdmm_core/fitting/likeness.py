"""Whether two stretches of film show one person: by the neutral faces that are fitted to each, size and pose removed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.fitting.footage import Footage
from tdmm_core.fitting.identity import IdentityPrior, solve_identity
from tdmm_core.fitting.initial_pose import initial_pose
from tdmm_core.fitting.landmark_model import landmark_model, points_under
from tdmm_core.fitting.landmarks import FaceLandmarks
from tdmm_core.fitting.problem import Answer
from tdmm_core.fitting.timeline import Timeline
from tdmm_core.morphable.model import MorphableModel

_NUM_FRAMES = 8
_STEPS = 3
"Of each round of the fit: enough to tell people apart."
_STRANGER_MM = 1.1
"Distance of two neutral faces from which on they are two people's."


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """Compares stretches of film on one face model; a callable, as `people` asks for."""

    model: MorphableModel
    calibration: Calibration
    config: FitConfig

    def __call__(self, one: FaceLandmarks, other: FaceLandmarks) -> bool:
        """Whether both show one person."""
        return self.distance_mm(one, other) < _STRANGER_MM

    def distance_mm(self, one: FaceLandmarks, other: FaceLandmarks) -> float:
        """Distance of the two neutral faces; the nearest of their halves, since a hand may have been before the face for a while."""
        faces = [[self.neutral(half) for half in _halves(seen)] for seen in (one, other)]
        return min(apart_mm(a, b) for a in faces[0] for b in faces[1])

    def neutral(self, seen: FaceLandmarks) -> np.ndarray:
        """(L, 3) metres: the landmarks of the person's neutral face, from eight frames, the most usual and most frontal ones."""
        lm = landmark_model(self.model, self.calibration)
        footage = _as_it_stands(self, seen, _telling(seen)[:_NUM_FRAMES])
        observations, rotations = footage[:], footage.rotations()
        prior = IdentityPrior(focal_px=footage.focal_px, focal_log_deviation=0.0)
        pose = initial_pose(lm, observations.points_px, rotations, focal_px=prior.focal_px, centre_px=observations.centre_px)
        face, _ = solve_identity(lm, observations, Answer(expression=observations.expected, pose=pose), prior, iterations=_STEPS)
        return lm.mean + lm.shape @ face.shape + face.offset


def _as_it_stands(how: Likeness, seen: FaceLandmarks, rows: np.ndarray) -> Footage:
    """Some frames as they were seen, without a clock."""
    which = np.repeat(np.sort(rows)[:, None], 4, axis=1)
    still = np.zeros(len(rows), np.uint8)
    clock = Timeline(times_s=seen.times_s[which[:, 0]], status=still, shots=still, rows=which, weights=np.tile([0.0, 1.0, 0.0, 0.0], (len(rows), 1)))
    return Footage(
        calibration=how.calibration,
        face=points_under(how.model, how.calibration),
        seen=replace(seen, shots=None),
        clock=clock,
        config=how.config,
        names=how.model.expression_names,
        focal_px=how.config.focal_px or how.config.focal_guess * max(seen.size_px),
    )


def apart_mm(one: np.ndarray, other: np.ndarray) -> float:
    """Root mean square distance of two sets of (L, 3) points, place, turn and size removed: millimetres on a face of usual size."""
    faces = [_normal(points) for points in (one, other)]
    turn, _, back = np.linalg.svd(faces[0].T @ faces[1])
    return float(np.sqrt(((faces[0] @ turn @ back - faces[1]) ** 2).sum(-1).mean()) * 1000)


def _halves(seen: FaceLandmarks) -> list[FaceLandmarks]:
    count = len(seen.times_s)
    if count < 2 * _NUM_FRAMES:
        return [seen]
    return [
        replace(seen, times_s=seen.times_s[part], points_px=seen.points_px[part], scores=seen.scores[part], rotations=seen.rotations[part])
        for part in (slice(0, count // 2), slice(count // 2, None))
    ]


def _telling(seen: FaceLandmarks) -> np.ndarray:
    """(N,) indices of frames, those first that look straight ahead and resemble the rest: with a hand before the face they do not."""
    centred = seen.points_px - seen.points_px.mean(1, keepdims=True)
    normal = centred / np.linalg.norm(centred, axis=(1, 2), keepdims=True)
    odd = np.abs(normal - np.median(normal, 0)).sum((1, 2))
    ranks = [np.argsort(np.argsort(value, kind="stable"), kind="stable") for value in (odd, -seen.rotations[:, 2, 2])]
    return np.argsort(ranks[0] + ranks[1], kind="stable")


def _normal(points: np.ndarray) -> np.ndarray:
    """Centred, and of usual size: 45 mm from the middle."""
    centred = points - points.mean(0)
    return centred * (0.045 / np.sqrt((centred**2).sum(-1).mean()))
