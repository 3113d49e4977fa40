"""What is written is read back, for every kind; the fast reader agrees with a slow one."""

from __future__ import annotations

import pickle
import shutil
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
from artifact_cases import ITEM, MAKING, REPORT, SCRIPT, face_motion, items, name_of, read, same, write
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.artifacts.header import Making, parent_of, read_header
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.report import read_report, write_report
from tdmm_core.artifacts.tokens import open_tokens
from tdmm_core.artifacts.verify import verify
from tdmm_core.domain.clip import ClipSource
from tdmm_core.domain.report import Report, Table

KINDS = ("corpus", "motion", "tokens", "text")


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_any_items_are_read_back(kind: str, data: st.DataObject) -> None:
    written = data.draw(st.lists(ITEM[kind], max_size=4, unique_by=name_of))
    folder = Path(tempfile.mkdtemp())
    try:
        header = write(folder / "a.h5", kind, written, block_size=data.draw(st.integers(1, 3)))
        found = read(folder / "a.h5", kind)
        assert len(found) == len(written)
        assert all(same(a, b) for a, b in zip(found, written, strict=True))
        assert verify(folder / "a.h5") == []
        assert read_header(folder / "a.h5") == header
        assert [p.name for p in folder.iterdir()] == ["a.h5"]
    finally:
        shutil.rmtree(folder)


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(
        st.text("abcä", min_size=1),
        st.lists(st.tuples(st.integers(-9, 9) | st.floats(allow_nan=False) | st.text("xyß1"), st.integers(-(2**60), 2**60)), max_size=3),
        max_size=3,
    ),
    st.dictionaries(st.text("abc", min_size=1), st.integers(-9, 9) | st.floats(allow_nan=False) | st.text("xyß")),
)
def test_any_report_is_read_back(rows: dict, said: dict) -> None:
    report = Report(tables={n: Table(columns=("a", "b"), rows=tuple(r)) for n, r in rows.items()}, settings=said)
    with tempfile.TemporaryDirectory() as folder:
        write_report(Path(folder) / "r.h5", report, MAKING)
        assert read_report(Path(folder) / "r.h5") == report
        assert verify(Path(folder) / "r.h5") == []


def test_header_tells_how_it_was_made(tmp_path: Path) -> None:
    write(tmp_path / "m.h5", "motion", items("motion", 3))
    header = read_header(tmp_path / "m.h5")
    assert (header.kind, header.version, header.recipe, header.seed) == ("motion", 1, "tiny", 7)
    assert header.config == {"count": 3, "rate": 0.5}
    assert header.parents == MAKING.parents
    assert header.created.endswith("Z")
    parent = parent_of(tmp_path / "m.h5")
    assert (parent.kind, parent.digest, parent.name) == ("motion", header.digest, "m.h5")


def test_columns_are_plain_little_endian_and_told(tmp_path: Path) -> None:
    """What another tool sees: contiguous, uncompressed columns, each with its axes and unit."""
    write(tmp_path / "m.h5", "motion", items("motion", 5))
    with h5py.File(tmp_path / "m.h5") as file:
        for group in ("clips", "frames"):
            for name, column in file[group].items():
                assert column.chunks is None and column.compression is None, name
                assert column.attrs["axes"].startswith(group[:-1]), name
                assert column.attrs["unit"], name
        assert file["frames/expression"].dtype == np.dtype("<f4")
        assert file["frames/global_orient"].attrs["unit"] == "rad"
        assert file["frames/expression"].attrs["axes"] == "frame,coefficient"
        assert file["clips/start"][()].tolist() == [0, 1, 3, 3, 7]
        assert file["clips/length"][()].tolist() == [1, 2, 0, 4, 5]
        assert list(file.attrs["expression_names"]) == list(face_motion(1).expression_names)
        assert "jaw_pose" not in file["frames"]


def test_random_access_agrees_with_a_slow_reader(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    write(path, "motion", items("motion", 30), block_size=7)
    order = np.random.default_rng(0).permutation(30)
    with open_motion(path) as motion, h5py.File(path) as slow:
        for i in order:
            start, length = int(slow["clips/start"][i]), int(slow["clips/length"][i])
            found = motion.motion(i)
            if length == 0:
                assert found is None
                continue
            for name in ("expression", "global_orient", "transl", "status"):
                assert np.array_equal(getattr(found, name), slow["frames"][name][start : start + length])
            assert np.array_equal(found.shape, slow["clips/shape"][i])


def test_open_file_is_a_clip_source(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    written = items("motion", 4)
    write(path, "motion", written)
    with open_motion(path) as motion:
        assert isinstance(motion, ClipSource)
        assert motion.ids == tuple(c.clip.id for c in written)
        assert motion.index_of("clip-003") == 3
        assert same(motion[-1], written[-1])
        assert motion.clip(1).script == SCRIPT
        assert same(pickle.loads(pickle.dumps(motion))[1], written[1])
        with pytest.raises(IndexError):
            motion[4]
        assert (motion.fps, motion.face_model, motion.lengths.tolist()) == (25.0, "open-head-1", [1, 2, 0, 4])


def test_tokens_tell_their_tokenizer(tmp_path: Path) -> None:
    write(tmp_path / "t.h5", "tokens", items("tokens", 3))
    with open_tokens(tmp_path / "t.h5") as tokens:
        assert (tokens.num_codes, tokens.codes_per_frame, tokens.tokenizer_digest) == (64, 2, "12" * 32)
        assert tokens.terms == ("expression", "global_orient")
        assert tokens.tokens(2).codes.dtype == np.uint16


def test_nothing_at_all_is_an_artifact_too(tmp_path: Path) -> None:
    for kind in KINDS:
        write(tmp_path / f"{kind}.h5", kind, [])
        assert read(tmp_path / f"{kind}.h5", kind) == []
        assert verify(tmp_path / f"{kind}.h5") == []


def test_only_failed_clips(tmp_path: Path) -> None:
    failed = [items("motion", 3)[2]]
    write(tmp_path / "m.h5", "motion", failed)
    assert same(read(tmp_path / "m.h5", "motion")[0], failed[0])
    assert verify(tmp_path / "m.h5") == []


def test_report_keeps_its_floors(tmp_path: Path) -> None:
    header = write_report(tmp_path / "r.h5", REPORT, Making(seed=1))
    assert read_report(tmp_path / "r.h5") == REPORT
    assert read_header(tmp_path / "r.h5") == header
    with h5py.File(tmp_path / "r.h5") as file:
        assert set(file) == {"metrics", "mixed", "empty", "settings"}
