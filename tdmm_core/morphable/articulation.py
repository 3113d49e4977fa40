"""Joints of a face model: how neck, jaw and eyes turn what the linear bases have shaped; linear blend skinning with pose correctives.

Mathematics of arrays in NumPy, whole clips at once; knows neither files nor what the joints are called elsewhere. The formulas are FLAME's (Li,
Bolkart, Black, Li and Romero, "Learning a model of facial shape and expression from 4D scans", 2017), which are SMPL's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.morphable.rotations import axis_angle_to_matrix

ROOT, NECK, JAW, LEFT_EYE, RIGHT_EYE = range(5)
NUM_JOINTS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class Articulation:
    """What turns about joints, and how it is corrected; arrays are read-only."""

    parents: tuple[int, ...]
    "Parent of each of J joints, before it in order; -1 for the root."
    joints: np.ndarray
    "(J, 3) float64, metres: the template's."
    joints_by_shape: np.ndarray
    "(S, J, 3) float64, metres for one standard deviation."
    joints_by_expression: np.ndarray
    "(E, J, 3) float64, metres at one."
    skin_weights: np.ndarray
    "(V, J) float32, rows add up to 1."
    pose_directions: np.ndarray
    "(9 (J - 1), V, 3) float32, metres by the entries of (rotation - identity) of every joint but the root, row by row."
    eyelids: np.ndarray | None = None
    "(2, V, 3) float32, metres at full closure, left then right; None where no eyelid basis was given."

    def joints_of(self, expression: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """(T, J, 3) float64, metres: joints of (T, up to E) expressions on one (up to S,) shape."""
        still = self.joints + np.tensordot(np.asarray(shape, np.float64), self.joints_by_shape[: len(shape)], 1)
        return still + np.tensordot(np.asarray(expression, np.float64), self.joints_by_expression[: expression.shape[1]], 1)


def joint_rotations(motion: FaceMotion, *, with_pose: bool) -> np.ndarray:
    """(T, 5, 3, 3) float64 rotations of root, neck, jaw, left and right eye; without pose, root and neck do not turn. Absent terms are zero."""
    turns = np.zeros((motion.num_frames, NUM_JOINTS, 3))
    if with_pose:
        turns[:, ROOT] = motion.global_orient
        turns[:, NECK] = 0 if motion.neck_pose is None else motion.neck_pose
    turns[:, JAW] = 0 if motion.jaw_pose is None else motion.jaw_pose
    if motion.eye_pose is not None:
        turns[:, LEFT_EYE], turns[:, RIGHT_EYE] = motion.eye_pose[:, :3], motion.eye_pose[:, 3:]
    return axis_angle_to_matrix(turns)


def chain(articulation: Articulation, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(T, J, 3, 4) float64: what each joint does to a point at rest, from (T, J, 3) joints and (T, J, 3, 3) rotations of each in its parent."""
    world_rotation, world_place = np.empty_like(rotations), np.empty_like(joints)
    for joint, parent in enumerate(articulation.parents):
        if parent < 0:
            world_rotation[:, joint], world_place[:, joint] = rotations[:, joint], joints[:, joint]
            continue
        world_rotation[:, joint] = world_rotation[:, parent] @ rotations[:, joint]
        arm = (joints[:, joint] - joints[:, parent])[..., None]
        world_place[:, joint] = world_place[:, parent] + (world_rotation[:, parent] @ arm)[..., 0]
    shift = world_place - np.einsum("tjxy,tjy->tjx", world_rotation, joints)
    return np.concatenate([world_rotation, shift[..., None]], axis=-1)


def correctives(articulation: Articulation, rotations: np.ndarray) -> np.ndarray | float:
    """(T, V, 3) metres that (T, J, 3, 3) rotations add at rest; 0 where no joint but the root turns."""
    turned = (rotations[:, 1:] - np.eye(3)).reshape(len(rotations), -1)  # (T, 9 (J - 1))
    used = np.flatnonzero(turned.any(axis=0))
    if len(used) == 0:
        return 0.0
    directions = articulation.pose_directions[used]
    flat = turned[:, used].astype(directions.dtype) @ directions.reshape(len(used), -1)
    return flat.reshape(len(rotations), -1, 3)


def skinned(articulation: Articulation, rest: np.ndarray, joints: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """(T, V, 3): vertices (T, V, 3) at rest, correctives added, each carried by the mixture of its joints."""
    rest = rest + correctives(articulation, rotations)
    moves = chain(articulation, joints, rotations).astype(rest.dtype).reshape(len(rest), -1, 12)
    mixed = np.matmul(articulation.skin_weights.astype(rest.dtype, copy=False), moves).reshape(*rest.shape[:2], 3, 4)  # (T, V, 3, 4)
    return np.einsum("tvxy,tvy->tvx", mixed[..., :3], rest) + mixed[..., 3]
