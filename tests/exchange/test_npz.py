"""Motion as npz: read back as written, equal bytes for equal input, and every wrong file told in a sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.motion import FRAME_TERMS, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.exchange.npz import read_npz, write_npz

NAMES = ("jawOpen", "mouthPucker")


def motion_of(frames: int = 4, seed: int = 0, **more: object) -> FaceMotion:
    rng = np.random.default_rng(seed)
    return FaceMotion(
        expression=rng.random((frames, 2)), expression_names=NAMES, global_orient=rng.random((frames, 3)), transl=rng.random((frames, 3)),
        shape=rng.random(5), status=rng.integers(0, 3, frames), face_model_digest="ab" * 32, **more,
    )  # fmt: skip


@st.composite
def motions(draw: st.DrawFn) -> FaceMotion:
    frames = draw(st.integers(1, 6))
    terms = {
        n: np.full((frames, FRAME_TERMS[n]), draw(st.floats(-3, 3))) for n in draw(st.sets(st.sampled_from(["jaw_pose", "neck_pose", "eyelids"])))
    }
    if draw(st.booleans()):
        terms["source_time_s"] = np.arange(frames) / 30
    return motion_of(frames, draw(st.integers(0, 9)), fps=draw(st.floats(1, 120)), **terms)


@settings(max_examples=40, deadline=None)
@given(
    motions(),
    st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30),
    st.integers(0, 2**62),
    st.dictionaries(st.text("abc"), st.integers() | st.floats(allow_nan=False) | st.text("xyß")),
    st.booleans(),
)
def test_any_motion_is_read_back(motion: FaceMotion, prompt: str, seed: int, said: dict, with_codes: bool) -> None:
    codes = np.arange(motion.num_frames, dtype=np.uint16)[:, None] if with_codes else None
    stream, again = io.BytesIO(), io.BytesIO()
    write_npz(stream, motion, prompt=prompt, seed=seed, settings=said, codes=codes)
    write_npz(again, motion, prompt=prompt, seed=seed, settings=said, codes=codes)
    assert stream.getvalue() == again.getvalue()
    found, meta = read_npz(io.BytesIO(stream.getvalue()))
    assert found == motion
    assert (meta["prompt"], meta["seed"], meta["settings"]) == (prompt, seed, said)
    assert np.array_equal(meta["codes"], codes) if with_codes else meta["codes"] is None


def test_numpy_alone_opens_it(tmp_path: Path) -> None:
    """The documented keys, types and shapes, with nothing of this project."""
    motion = motion_of()
    write_npz(tmp_path / "a.npz", motion, prompt="a pout", seed=3, settings={"temperature": 0.8}, codes=np.zeros((4, 1), np.uint16))
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert set(found) == {
            "expression", "expression_names", "global_orient", "transl", "status", "shape", "fps", "face_model", "face_model_digest", "prompt",
            "seed", "tool", "settings", "codes",
        }  # fmt: skip
        assert found["expression"].dtype == np.float32 and found["expression"].shape == (4, 2)
        assert tuple(found["expression_names"]) == NAMES
        assert (float(found["fps"]), str(found["face_model"]), str(found["prompt"]), int(found["seed"])) == (25.0, "open-head-1", "a pout", 3)
        assert str(found["tool"]).startswith("tdmm")
        assert json.loads(str(found["settings"])) == {"temperature": 0.8}
        assert np.array_equal(found["shape"], motion.shape)


def test_bytes_do_not_depend_on_when_or_where(tmp_path: Path) -> None:
    write_npz(tmp_path / "a.npz", motion_of(), settings={"b": 1, "a": 2})
    write_npz(tmp_path / "b.npz", motion_of(), settings={"a": 2, "b": 1})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {e.date_time for e in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {e.create_system for e in archive.infolist()} == {3}


def test_through_a_pipe() -> None:
    """Neither end can be sought."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as source:
        with os.fdopen(writing, "wb", buffering=0) as sink:
            write_npz(sink, motion_of(), settings={})
        assert read_npz(source)[0] == motion_of()


def test_a_file_of_another_tool_needs_the_main_keys_only(tmp_path: Path) -> None:
    motion = motion_of()
    np.savez_compressed(
        tmp_path / "a.npz",
        expression=motion.expression.astype("f8"), expression_names=np.array(NAMES), global_orient=motion.global_orient,
        transl=motion.transl, fps=30, face_model="open-head-1", extra=np.zeros(3),
    )  # fmt: skip
    found, meta = read_npz(tmp_path / "a.npz")
    assert np.array_equal(found.expression, motion.expression)
    assert (found.fps, found.shape.size, meta["prompt"], meta["settings"]) == (30.0, 0, "", {})


def test_wrong_files(tmp_path: Path) -> None:
    whole = io.BytesIO()
    write_npz(whole, motion_of(), settings={})
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps({"expression": [1]}))
    (tmp_path / "short.npz").write_bytes(whole.getvalue()[:900])
    np.savez(tmp_path / "other.npz", pose=np.zeros((3, 3)))
    np.savez(tmp_path / "partly.npz", expression=np.zeros((3, 2)), expression_names=np.array(NAMES), fps=25, face_model="m")
    np.savez(tmp_path / "objects.npz", expression=np.array([{"a": 1}], dtype=object))
    wanted = {
        "none.npz": "no such file",
        "empty.npz": "empty",
        "text.npz": "expected a motion as npz, got something else",
        "pickle.npz": "expected a motion as npz, got something else",
        "short.npz": "damaged or truncated",
        "other.npz": "lacks expression, expression_names, global_orient, transl, fps, face_model; has pose",
        "partly.npz": "lacks global_orient, transl;",
        "objects.npz": "expression is pickled Python, which is never read",
    }
    for name, sentence in wanted.items():
        with pytest.raises(InputError, match=f"{name}: .*{sentence}"):
            read_npz(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read"):
        read_npz(tmp_path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"transl": np.zeros((3, 3))}, "transl: expected shape"),
        ({"expression": np.full((4, 2), np.nan)}, "expression: expected finite"),
        ({"fps": 0}, "fps: expected a rate"),
        ({"fps": "fast"}, "could not convert"),
        ({"settings": "{"}, "not a motion"),
        ({"expression_names": np.array(["one"])}, "expression: expected shape"),
    ],
)
def test_wrong_values(tmp_path: Path, change: dict, sentence: str) -> None:
    write_npz(tmp_path / "a.npz", motion_of(), settings={})
    with np.load(tmp_path / "a.npz") as found:
        arrays = dict(found) | change
    np.savez(tmp_path / "b.npz", **arrays)
    with pytest.raises(InputError, match=f"b.npz: not a motion: .*{sentence}" if sentence != "not a motion" else sentence):
        read_npz(tmp_path / "b.npz")


def test_any_damaged_byte_is_read_or_refused() -> None:
    whole = io.BytesIO()
    write_npz(whole, motion_of(), settings={})
    content = whole.getvalue()
    for place in range(0, len(content), 3):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        try:
            read_npz(io.BytesIO(bytes(damaged)))
        except InputError:
            continue


def test_absent_terms_stay_absent() -> None:
    stream = io.BytesIO()
    write_npz(stream, replace(motion_of(), eyelids=np.zeros((4, 2))), settings={})
    found, _ = read_npz(io.BytesIO(stream.getvalue()))
    assert found.eyelids is not None and found.jaw_pose is None and found.source_time_s is None
