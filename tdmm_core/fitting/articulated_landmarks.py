"""Points of a face model with joints: where they are for given coefficients, and how they move with each.

Mathematics only, in float64. The head stays: root and neck do not turn here. A point is one of a triangle whose corners may belong to
different joints, so what each joint carries is kept apart: what rests (root, neck), jaw, left and right eye.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.fitting.landmark_model import left_jacobian
from tdmm_core.morphable.articulation import JAW, LEFT_EYE, NECK, RIGHT_EYE, ROOT
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.rotations import axis_angle_to_matrix

_TURNING = (JAW, LEFT_EYE, RIGHT_EYE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Controls:
    """What moves a face with joints, for T frames."""

    expression: np.ndarray
    "(T, E) float64."
    turns: np.ndarray
    "(T, 3, 3) axis-angle of jaw, left and right eye, radians."
    eyelids: np.ndarray
    "(T, K): 2 where the model has an eyelid basis, else 0."


@dataclass(frozen=True, kw_only=True, eq=False)
class Carried:
    """What one joint carries of every landmark that it touches; the rows' sums over joints are the landmarks."""

    rows: np.ndarray
    "(R,) landmarks."
    base: np.ndarray
    "(R, 3) metres."
    expression: np.ndarray
    "(R, 3, E)"
    shape: np.ndarray
    "(R, 3, S)"
    eyelids: np.ndarray
    "(R, 3, K)"
    pose: np.ndarray
    "(R, 3, 27): by the entries of (rotation - identity) of jaw, left and right eye."


@dataclass(frozen=True, kw_only=True, eq=False)
class ArticulatedLandmarks:
    """L landmarks of a face model with joints."""

    resting: Carried
    turning: tuple[Carried, Carried, Carried]
    "By jaw, left and right eye; relative to their joints, whose own place is among what rests."
    num_landmarks: int

    def points(self, controls: Controls, shape: np.ndarray) -> np.ndarray:
        """(T, L, 3) metres, the head at rest."""
        rotations = axis_angle_to_matrix(controls.turns)  # (T, 3, 3, 3)
        features = _features(rotations)
        result = np.zeros((len(rotations), self.num_landmarks, 3))
        result[:, self.resting.rows] = _field(self.resting, controls, shape, features)
        for joint, carried in enumerate(self.turning):
            result[:, carried.rows] += _field(carried, controls, shape, features) @ rotations[:, joint].transpose(0, 2, 1)
        return result

    def by_turn(self, controls: Controls, shape: np.ndarray, joint: int) -> np.ndarray:
        """(T, L, 3, 3): derivatives of the points by the axis-angle of joint 0 (jaw), 1 (left eye) or 2 (right eye), correctives included."""
        rotations = axis_angle_to_matrix(controls.turns)
        features, jacobian = _features(rotations), left_jacobian(controls.turns[:, joint])
        by_feature = _feature_derivatives(rotations[:, joint], jacobian)  # (T, 9, 3)
        result = np.zeros((len(rotations), self.num_landmarks, 3, 3))
        own = slice(9 * joint, 9 * joint + 9)
        result[:, self.resting.rows] = _corrected(self.resting.pose[..., own], by_feature)
        for other, carried in enumerate(self.turning):
            part = np.matmul(rotations[:, other, None], _corrected(carried.pose[..., own], by_feature))
            if other == joint:
                arm = _field(carried, controls, shape, features) @ rotations[:, joint].transpose(0, 2, 1)
                # d(exp(w) x)/dw = -[R x]x J(w)
                part -= np.matmul(_cross(arm), jacobian[:, None])
            result[:, carried.rows] += part
        return result


def articulated_landmarks(
    model: MorphableModel, triangles: np.ndarray, barycentric: np.ndarray, *, num_expression: int, num_shape: int
) -> ArticulatedLandmarks:
    """Cut a face model with joints down to the points (L,) `triangles`, (L, 3) `barycentric` and to its first coefficients."""
    joints = model.articulation
    if joints is None:
        raise ValueError(f"{model.name} has no joints")
    corners = model.triangles[triangles]  # (L, 3)
    share = barycentric.astype(np.float64)[..., None] * joints.skin_weights[corners]  # (L, 3, J)
    lids = np.zeros((0, model.num_vertices, 3)) if joints.eyelids is None else joints.eyelids
    count = len(triangles)
    pose = joints.pose_directions[9 * (JAW - 1) : 9 * RIGHT_EYE]
    fields = {
        "base": model.template[None], "expression": model.expression_basis[:num_expression], "shape": model.shape_basis[:num_shape],
        "eyelids": lids, "pose": pose,
    }  # fmt: skip
    places = {"base": joints.joints[None], "expression": joints.joints_by_expression[:num_expression], "shape": joints.joints_by_shape[:num_shape]}

    def carried(weight: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Columns (R, 3, N) of each field under (L, 3) weights of the corners."""
        under = {name: np.einsum("rc,nrcx->rxn", weight[rows], field[:, corners[rows]].astype(np.float64)) for name, field in fields.items()}
        return under

    resting = carried(share[..., ROOT] + share[..., NECK], np.arange(count))
    turning = []
    for joint in _TURNING:
        rows = np.flatnonzero(share[..., joint].any(axis=1))
        mass = share[rows, :, joint].sum(axis=1)
        own = carried(share[..., joint], rows)
        for name, place in places.items():
            arm = mass[:, None, None] * place[:, joint].T[None]  # (R, 3, N)
            own[name] -= arm
            resting[name][rows] += arm
        turning.append(_carried(rows, own))
    return ArticulatedLandmarks(resting=_carried(np.arange(count), resting), turning=tuple(turning), num_landmarks=count)  # type: ignore[arg-type]


def _carried(rows: np.ndarray, columns: dict[str, np.ndarray]) -> Carried:
    return Carried(rows=rows, **(columns | {"base": columns["base"][..., 0]}))


def _field(carried: Carried, controls: Controls, shape: np.ndarray, features: np.ndarray) -> np.ndarray:
    """(T, R, 3) metres: what a joint carries before it turns."""
    still = carried.base + carried.shape[..., : len(shape)] @ shape
    weights = np.concatenate([controls.expression, controls.eyelids, features], axis=1)
    columns = np.concatenate([carried.expression[..., : controls.expression.shape[1]], carried.eyelids, carried.pose], axis=-1)
    return still + np.tensordot(weights, columns, (1, 2))


def _corrected(pose: np.ndarray, by_feature: np.ndarray) -> np.ndarray:
    """(T, R, 3, 3): what correctives (R, 3, 9) do with (T, 9, 3) derivatives of a rotation's entries."""
    return np.tensordot(by_feature, pose, (1, 2)).transpose(0, 2, 3, 1)


def _features(rotations: np.ndarray) -> np.ndarray:
    """(T, 27) entries of (rotation - identity) of (T, 3, 3, 3)."""
    return (rotations - np.eye(3)).reshape(len(rotations), 27)


def _feature_derivatives(rotation: np.ndarray, jacobian: np.ndarray) -> np.ndarray:
    """(T, 9, 3): entries of (T, 3, 3) rotations by their axis-angle; dR/dw_k = [J e_k]x R."""
    moved = np.matmul(_cross(jacobian.transpose(0, 2, 1)), rotation[:, None])  # (T, k, 3, 3)
    return moved.reshape(len(rotation), 3, 9).transpose(0, 2, 1)


def _cross(v: np.ndarray) -> np.ndarray:
    """(..., 3, 3): the matrix of the cross product with v."""
    x, y, z = np.moveaxis(v, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([np.stack(row, -1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))], -2)
