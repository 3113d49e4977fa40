"""The other face's coefficients that do to its skin what is wanted: units in their box, or FLAME's expression and jaw under its prior."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.fitting.articulated_landmarks import ArticulatedLandmarks, Controls, articulated_landmarks
from tdmm_core.fitting.box import solve_box
from tdmm_core.fitting.registration import Correspondence
from tdmm_core.morphable.model import MorphableModel

_UNIT_NOISE_M, _FLAME_NOISE_M = 0.0003, 0.0001
"What the two faces' ways of moving leave open at each of some thirty independent points; less for FLAME, whose prior would flatten strong faces."
_INDEPENDENT = 30
_UNIT_DEVIATION, _UNIT_COST = 0.7, 0.25
"Units are usually this strong, and none is used without need: deviation, and a cost per unit at full strength."
_EVENNESS = 2.0
"Pull between neighbouring frames, in units' own precision."
_JAW_DEVIATION = np.array([0.3, 0.1, 0.1])
"Radians: open, to the sides, tilted."
_ROUNDS = 4


def _precision(shared: Correspondence, noise_m: float) -> np.ndarray:
    """(P,) weight of each point's squared distance."""
    return shared.weight.astype(np.float64) * _INDEPENDENT / noise_m**2


def solve_units(
    target: MorphableModel, shared: Correspondence, moved: np.ndarray, *, fixed: Mapping[str, np.ndarray], least: Mapping[str, np.ndarray]
) -> np.ndarray:
    """(T, E) float32 units, 0 to 1, whose displacement is nearest to (T, P, 3) `moved`.

    `fixed` units (T,) are given, those of `least` are at least so strong.
    """
    names, frames = list(target.expression_names), len(moved)
    low, high = np.zeros((frames, len(names))), np.ones((frames, len(names)))
    for name, values in least.items():
        low[:, names.index(name)] = np.clip(values, 0, 1)
    for name, values in fixed.items():
        high[:, names.index(name)] = np.clip(values, 0, 1)
    basis = target.expression_basis[:, shared.vertices].astype(np.float64)
    weighted = (basis * _precision(shared, _UNIT_NOISE_M)[:, None]).reshape(len(names), -1)
    products = weighted @ basis.reshape(len(names), -1).T + np.eye(len(names)) / _UNIT_DEVIATION**2
    toward = moved.reshape(frames, -1) @ weighted.T - _UNIT_COST / _UNIT_DEVIATION
    return solve_box(products, toward, low=low, high=high, evenness=_EVENNESS / _UNIT_DEVIATION**2).astype(np.float32)


def solve_articulated(
    target: MorphableModel, shared: Correspondence, moved: np.ndarray, lids: np.ndarray | None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """`expression` (T, E), `jaw_pose` (T, 3) and, where given, `eyelids` (T, 2) whose displacement is nearest to (T, P, 3) `moved`, and that
    displacement. Gauss-Newton; expression under its own unit variance, the jaw under a human one's.
    """
    if target.articulation is None:
        raise InputError(f"crossing over: expected a face model with joints, got {target.name}")
    frames, count = len(moved), target.num_expression
    face = _points_of(target, shared)
    rest = face.points(_controls(np.zeros((1, count + 3)), None, face), np.zeros(0))
    precision = _precision(shared, _FLAME_NOISE_M)
    basis = target.expression_basis[:, shared.vertices].astype(np.float64)
    prior = np.concatenate([np.ones(count), 1 / _JAW_DEVIATION**2])
    answer = np.zeros((frames, count + 3))
    weighted, basis = (basis * precision[:, None]).reshape(count, -1), basis.reshape(count, -1)
    fixed = weighted @ basis.T
    for _ in range(_ROUNDS):
        controls = _controls(answer, lids, face)
        now = face.points(controls, np.zeros(0)) - rest
        by_jaw = face.by_turn(controls, np.zeros(0), 0).transpose(0, 3, 1, 2)  # (T, 3, P, 3)
        flat_jaw = by_jaw.reshape(frames, 3, -1)  # (T, 3, 3 P)
        heavy = (by_jaw * precision[:, None]).reshape(frames, 3, -1)
        products = np.broadcast_to(np.diag(prior), (frames, count + 3, count + 3)).copy()
        products[:, :count, :count] += fixed
        cross = (heavy.reshape(3 * frames, -1) @ basis.T).reshape(frames, 3, count)
        products[:, count:, :count] += cross
        products[:, :count, count:] += cross.transpose(0, 2, 1)
        products[:, count:, count:] += np.einsum("tap,tbp->tab", heavy, flat_jaw)
        left = (moved - now).reshape(frames, -1)
        toward = np.concatenate([left @ weighted.T, np.einsum("tjp,tp->tj", heavy, left)], axis=1) - prior * answer
        answer = answer + np.linalg.solve(products, toward[..., None])[..., 0]
    terms = {"expression": answer[:, :count].astype(np.float32), "jaw_pose": answer[:, count:].astype(np.float32)}
    if lids is not None:
        terms["eyelids"] = lids.astype(np.float32)
    return terms, face.points(_controls(answer, lids, face), np.zeros(0)) - rest


@lru_cache(maxsize=2)
def _points_of(target: MorphableModel, shared: Correspondence) -> ArticulatedLandmarks:
    """The shared vertices, each as a corner of a triangle of its own."""
    triangles, corners = np.unravel_index(np.unique(target.triangles.ravel(), return_index=True)[1], target.triangles.shape)
    barycentric = np.eye(3)[corners[shared.vertices]]
    return articulated_landmarks(target, triangles[shared.vertices], barycentric, num_expression=target.num_expression, num_shape=0)


def _controls(answer: np.ndarray, lids: np.ndarray | None, face: ArticulatedLandmarks) -> Controls:
    turns = np.zeros((len(answer), 3, 3))
    turns[:, 0] = answer[:, -3:]
    closed = np.zeros((len(answer), face.resting.eyelids.shape[-1])) if lids is None else lids
    return Controls(expression=answer[:, :-3], turns=turns, eyelids=closed)
