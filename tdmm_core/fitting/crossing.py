"""Crossing over: a motion on one face model becomes a motion on another, by fitting its geometry.

What expression, jaw and lids do to the skin, relative to the own neutral face, is laid onto the other face through the points that both share, and
the other's coefficients are found that do the same. Head rotation is carried exactly and the face stays where it was in the world; gaze goes by its
angles; identity by regression of what sets it apart from the mean face. Knows nothing of files; `registration` finds the shared points.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.fitting.crossing_solve import solve_articulated, solve_units
from tdmm_core.fitting.registration import Correspondence
from tdmm_core.fitting.surface import points_at
from tdmm_core.morphable.articulation import NECK, ROOT, chain, joint_rotations
from tdmm_core.morphable.gaze import LOOK_UNITS, angles_of, eye_angles, eye_rotations, look_units
from tdmm_core.morphable.model import MorphableModel, geometry, identity
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle

_BLOCK = 128
"Frames whose vertices are in memory at once."
_ABSENT: dict[str, np.ndarray | None] = dict.fromkeys(("jaw_pose", "neck_pose", "eye_pose", "eyelids"))
_BLINKS = ("eyeBlinkLeft", "eyeBlinkRight")
_IDENTITY_NOISE_M = 0.003
"What an identity of the other model leaves open at each of some thirty independent points."
_INDEPENDENT = 30


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """A motion on the other face model, and how well it does what the first did."""

    motion: FaceMotion
    residual_mm: float
    "Mean distance over the shared points of the face and all frames between what both expressions do to them, head pose removed."
    neutral_mm: float
    "The same for a neutral face: the floor."


def cross_over(
    motion: FaceMotion, source: MorphableModel, target: MorphableModel, shared: Correspondence, told: Callable[[int], None] | None = None
) -> Crossed:
    """The motion of `source` as one of `target`. Raises InputError when it is of another face model.

    Status, times and rate stay. `told` is called with the number of frames of each block that is done.
    """
    parts = [_expression(motion[start : start + _BLOCK], source, target, shared, told) for start in range(0, motion.num_frames, _BLOCK)]
    terms = {name: np.concatenate([p.terms[name] for p in parts]) for name in parts[0].terms}
    shape = _shape(motion, source, target, shared)
    draft = replace(
        motion, **(_ABSENT | terms), shape=shape, transl=np.zeros((motion.num_frames, 3)), expression_names=target.expression_names,
        face_model=target.name, face_model_digest=target.digest,
    )  # fmt: skip
    rotation, place = _head(source, motion, shared, _on_source)
    draft = replace(draft, global_orient=matrix_to_axis_angle(rotation))
    _, reached = _head(target, draft, shared, _on_target)
    left, all_ = (float(np.concatenate([getattr(p, n) for p in parts]).mean() * 1e3) for n in ("left", "moved"))
    return Crossed(motion=replace(draft, transl=place - reached), residual_mm=left, neutral_mm=all_)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A block of frames: per-frame terms, what is left and what moved at the points (T,) metres."""

    terms: dict[str, np.ndarray]
    left: np.ndarray
    moved: np.ndarray


def _expression(
    motion: FaceMotion, source: MorphableModel, target: MorphableModel, shared: Correspondence, told: Callable[[int], None] | None
) -> _Part:
    moved = _displacements(motion, source, shared)  # (T, P, 3)
    gaze, lids = _gaze(motion, source), _lids(motion, source)
    if target.articulation is None:
        units = look_units(gaze) if gaze is not None else {}
        units |= {} if lids is None else dict(zip(_BLINKS, lids.T, strict=True))
        expression = solve_units(target, shared, moved, fixed={n: v for n, v in units.items() if n in LOOK_UNITS}, least=units)
        terms = {"expression": expression}
        reached = np.tensordot(expression, target.expression_basis[:, shared.vertices], 1)
    else:
        terms, reached = solve_articulated(target, shared, moved, lids if target.articulation.eyelids is not None else None)
        if gaze is not None:
            terms["eye_pose"] = matrix_to_axis_angle(eye_rotations(gaze)).reshape(len(gaze), 6)
    if told:
        told(motion.num_frames)
    return _Part(terms=terms, left=_mean_length(reached - moved), moved=_mean_length(moved))


