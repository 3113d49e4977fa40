"""The fitting problem of one clip: what was seen, what is expected beforehand, and the squared residuals between the two.

Every residual is divided by what it usually measures, so that the sum of squares is minus twice a log probability.
Units of the answer for one frame, in this order: E of expression, 3 of rotation, 3 of translation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tdmm_core.fitting.landmark_model import LandmarkModel, Pose, Projection, place, project, to_pixels

_ROBUST = 3.0
"Residuals beyond this many times the usual lose their weight (Geman-McClure)."
_ENOUGH = 150
"So many landmarks, evenly picked, shape a hessian well enough to descend along."
_REGULAR = 1e-3
"Of radians and metres: enough to keep the equations regular, no prior of the pose."


@dataclass(frozen=True, kw_only=True, eq=False)
class Observations:
    """T frames as seen, all with a face."""

    points_px: np.ndarray
    "(T, L, 2)"
    precision: np.ndarray
    "(T, L), 1/px: one over the usual distance between landmark and model."
    expected: np.ndarray
    "(T, E) expression that the learned start suggests."
    expected_precision: np.ndarray
    "(E,) one over how far it usually is off."
    rotation: np.ndarray
    "(T, 3) head rotation that the learned start suggests, axis-angle."
    rotation_precision: np.ndarray
    "(3,), 1/rad, likewise."
    centre_px: np.ndarray
    "(2,) principal point."

    def __getitem__(self, frames: np.ndarray | slice) -> Observations:
        """Some of the frames."""
        own = ("points_px", "precision", "expected", "rotation")
        return replace(self, **{name: getattr(self, name)[frames] for name in own})


@dataclass(frozen=True, kw_only=True, eq=False)
class Face:
    """What holds for the whole clip."""

    shape: np.ndarray
    "(S,) float64"
    focal_px: float
    offset: np.ndarray
    "(L, 3) metres: how this person's landmarks lie beside the model's."


@dataclass(frozen=True, kw_only=True, eq=False)
class Answer:
    """What holds for each of T frames."""

    expression: np.ndarray
    "(T, E) float64, 0 to 1."
    pose: Pose

    @property
    def vector(self) -> np.ndarray:
        """(T, E + 6)"""
        return np.concatenate([self.expression, self.pose.rotation, self.pose.transl], axis=1)

    @staticmethod
    def of(vector: np.ndarray) -> Answer:
        """The answer of a (T, E + 6) array, its expression cut to 0..1."""
        units = vector.shape[1] - 6
        pose = Pose(rotation=vector[:, units : units + 3], transl=vector[:, units + 3 :])
        return Answer(expression=np.clip(vector[:, :units], 0, 1), pose=pose)


def unposed(lm: LandmarkModel, face: Face, answer: Answer) -> np.ndarray:
    """(T, L, 3) unposed points of this person."""
    return lm.points(answer.expression, face.shape, answer.pose.rotation) + face.offset


def projected(lm: LandmarkModel, face: Face, answer: Answer, centre_px: np.ndarray) -> np.ndarray:
    """(T, L, 2) where the model's landmarks fall in the picture, without derivatives."""
    return to_pixels(place(unposed(lm, face, answer), answer.pose, lm.pivot), face.focal_px, centre_px)


def projection(lm: LandmarkModel, face: Face, answer: Answer, centre_px: np.ndarray) -> Projection:
    """Where the model's landmarks fall in the picture, with derivatives."""
    return project(unposed(lm, face, answer), answer.pose, lm.pivot, focal_px=face.focal_px, centre_px=centre_px)


def robust_weights(points_px: np.ndarray, seen: Observations) -> np.ndarray:
    """(T, L) weights 0..1 of squared residuals, small where a landmark lies far off; Geman-McClure."""
    squared = ((points_px - seen.points_px) ** 2).sum(-1) * seen.precision**2
    return 1 / (1 + squared / _ROBUST**2) ** 2


def frame_cost(lm: LandmarkModel, face: Face, answer: Answer, seen: Observations) -> float:
    """Robust data term and prior of the expression, summed over frames."""
    points = projected(lm, face, answer, seen.centre_px)
    squared = ((points - seen.points_px) ** 2).sum(-1) * seen.precision**2
    data = (squared / (1 + squared / _ROBUST**2)).sum()
    prior = (((answer.expression - seen.expected) * seen.expected_precision) ** 2).sum()
    turned = (((answer.pose.rotation - seen.rotation) * seen.rotation_precision) ** 2).sum()
    return float(data + prior + turned)


