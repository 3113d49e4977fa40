"""The face model as the landmark network sees it: only the points under its landmarks, and how they are projected.

Mathematics only: functions of arrays, with the derivatives that Gauss-Newton asks for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.rotations import axis_angle_to_matrix


@dataclass(frozen=True, kw_only=True, eq=False)
class LandmarkModel:
    """L points of a morphable model, relative to its pivot."""

    mean: np.ndarray
    "(L, 3) float64, metres."
    expression: np.ndarray
    "(L, 3, E) float64, metres at full strength."
    shape: np.ndarray
    "(L, 3, S) float64, metres for one standard deviation."
    turn: np.ndarray
    "(L, 3, 3) float64, metres per radian: how the landmarks slide over the face when the head turns."
    pivot: np.ndarray
    "(3,) float64, metres."

    def points(self, expression: np.ndarray, shape: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        """(T, L, 3): the unposed points of (T, E) expressions on one (S,) shape, with the head turned by (T, 3) radians."""
        moved = np.tensordot(expression, self.expression, (1, 2)) + np.tensordot(rotation, self.turn, (1, 2))  # (T, L, 3)
        return moved + (self.mean + self.shape @ shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pose:
    """Where the head is in T frames."""

    rotation: np.ndarray
    "(T, 3) axis-angle, radians."
    transl: np.ndarray
    "(T, 3) metres; z is negative in front of the camera."


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection:
    """Points in the picture and how they move with the head."""

    points_px: np.ndarray
    "(T, L, 2)"
    by_point: np.ndarray
    "(T, L, 2, 3): d pixel / d unposed point."
    by_rotation: np.ndarray
    "(T, L, 2, 3): d pixel / d axis-angle."
    by_transl: np.ndarray
    "(T, L, 2, 3): d pixel / d transl."


def landmark_model(model: MorphableModel, calibration: Calibration) -> LandmarkModel:
    """Cut a morphable model down to the points that calibration found under the landmarks."""
    def under(vertices: np.ndarray) -> np.ndarray:
        return _under(model, calibration, vertices)

    return LandmarkModel(
        mean=under(model.template) - model.pivot + calibration.offset,
        expression=np.ascontiguousarray(under(model.expression_basis).transpose(1, 2, 0) + calibration.by_expression),
        shape=np.ascontiguousarray(under(model.shape_basis).transpose(1, 2, 0) + calibration.by_shape),
        turn=calibration.by_rotation.astype(np.float64),
        pivot=model.pivot.astype(np.float64),
    )


def points_under(model: MorphableModel, calibration: Calibration) -> np.ndarray:
    """(L, 3) float64, metres from the pivot: the points under the landmarks of the mean face at rest, without the network's habits."""
    return _under(model, calibration, model.template) - model.pivot


def _under(model: MorphableModel, calibration: Calibration, vertices: np.ndarray) -> np.ndarray:
    """(..., L, 3) points of (..., V, 3) vertices."""
    corners = model.triangles[calibration.triangles]  # (L, 3)
    weights = calibration.barycentric.astype(np.float64)
    return np.einsum("lc,...lcx->...lx", weights, vertices[..., corners, :].astype(np.float64))


def place(points: np.ndarray, pose: Pose, pivot: np.ndarray) -> np.ndarray:
    """(T, L, 3) in the world: R p + pivot + transl."""
    rotation = axis_angle_to_matrix(pose.rotation)  # (T, 3, 3)
    return points @ rotation.transpose(0, 2, 1) + (pivot + pose.transl)[:, None]


def to_pixels(world: np.ndarray, focal_px: float, centre_px: np.ndarray) -> np.ndarray:
    """(..., 2): a pinhole that looks along -z with y up; image y runs down."""
    scale = focal_px / -world[..., 2]
    return np.stack([centre_px[0] + scale * world[..., 0], centre_px[1] - scale * world[..., 1]], -1)


def project(points: np.ndarray, pose: Pose, pivot: np.ndarray, *, focal_px: float, centre_px: np.ndarray) -> Projection:
    """Project (T, L, 3) unposed points, with derivatives in single precision."""
    world = place(points, pose, pivot)
    single = world.astype(np.float32)
    scale = np.float32(focal_px) / -single[..., 2]
    # u = cx + f x / d, v = cy - f y / d with d = -z, so d/dz of 1/d is 1/d^2.
    by_transl = np.zeros((*scale.shape, 2, 3), np.float32)  # (T, L, 2, 3)
    by_transl[..., 0, 0], by_transl[..., 1, 1] = scale, -scale
    by_transl[..., :, 2] = single[..., :2] * (scale / -single[..., 2])[..., None] * np.array([1, -1], np.float32)
    turned = single - (pivot + pose.transl).astype(np.float32)[:, None]
    rotation = axis_angle_to_matrix(pose.rotation).astype(np.float32)
    return Projection(
        points_px=to_pixels(world, focal_px, centre_px),
        by_point=_times(by_transl, rotation),
        by_rotation=_times(_by_turn(turned, by_transl), left_jacobian(pose.rotation).astype(np.float32)),
        by_transl=by_transl,
    )


def _by_turn(turned: np.ndarray, by_transl: np.ndarray) -> np.ndarray:
    """(T, L, 2, 3) how pixels move as the (T, L, 3) turned points turn on: d(exp(w) p)/dw = -[R p]x J(w), and -a [p]x = p x a."""
    x, y, z = np.moveaxis(turned, -1, 0)
    scale, u_depth, v_depth = by_transl[..., 0, 0], by_transl[..., 0, 2], by_transl[..., 1, 2]
    result = np.empty_like(by_transl)
    result[..., 0, 0], result[..., 0, 1], result[..., 0, 2] = y * u_depth, z * scale - x * u_depth, -y * scale
    result[..., 1, 0], result[..., 1, 1], result[..., 1, 2] = y * v_depth + z * scale, -x * v_depth, -x * scale
    return result


def _times(rows: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """(T, L, 2, 3) rows times a (T, 3, 3) matrix for each frame."""
    return np.matmul(rows.reshape(len(rows), -1, 3), matrices).reshape(rows.shape)


def left_jacobian(rotation: np.ndarray) -> np.ndarray:
    """(T, 3, 3): J with exp(w + dw) = exp(J dw) exp(w) to first order."""
    angle = np.linalg.norm(rotation, axis=-1)[:, None, None]
    safe = np.maximum(angle, 1e-4)
    cross = _cross(rotation)
    first = np.where(angle < 1e-4, 0.5, (1 - np.cos(safe)) / safe**2)
    second = np.where(angle < 1e-4, 1 / 6, (safe - np.sin(safe)) / safe**3)
    return np.eye(3) + first * cross + second * (cross @ cross)


def _cross(v: np.ndarray) -> np.ndarray:
    """(..., 3, 3): the matrix of the cross product with v."""
    x, y, z = np.moveaxis(v, -1, 0)
    zero = np.zeros_like(x)
    rows = [np.stack(row, -1) for row in ((zero, -z, y), (z, zero, -x), (-y, x, zero))]
    return np.stack(rows, -2)