def _mean_length(vectors: np.ndarray) -> np.ndarray:
    """(T,) from (T, P, 3)."""
    return np.linalg.norm(vectors, axis=2).mean(axis=1)


def _displacements(motion: FaceMotion, source: MorphableModel, shared: Correspondence) -> np.ndarray:
    """(T, P, 3) metres on the target's face: what expression, jaw and lids do to the shared points."""
    still = replace(motion, eyelids=None) if source.articulation is not None and source.articulation.eyelids is None else motion
    moved = geometry(source, still, with_shape=True) - identity(source, motion.shape)
    return points_at(moved, source.triangles[shared.triangles], shared.barycentric) @ shared.turn.T


def _gaze(motion: FaceMotion, source: MorphableModel) -> np.ndarray | None:
    """(T, 2, 3) angles of the eyes as `gaze` has them; None where the motion does not tell."""
    if source.articulation is not None:
        return None if motion.eye_pose is None else angles_of(axis_angle_to_matrix(motion.eye_pose.reshape(-1, 2, 3).astype(np.float64)))
    if not set(LOOK_UNITS) <= set(motion.expression_names):
        return None
    return eye_angles({n: motion.expression[:, motion.expression_names.index(n)] for n in LOOK_UNITS})


def _lids(motion: FaceMotion, source: MorphableModel) -> np.ndarray | None:
    """(T, 2) closure of the lids where the motion tells it in so many words."""
    if source.articulation is not None:
        return None if motion.eyelids is None else np.clip(motion.eyelids, 0, 1)
    return np.stack([motion.expression[:, motion.expression_names.index(n)] for n in _BLINKS], axis=1)


def _shape(motion: FaceMotion, source: MorphableModel, target: MorphableModel, shared: Correspondence) -> np.ndarray:
    """(S,) of the target: ridge regression of what sets this person apart from the source's mean face; zero stays zero."""
    if not np.any(motion.shape) or target.num_shape == 0:
        return np.zeros(target.num_shape, np.float32)
    apart = (identity(source, motion.shape) - source.template).astype(np.float64)
    wanted = points_at(apart, source.triangles[shared.triangles], shared.barycentric) @ shared.turn.T  # (P, 3)
    basis = target.shape_basis[:, shared.vertices].astype(np.float64)  # (S, P, 3)
    weight = shared.weight * _INDEPENDENT / _IDENTITY_NOISE_M**2
    weighted = (basis * weight[:, None]).reshape(len(basis), -1)
    products = weighted @ basis.reshape(len(basis), -1).T + np.eye(len(basis))
    return np.linalg.solve(products, weighted @ wanted.ravel())


def _on_source(model: MorphableModel, shared: Correspondence, shape: np.ndarray) -> np.ndarray:
    return shared.weight @ points_at(identity(model, shape), model.triangles[shared.triangles], shared.barycentric)


def _on_target(model: MorphableModel, shared: Correspondence, shape: np.ndarray) -> np.ndarray:
    return shared.weight @ identity(model, shape)[shared.vertices]


def _head(
    model: MorphableModel, motion: FaceMotion, shared: Correspondence, middle: Callable[[MorphableModel, Correspondence, np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """(T, 3, 3) rotation of the skull and (T, 3) where the middle of the resting face is in the world."""
    point = middle(model, shared, motion.shape).astype(np.float64)
    if model.articulation is None:
        rotation = axis_angle_to_matrix(motion.global_orient.astype(np.float64))
        return rotation, rotation @ (point - model.pivot) + model.pivot + motion.transl
    joints = model.articulation.joints_of(motion.expression, motion.shape)
    moves = chain(model.articulation, joints, joint_rotations(motion, with_pose=True))
    skull = moves[:, NECK] if motion.neck_pose is not None else moves[:, ROOT]
    return skull[..., :3], skull[..., :3] @ point + skull[..., 3] + motion.transl
