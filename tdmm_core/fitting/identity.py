"""Who it is and through which lens: shape, focal length and a person's own landmark offsets, from a clip's most different frames.

All key frames are solved together. Each frame's own unknowns are eliminated first (Schur complement), so the system that
remains is small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.fitting.landmark_model import LandmarkModel
from tdmm_core.fitting.problem import Answer, Face, Observations, frame_cost, frame_equations, projection, robust_weights

_OFFSET_M = 0.0015
"How far a person's landmark usually lies beside the shaped model's."
_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class IdentityPrior:
    """What is believed of shape and lens beforehand."""

    focal_px: float
    focal_log_deviation: float
    "Standard deviation of the focal length's logarithm; 0 fixes it."
    shape_precision: float = 1.0
    shape: np.ndarray | None = None
    "(S,) what the shape is drawn to; None: the mean face, zero."
    shape_known: bool = False
    "Whether it is that very shape: an actor's whom an earlier fit has met."

    def pulled_shape(self, num_shape: int) -> tuple[np.ndarray, float]:
        """(S,) what the shape is drawn to, and how strongly."""
        centre = np.zeros(num_shape)
        if self.shape is not None:
            centre[: len(self.shape)] = self.shape
        return centre, 1e6 if self.shape_known else self.shape_precision


def key_frames(features: np.ndarray, count: int) -> np.ndarray:
    """Indices of up to `count` rows of (T, D) features, each the farthest from those before it; begins with the most usual one."""
    chosen = [int(((features - np.median(features, 0)) ** 2).sum(1).argmin())]
    distance = ((features - features[chosen[0]]) ** 2).sum(1)
    while len(chosen) < min(count, len(features)) and distance.max() > 0:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((features - features[chosen[-1]]) ** 2).sum(1))
    return np.sort(chosen)


def solve_identity(lm: LandmarkModel, seen: Observations, answer: Answer, prior: IdentityPrior, *, iterations: int = 8) -> tuple[Face, Answer]:
    """Fit shape, focal length and offsets together with every frame of `seen`."""
    face = Face(shape=prior.pulled_shape(lm.shape.shape[-1])[0], focal_px=prior.focal_px, offset=np.zeros_like(lm.mean))
    for round_ in range(_ROUNDS):
        damping = 1e-3
        for _ in range(iterations):
            face, answer, damping, gain = _step(lm, seen, answer, face, (prior, damping))
            if gain < 1e-4:
                break
        if round_ < _ROUNDS - 1:
            face = Face(shape=face.shape, focal_px=face.focal_px, offset=_offsets(lm, seen, answer, face))
    return face, answer


def _step(lm: LandmarkModel, seen: Observations, answer: Answer, face: Face, terms: tuple[IdentityPrior, float]) -> tuple[Face, Answer, float, float]:
    """One damped step: the new face and answer, the damping to go on with, and the share of the cost that it gained."""
    prior, damping = terms
    before = _cost(lm, seen, answer, face, prior)
    equations = frame_equations(lm, face, answer, seen, shared=True)
    for _ in range(6):
        frame_steps, shared_step = _schur(equations.hessian, equations.gradient, answer, face, (prior, damping))
        focal = face.focal_px * float(np.exp(np.clip(shared_step[-1], -0.5, 0.5)))
        new_face = Face(shape=face.shape + shared_step[:-1], focal_px=focal, offset=face.offset)
        new_answer = Answer.of(answer.vector + frame_steps)
        in_front = (new_answer.pose.transl[:, 2] < -0.02).all()
        after = _cost(lm, seen, new_answer, new_face, prior) if in_front else np.inf
        if after <= before:
            return new_face, new_answer, max(damping / 3, 1e-6), (before - after) / before
        damping *= 10
    return face, answer, damping, 0.0


def _schur(
    hessian: np.ndarray, gradient: np.ndarray, answer: Answer, face: Face, terms: tuple[IdentityPrior, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Steps of every frame (T, P) and of the shared unknowns (Q,)."""
    prior, damping = terms
    num_own = answer.vector.shape[1]
    own, cross, shared = hessian[:, :num_own, :num_own], hessian[:, :num_own, num_own:], hessian[:, num_own:, num_own:]
    own, own_gradient = _freeze(own, gradient[:, :num_own], answer)
    cross = np.where(_held(gradient[:, :num_own], answer)[..., None], 0, cross)
    index = np.arange(num_own)
    own[:, index, index] *= 1 + damping
    centre, precision = prior.pulled_shape(len(face.shape))
    pull = np.append(np.full(len(face.shape), precision**2), _focal_pull(prior))
    value = np.append(face.shape - centre, np.log(face.focal_px / prior.focal_px))
    solved = np.linalg.solve(own, np.concatenate([cross, own_gradient[..., None]], -1))  # (T, P, Q + 1)
    left = shared.sum(0) + np.diag(pull) - np.einsum("tpq,tpr->qr", cross, solved[..., :-1])
    right = gradient[:, num_own:].sum(0) + pull * value - np.einsum("tpq,tp->q", cross, solved[..., -1])
    left[np.diag_indices_from(left)] *= 1 + damping
    step = -np.linalg.solve(left, right)
    return -solved[..., -1] - solved[..., :-1] @ step, step


def _held(gradient: np.ndarray, answer: Answer) -> np.ndarray:
    """(T, P) bool: expression units at a bound that the gradient pushes farther out."""
    units = answer.expression.shape[1]
    held = np.zeros(gradient.shape, bool)
    held[:, :units] = ((answer.expression <= 0) & (gradient[:, :units] > 0)) | ((answer.expression >= 1) & (gradient[:, :units] < 0))
    return held


def _freeze(hessian: np.ndarray, gradient: np.ndarray, answer: Answer) -> tuple[np.ndarray, np.ndarray]:
    held = _held(gradient, answer)
    free = ~held
    result = hessian * free[:, :, None] * free[:, None, :]
    index = np.arange(hessian.shape[1])
    result[:, index, index] += held
    return result, gradient * free


def _cost(lm: LandmarkModel, seen: Observations, answer: Answer, face: Face, prior: IdentityPrior) -> float:
    centre, precision = prior.pulled_shape(len(face.shape))
    shape = ((face.shape - centre) ** 2).sum() * precision**2
    lens = np.log(face.focal_px / prior.focal_px) ** 2 * _focal_pull(prior)
    return frame_cost(lm, face, answer, seen) + float(shape + lens)


def _focal_pull(prior: IdentityPrior) -> float:
    return prior.focal_log_deviation**-2 if prior.focal_log_deviation > 0 else 1e12


def _offsets(lm: LandmarkModel, seen: Observations, answer: Answer, face: Face) -> np.ndarray:
    """(L, 3) metres: what all frames agree is left over at each landmark, drawn to zero."""
    now = projection(lm, face, answer, seen.centre_px)
    weight = robust_weights(now.points_px, seen) * seen.precision**2  # (T, L)
    missing = seen.points_px - now.points_px + np.einsum("tlux,lx->tlu", now.by_point, face.offset)
    left = np.einsum("tlux,tluy,tl->lxy", now.by_point, now.by_point, weight) + np.eye(3) / _OFFSET_M**2
    right = np.einsum("tlux,tlu,tl->lx", now.by_point, missing, weight)
    return np.linalg.solve(left, right[..., None])[..., 0]
