"""glTF: one binary file with a face and its motion, for Blender, engines and web viewers. Owns which parts the file has and what they mean.

One mesh with a morph target for each expression unit (names in `mesh.extras.targetNames`), one node at the head's pivot whose weights, rotation
and place are animated. glTF looks along our axes: +y up, the face toward +z, the subject's left at +x. Colours are the renderer's, as pictures
for skin and eyes. Targets are sparse, since a unit moves a part of the face. What a buffer or an accessor is stands in `gltf_buffers`.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.exchange.blendshapes import LEAST_MOVE_M, check_blendshapes, quaternions
from tdmm_core.exchange.face_colours import Part, face_parts
from tdmm_core.exchange.gltf_buffers import Buffers
from tdmm_core.morphable.model import MorphableModel, identity
from tdmm_core.rendering.look import Look

_MAGIC, _JSON, _BINARY = 0x46546C67, 0x4E4F534A, 0x004E4942


def write_gltf(target: Path | str | BinaryIO, model: MorphableModel, motion: FaceMotion, *, prompt: str = "", look: Look | None = None) -> None:
    """Write the motion of a face model as .glb; equal motions give equal bytes.

    Raises InputError for a motion of another face model, and for a face model with joints, whose posing no morph target can say.
    """
    check_blendshapes(model, motion, ".glb")
    buffers = Buffers()
    parts = face_parts(model, look or Look())
    document = {
        "asset": {"version": "2.0", "generator": "tdmm", **({"extras": {"prompt": prompt}} if prompt else {})},
        "scene": 0,
        "scenes": [{"nodes": [0], "name": "face"}],
        "nodes": [_node(model, motion)],
        "meshes": [_mesh(buffers, model, motion, parts)],
        "materials": [_material(part, i) for i, part in enumerate(parts)],
        "textures": [{"source": i, "sampler": 0} for i in range(len(parts))],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
        "images": [{"bufferView": buffers.raw(part.picture), "mimeType": "image/png", "name": part.name} for part in parts],
        "animations": [_animation(buffers, model, motion)],
    }
    content = _binary(document | buffers.described(), buffers.content())
    if isinstance(target, Path | str):
        Path(target).write_bytes(content)
    else:
        target.write(content)


def vertex_normals(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) float32 of length 1: the mean of the adjoining triangles, by area; +z where a vertex has none."""
    a, b, c = (vertices[triangles[:, k]].astype(np.float64) for k in range(3))
    faces = np.cross(b - a, c - a)
    normals = np.zeros((len(vertices), 3))
    for k in range(3):
        np.add.at(normals, triangles[:, k], faces)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(length > 1e-12, normals / np.maximum(length, 1e-12), [0.0, 0.0, 1.0]).astype(np.float32)


def _node(model: MorphableModel, motion: FaceMotion) -> dict:
    return {
        "name": "head",
        "mesh": 0,
        "translation": [float(v) for v in model.pivot + motion.transl[0]],
        "rotation": [float(v) for v in quaternions(motion.global_orient[:1])[0]],
    }


def _mesh(buffers: Buffers, model: MorphableModel, motion: FaceMotion, parts: tuple[Part, ...]) -> dict:
    """Primitives share the vertices; each has the triangles of one part. Vertices stand about the pivot, where the node is."""
    base = identity(model, motion.shape)
    normals = vertex_normals(base, model.triangles)
    count = len(base)
    coordinates = np.zeros((count, 2), np.float32)
    for part in parts:
        used = np.unique(part.triangles)
        coordinates[used] = part.coordinates[used]
    attributes = {
        "POSITION": buffers.accessor(base - model.pivot, "VEC3", bounds=True),
        "NORMAL": buffers.accessor(normals, "VEC3"),
        "TEXCOORD_0": buffers.accessor(coordinates, "VEC2"),
    }
    targets = []
    for move in model.expression_basis:
        moved = np.linalg.norm(move, axis=1) >= LEAST_MOVE_M
        bent = vertex_normals(base + move, model.triangles) - normals
        targets.append({
            "POSITION": buffers.sparse(np.where(moved[:, None], move, 0), "VEC3", bounds=True),
            "NORMAL": buffers.sparse(np.where(np.linalg.norm(bent, axis=1, keepdims=True) >= 0.01, bent, 0), "VEC3"),
        })  # fmt: skip
    primitives = [
        {"attributes": attributes, "indices": buffers.indices(part.triangles), "material": i, "targets": targets} for i, part in enumerate(parts)
    ]
    return {
        "name": model.name,
        "primitives": primitives,
        "weights": [float(w) for w in motion.expression[0]],
        "extras": {"targetNames": list(motion.expression_names)},
    }


def _material(part: Part, texture: int) -> dict:
    surface = {"baseColorTexture": {"index": texture}, "metallicFactor": 0.0, "roughnessFactor": part.roughness}
    return {"name": part.name, "pbrMetallicRoughness": surface, "doubleSided": part.double_sided}


def _animation(buffers: Buffers, model: MorphableModel, motion: FaceMotion) -> dict:
    times = buffers.accessor((np.arange(motion.num_frames) / motion.fps).astype(np.float32), "SCALAR", bounds=True, vertices=False)
    outputs = {
        "weights": buffers.accessor(motion.expression.reshape(-1), "SCALAR", vertices=False),
        "rotation": buffers.accessor(quaternions(motion.global_orient), "VEC4", vertices=False),
        "translation": buffers.accessor((model.pivot + motion.transl).astype(np.float32), "VEC3", vertices=False),
    }
    return {
        "name": "motion",
        "samplers": [{"input": times, "output": output, "interpolation": "LINEAR"} for output in outputs.values()],
        "channels": [{"sampler": i, "target": {"node": 0, "path": path}} for i, path in enumerate(outputs)],
    }


def _binary(document: dict, content: bytes) -> bytes:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    content += b"\0" * (-len(content) % 4)
    total = 12 + 8 + len(text) + 8 + len(content)
    return b"".join([
        struct.pack("<III", _MAGIC, 2, total), struct.pack("<II", len(text), _JSON), text, struct.pack("<II", len(content), _BINARY), content,
    ])  # fmt: skip
