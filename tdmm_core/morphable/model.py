"""The morphable model: a template, what expressions and identities add to it, and how a motion poses it.

Owns the arrays of a face model and the way from a motion to vertices: linear about one pivot, or through joints where the model has them
(`articulation`). Knows nothing of files, cameras or torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.articulation import Articulation, joint_rotations, skinned
from tdmm_core.morphable.rotations import axis_angle_to_matrix


@dataclass(frozen=True, kw_only=True, eq=False)
class MorphableModel:
    """A linear face model in the project's frame: +x the subject's left, +y up, +z out of the face; arrays are read-only."""

    name: str
    digest: str
    "SHA-256 (hex) of the geometry: names, template, triangles, bases, masks and pivot; looks are no part of it."
    template: np.ndarray
    "(V, 3) float32, metres."
    triangles: np.ndarray
    "(F, 3) int32, counter-clockwise seen from outside."
    expression_names: tuple[str, ...]
    "E names."
    expression_basis: np.ndarray
    "(E, V, 3) float32, metres at full strength."
    shape_basis: np.ndarray
    "(S, V, 3) float32, metres for one standard deviation."
    masks: Mapping[str, np.ndarray]
    "(V,) bool by name: face (what errors are measured on), lips, lids."
    triangle_region: np.ndarray
    "(F,) uint8, index into `region_names`."
    region_names: tuple[str, ...]
    pivot: np.ndarray
    "(3,) float32, metres: the head joint, about which `global_orient` turns."
    appearance: Mapping[str, np.ndarray] = field(default_factory=dict)
    "What a renderer may paint with (texture coordinates, paint, occlusion, eye directions); no part of the digest."
    articulation: Articulation | None = None
    "Joints of neck, jaw and eyes, as FLAME has them; None where expressions are all that moves."

    @property
    def num_vertices(self) -> int:
        return int(self.template.shape[0])

    @property
    def num_expression(self) -> int:
        return int(self.expression_basis.shape[0])

    @property
    def num_shape(self) -> int:
        return int(self.shape_basis.shape[0])

    def posed_geometry(self, motion: FaceMotion) -> np.ndarray:
        """(T, V, 3) float32, metres: everything that the motion says, identity and head pose included."""
        return geometry(self, motion, with_shape=True, with_pose=True)

    def check(self, motion: FaceMotion) -> None:
        """Raise InputError unless `motion` is of this face model."""
        if motion.face_model != self.name:
            carried = f"tdmm fit MOTION --face-model {self.name} -o motion.h5"
            raise InputError(f"motion: expected parameters of face model {self.name!r}, got {motion.face_model!r}; carry it over: {carried}")
        if motion.face_model_digest and motion.face_model_digest != self.digest:
            editions = f"digest {motion.face_model_digest[:12]}, here {self.digest[:12]}"
            raise InputError(f"motion: it was made with another edition of {self.name} ({editions}); make it again")
        got = len(motion.expression_names)
        known = self.expression_names if self.articulation is None else self.expression_names[:got]
        if motion.expression_names != known:
            raise InputError(f"motion: expected the {self.num_expression} expression names of {self.name} in its order, got {got}")
        if motion.eyelids is not None and self.articulation is not None and self.articulation.eyelids is None and motion.eyelids.any():
            raise InputError(f"motion: it closes eyelids, and {self.name} is known here without an eyelid basis; name it again with --eyelids FILE")
        if len(motion.shape) > self.num_shape:
            raise InputError(f"motion: expected at most {self.num_shape} shape coefficients, got {len(motion.shape)}")


def geometry_digest(arrays: Mapping[str, np.ndarray], names: tuple[str, ...]) -> str:
    """SHA-256 (hex) over named arrays, in order of their names, and the expression names; little-endian bytes."""
    digest = hashlib.sha256("\n".join(names).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {little.dtype.str} {little.shape}\n".encode())
        digest.update(little.tobytes())
    return digest.hexdigest()


def identity(model: MorphableModel, shape: np.ndarray) -> np.ndarray:
    """(V, 3) float32, metres: the neutral face of somebody; `shape` (up to S,) coefficients, the rest zero."""
    if len(shape) == 0:
        return model.template
    return model.template + np.tensordot(np.asarray(shape, np.float32), model.shape_basis[: len(shape)], 1)


def geometry(model: MorphableModel, motion: FaceMotion, *, with_shape: bool = False, with_pose: bool = False) -> np.ndarray:
    """(T, V, 3) float32 vertices, metres: template plus expression, on request with identity and head pose.

    Jaw, eyes and eyelids are expression; neck and head are pose. Raises InputError when the motion is of another face model.
    """
    model.check(motion)
    base = identity(model, motion.shape) if with_shape else model.template
    num_frames, num_units = motion.expression.shape
    moved = motion.expression @ model.expression_basis[:num_units].reshape(num_units, -1)
    vertices = moved.reshape(num_frames, -1, 3) + base  # (T, V, 3)
    if model.articulation is not None:
        return _articulated(vertices, model.articulation, motion, with_shape=with_shape, with_pose=with_pose)
    return posed(vertices, model, motion) if with_pose else vertices


def _articulated(vertices: np.ndarray, articulation: Articulation, motion: FaceMotion, *, with_shape: bool, with_pose: bool) -> np.ndarray:
    """(T, V, 3) float32: FLAME's own posing. Lids are closed at rest, so that they go along with the head."""
    if motion.eyelids is not None and articulation.eyelids is not None:
        vertices = vertices + np.tensordot(motion.eyelids, articulation.eyelids, 1)
    joints = articulation.joints_of(motion.expression, motion.shape if with_shape else motion.shape[:0])
    vertices = skinned(articulation, vertices, joints, joint_rotations(motion, with_pose=with_pose))
    return (vertices + motion.transl[:, None] if with_pose else vertices).astype(np.float32, copy=False)


def posed(vertices: np.ndarray, model: MorphableModel, motion: FaceMotion) -> np.ndarray:
    """(T, V, 3) float32: R(global_orient) (V - pivot) + pivot + transl, for a face model without joints."""
    rotation = axis_angle_to_matrix(motion.global_orient)  # (T, 3, 3)
    turned = np.matmul(vertices - model.pivot, rotation.transpose(0, 2, 1))
    return (turned + (model.pivot + motion.transl)[:, None]).astype(np.float32, copy=False)


def neutral_motion(model: MorphableModel, num_frames: int, fps: float = 25.0) -> FaceMotion:
    """A face at rest that looks straight ahead."""
    return FaceMotion(
        expression=np.zeros((num_frames, model.num_expression), np.float32),
        expression_names=model.expression_names,
        global_orient=np.zeros((num_frames, 3), np.float32),
        transl=np.zeros((num_frames, 3), np.float32),
        shape=np.zeros(model.num_shape, np.float32),
        fps=fps,
        face_model=model.name,
        face_model_digest=model.digest,
    )
