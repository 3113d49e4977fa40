"""The landmarks of a face model with joints: where they are for given coefficients, and how they move with each; for FLAME's own solver.

Mathematics only, in float64. The head stays: root and neck do not turn here. A landmark is a point of a triangle whose corners may belong to
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

    @property
    def vector(self) -> np.ndarray:
        """(T, E + 9 + K)."""
        return np.concatenate([self.expression, self.turns.reshape(len(self.turns), 9), self.eyelids], axis=1)

    @staticmethod
    def of(vector: np.ndarray, num_expression: int) -> Controls:
        """The controls of a (T, E + 9 + K) array."""
        expression, turns, lids = np.split(vector, [num_expression, num_expression + 9], axis=1)
        return Controls(expression=expression, turns=turns.reshape(-1, 3, 3), eyelids=lids)


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
            result[:, carried.rows] += np.einsum("txy,try->trx", rotations[:, joint], _field(carried, controls, shape, features))
        return result

    def by_controls(self, controls: Controls, shape: np.ndarray) -> np.ndarray:
        """(T, L, 3, E + 9 + K): derivatives of the points by the controls, in the order of `Controls.vector`."""
        rotations = axis_angle_to_matrix(controls.turns)
        features = _features(rotations)
        units = controls.expression.shape[1]
        size = (len(rotations), self.num_landmarks, 3, units + 9 + controls.eyelids.shape[1])
        result = np.zeros(size)
        turned = [left_jacobian(controls.turns[:, joint]) for joint in range(3)]  # (T, 3, 3) each
        by_turn = np.stack([_feature_derivatives(r, j) for r, j in zip(rotations.transpose(1, 0, 2, 3), turned, strict=True)], axis=1)
        for joint, carried in enumerate((self.resting, *self.turning), start=-1):
            rotation = np.broadcast_to(np.eye(3), (size[0], 3, 3)) if joint < 0 else rotations[:, joint]
            columns = np.concatenate([carried.expression[..., :units], np.zeros((*carried.base.shape, 9)), carried.eyelids], axis=-1)
            part = np.matmul(rotation[:, None], columns)  # (T, R, 3, P)
            for other in range(3):
                moved = np.einsum("rxf,tfk->trxk", carried.pose[..., 9 * other : 9 * other + 9], by_turn[:, other])
                part[..., units + 3 * other : units + 3 * other + 3] += np.matmul(rotation[:, None], moved)
            if joint >= 0:
                arm = np.einsum("txy,try->trx", rotation, _field(carried, controls, shape, features))
                own = slice(units + 3 * joint, units + 3 * joint + 3)
                # d(exp(w) x)/dw = -[R x]x J(w)
                part[..., own] -= np.matmul(_cross(arm), turned[joint][:, None])
            result[:, carried.rows] += part
        return result

    def by_shape(self, controls: Controls) -> np.ndarray:
        """(T, L, 3, S): derivatives of the points by the shape."""
        rotations = axis_angle_to_matrix(controls.turns)
        result = np.zeros((len(rotations), self.num_landmarks, 3, self.resting.shape.shape[-1]))
        result[:, self.resting.rows] = self.resting.shape
        for joint, carried in enumerate(self.turning):
            result[:, carried.rows] += np.matmul(rotations[:, joint, None], carried.shape)
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