@dataclass(frozen=True, kw_only=True, eq=False)
class Equations:
    """Normal equations of each frame: hessian @ step = -gradient; with P columns of the frame and, on request, Q shared ones."""

    hessian: np.ndarray
    "(T, P + Q, P + Q)"
    gradient: np.ndarray
    "(T, P + Q)"


def frame_equations(lm: LandmarkModel, face: Face, answer: Answer, seen: Observations, *, shared: bool = False) -> Equations:
    """Gauss-Newton's equations of every frame; `shared` appends columns for the S shape coefficients and the log focal length."""
    now = projection(lm, face, answer, seen.centre_px)
    weight = np.sqrt(robust_weights(now.points_px, seen)) * seen.precision  # (T, L)
    residual = (now.points_px - seen.points_px) * weight[..., None]  # (T, L, 2)
    columns = [_along(now.by_point, lm.expression), now.by_rotation + _along(now.by_point, lm.turn), now.by_transl]
    if shared:
        columns += [_along(now.by_point, lm.shape), (now.points_px - seen.centre_px)[..., None].astype(np.float32)]
    jacobian = np.concatenate(columns, axis=-1)  # (T, L, 2, P + Q)
    jacobian *= weight[..., None, None].astype(np.float32)
    flat = jacobian.reshape(len(jacobian), -1, jacobian.shape[-1])  # (T, 2 L, P + Q)
    hessian = np.matmul(flat.transpose(0, 2, 1), flat).astype(np.float64)
    gradient = np.matmul(residual.reshape(len(flat), 1, -1), flat)[:, 0]
    _add_prior(hessian, gradient, answer, seen)
    return Equations(hessian=hessian, gradient=gradient)


def thinned_equations(lm: LandmarkModel, face: Face, answer: Answer, seen: Observations) -> Equations:
    """As frame_equations with an exact gradient, but a hessian from some of the landmarks in single precision: a fifth of the time.

    A step along it goes downhill as surely, and the descent ends at the same place.
    """
    now = projection(lm, face, answer, seen.centre_px)
    weight = robust_weights(now.points_px, seen) * seen.precision**2  # (T, L)
    pull = (now.points_px - seen.points_px) * weight[..., None]  # (T, L, 2)
    by_point = (pull[..., 0, None] * now.by_point[..., 0, :] + pull[..., 1, None] * now.by_point[..., 1, :]).reshape(len(pull), -1)  # (T, 3 L)
    turn, units = lm.turn.reshape(-1, 3), lm.expression.reshape(len(lm.mean) * 3, -1)
    flat = pull.reshape(len(pull), 1, -1)
    by_rotation, by_transl = (np.matmul(flat, d.reshape(len(flat), -1, 3))[:, 0] for d in (now.by_rotation, now.by_transl))
    gradient = np.concatenate([by_point @ units, by_rotation + by_point @ turn, by_transl], axis=1)
    some = slice(None, None, max(1, len(lm.mean) // _ENOUGH))
    columns = [_along(now.by_point[:, some], lm.expression[some]), now.by_rotation[:, some] + _along(now.by_point[:, some], lm.turn[some])]
    share = np.sqrt(weight[:, some] * (weight.sum(1) / weight[:, some].sum(1))[:, None]).astype(np.float32)
    jacobian = np.concatenate([*columns, now.by_transl[:, some]], axis=-1)
    jacobian *= share[..., None, None]
    flat = jacobian.reshape(len(jacobian), -1, jacobian.shape[-1])  # (T, 2 L / 3, P)
    hessian = np.matmul(flat.transpose(0, 2, 1), flat)
    _add_prior(hessian, gradient, answer, seen)
    return Equations(hessian=hessian, gradient=gradient)


def _add_prior(hessian: np.ndarray, gradient: np.ndarray, answer: Answer, seen: Observations) -> None:
    units = answer.expression.shape[1]
    pull = np.concatenate([seen.expected_precision**2, seen.rotation_precision**2 + _REGULAR, np.full(3, _REGULAR)])
    index = np.arange(units + 6)
    hessian[:, index, index] += pull
    gradient[:, :units] += pull[:units] * (answer.expression - seen.expected)
    gradient[:, units : units + 3] += seen.rotation_precision**2 * (answer.pose.rotation - seen.rotation)


def _along(by_point: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """(T, L, 2, E) single precision: pixels moved by each of E directions, (L, 3, E)."""
    frames, landmarks = by_point.shape[:2]
    rows = np.ascontiguousarray(by_point.transpose(1, 0, 2, 3)).reshape(landmarks, frames * 2, 3)
    return np.matmul(rows, basis.astype(rows.dtype)).reshape(landmarks, frames, 2, -1).transpose(1, 0, 2, 3)
