"""glTF: what the file says, put together by hand, is the posed face; equal bytes; what cannot be told is refused."""

from __future__ import annotations

import io
import json
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from golden_pose import golden_motion

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.exchange.blendshapes import quaternions
from tdmm_core.exchange.gltf import write_gltf
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix

MODEL = load_open_head()
WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
TYPE = {5126: "<f4", 5123: "<u2", 5125: "<u4"}


def glb_of(motion: FaceMotion, **more) -> bytes:
    stream = io.BytesIO()
    write_gltf(stream, MODEL, motion, **more)
    return stream.getvalue()


class Read:
    """A .glb taken apart as the specification says."""

    def __init__(self, content: bytes) -> None:
        magic, version, total = struct.unpack("<III", content[:12])
        assert (magic, version, total) == (0x46546C67, 2, len(content))
        length = struct.unpack("<I", content[12:16])[0]
        self.told = json.loads(content[20 : 20 + length])
        self.binary = content[28 + length :]

    def view(self, number: int) -> bytes:
        view = self.told["bufferViews"][number]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def accessor(self, number: int) -> np.ndarray:
        about = self.told["accessors"][number]
        shape = (about["count"], WIDTH[about["type"]])
        values = np.zeros(shape, "<f4")
        if "bufferView" in about:
            values = np.frombuffer(self.view(about["bufferView"]), TYPE[about["componentType"]]).reshape(shape).copy()
        if "sparse" in about:
            rows = np.frombuffer(self.view(about["sparse"]["indices"]["bufferView"]), TYPE[about["sparse"]["indices"]["componentType"]])
            values[rows] = np.frombuffer(self.view(about["sparse"]["values"]["bufferView"]), "<f4").reshape(-1, shape[1])
        if "min" in about:
            np.testing.assert_array_equal(values.min(axis=0), np.array(about["min"], np.float32))
            np.testing.assert_array_equal(values.max(axis=0), np.array(about["max"], np.float32))
        return values

    def posed(self, frame: int) -> np.ndarray:
        """(V, 3): the mesh with its targets, weights and node, as any player does it."""
        primitive, motion = self.told["meshes"][0]["primitives"][0], self.told["animations"][0]
        outputs = {c["target"]["path"]: self.accessor(motion["samplers"][c["sampler"]]["output"]) for c in motion["channels"]}
        weights = outputs["weights"].reshape(-1, 52)[frame]
        moves = [self.accessor(t["POSITION"]) for t in primitive["targets"]]
        vertices = self.accessor(primitive["attributes"]["POSITION"]) + sum(w * m for w, m in zip(weights, moves, strict=True))
        x, y, z, w = outputs["rotation"][frame].astype(np.float64)
        turn = np.array([
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ])  # fmt: skip
        return vertices @ turn.T + outputs["translation"][frame]


@pytest.mark.parametrize("shape_seed", [None, 3])
def test_put_together_by_hand_it_is_the_posed_face(shape_seed) -> None:
    motion = golden_motion(8, shape_seed=shape_seed)
    read, posed = Read(glb_of(motion)), MODEL.posed_geometry(motion)
    for frame in (0, 3, 7):
        assert np.abs(read.posed(frame) - posed[frame]).max() < 3e-5  # what LEAST_MOVE_M leaves out


def test_a_golden_pose_has_its_known_side() -> None:
    read = Read(glb_of(golden_motion(9)))
    rest, turned = read.posed(0), read.posed(8)
    nose = int(rest[:, 2].argmax())
    assert turned[nose, 0] - rest[nose, 0] > 0.04  # +x, the subject's left
    half = read.posed(4) - Read(glb_of(replace(golden_motion(9), expression=np.zeros((9, 52), np.float32)))).posed(4)
    brow = np.linalg.norm(half, axis=1) * ((rest[:, 1] > 0.045) & (rest[:, 2] > 0.05))
    assert rest[brow > 0.6 * brow.max(), 0].min() > 0  # the left brow


def test_it_names_its_units_and_its_prompt() -> None:
    told = Read(glb_of(golden_motion(3), prompt="a grin, <b>wide</b>")).told
    mesh = told["meshes"][0]
    assert mesh["extras"]["targetNames"] == list(MODEL.expression_names) and len(mesh["weights"]) == 52
    assert all(len(p["targets"]) == 52 for p in mesh["primitives"])
    assert told["asset"]["extras"] == {"prompt": "a grin, <b>wide</b>"}
    assert {m["name"] for m in told["materials"]} == {"skin", "eyes", "mouth", "teeth", "tongue"}
    assert sum(told["accessors"][p["indices"]]["count"] for p in mesh["primitives"]) == 3 * len(MODEL.triangles)


def test_times_are_the_motion_s_own_and_bytes_are_equal() -> None:
    motion = replace(golden_motion(5), fps=30.0)
    read = Read(glb_of(motion))
    times = read.accessor(read.told["animations"][0]["samplers"][0]["input"])[:, 0]
    np.testing.assert_allclose(times, np.arange(5) / 30, atol=1e-6)
    assert glb_of(motion) == glb_of(motion)
    assert glb_of(motion[:1])  # one frame is a motion too


def test_quaternions_turn_as_rotation_vectors_do_and_never_jump() -> None:
    vectors = np.random.default_rng(0).normal(size=(40, 3)) * 2
    found = quaternions(vectors)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert ((found[1:] * found[:-1]).sum(axis=1) >= 0).all()
    x, y, z, w = found.T.astype(np.float64)
    np.testing.assert_allclose(1 - 2 * (y * y + z * z), axis_angle_to_matrix(vectors)[:, 0, 0], atol=1e-5)
    np.testing.assert_allclose(2 * (x * y - z * w), axis_angle_to_matrix(vectors)[:, 0, 1], atol=1e-5)
    np.testing.assert_array_equal(quaternions(np.zeros((1, 3))), [[0, 0, 0, 1]])


def test_a_motion_of_another_face_model_is_refused() -> None:
    with pytest.raises(InputError, match="expected parameters of face model 'open-head-1'"):
        glb_of(replace(golden_motion(3), face_model="flame-2020"))
