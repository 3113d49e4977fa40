"""Digests: equal where the content is, whatever the order, the pieces and the places; different where one bit is."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from artifact_cases import MAKING, face_motion, items, motion_clip, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdmm_core.artifacts.columns import ColumnStore
from tdmm_core.artifacts.digest import canonical_json, root_digest, row_digest
from tdmm_core.artifacts.header import Making, Parent
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.schema import MOTION
from tdmm_core.domain.clip import MotionClip


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(range(8)), st.integers(1, 9))
def test_order_and_pieces_do_not_matter(tmp_path: Path, order: list[int], block_size: int) -> None:
    written = items("motion", 8)
    whole = write(tmp_path / "a.h5", "motion", written, force=True, resume=False)
    other = write(tmp_path / "b.h5", "motion", [written[i] for i in order], block_size=block_size, force=True, resume=False)
    assert other.digest == whole.digest


def test_union_of_shards_is_the_whole(tmp_path: Path) -> None:
    """Shards hold all clips between them, each with the digest that it has in the whole; from those alone the whole's digest follows."""
    written = items("motion", 9)
    whole = write(tmp_path / "whole.h5", "motion", written)
    digests, union = [], []
    for i in range(3):
        write(tmp_path / f"{i}.h5", "motion", written[i::3])
        with open_motion(tmp_path / f"{i}.h5") as shard:
            digests += list(shard.columns.texts("digest"))
            union += list(shard)
    assert root_digest("motion", 1, MAKING.config, digests) == whole.digest
    assert write(tmp_path / "union.h5", "motion", union).digest == whole.digest


def test_places_names_and_times_are_no_part(tmp_path: Path) -> None:
    clip = motion_clip(1)
    moved = replace(clip, source="elsewhere/a.mp4")
    first = write(tmp_path / "a.h5", "motion", [clip])
    renamed = replace(MAKING, recipe="mine", parents=(Parent(kind="corpus", digest="ab" * 32, name="other.h5"),))
    assert write(tmp_path / "b.h5", "motion", [moved], making=renamed).digest == first.digest


CHANGES = {
    "frame": lambda c: replace(c, motion=replace(c.motion, transl=c.motion.transl + np.float32(1e-6))),
    "fps": lambda c: replace(c, motion=replace(c.motion, fps=30.0)),
    "face model": lambda c: replace(c, motion=replace(c.motion, face_model_digest="00")),
    "expression names": lambda c: replace(c, motion=replace(c.motion, expression_names=("a", "b", "c"))),
    "a term more": lambda c: replace(c, motion=replace(c.motion, eyelids=np.zeros((2, 2)))),
    "a term less": lambda c: replace(c, motion=replace(c.motion, source_time_s=None)),
    "shape": lambda c: replace(c, motion=replace(c.motion, shape=c.motion.shape * 2)),
    "prompt": lambda c: replace(c, clip=replace(c.clip, prompt="other")),
    "text moved to the next column": lambda c: replace(c, clip=replace(c.clip, label="", category=c.clip.label)),
    "quality": lambda c: replace(c, quality=replace(c.quality, num_held=9)),
    "camera": lambda c: replace(c, camera=None),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_shows(tmp_path: Path, change: str) -> None:
    clip = motion_clip(1)
    assert write(tmp_path / "a.h5", "motion", [clip]).digest != write(tmp_path / "b.h5", "motion", [CHANGES[change](clip)]).digest


def test_config_shows_and_seed_alone_does_not(tmp_path: Path) -> None:
    """The seed is told by what it leads to."""
    clip = [motion_clip(1)]
    digests = {
        name: write(tmp_path / f"{name}.h5", "motion", clip, making=making).digest
        for name, making in {"plain": Making(), "config": Making(config={"a": 1}), "seed": Making(seed=5)}.items()
    }
    assert digests["plain"] != digests["config"]
    assert digests["plain"] == digests["seed"]


def test_digest_by_hand(tmp_path: Path) -> None:
    """The documented recipe, followed with nothing but hashlib and the file's columns."""
    write(tmp_path / "a.h5", "motion", [motion_clip(1)])
    total = hashlib.sha256()

    def add(name: str, content: bytes) -> None:
        total.update(name.encode() + b"\0" + len(content).to_bytes(8, "little") + content)

    with open_motion(tmp_path / "a.h5") as motion:
        columns: ColumnStore = motion.columns
        row = columns.row(0)
        add("shared", canonical_json(row.shared).encode())
        for column in MOTION.clips:
            if column.in_digest:
                value = row.values[column.name]
                add(column.name, value.encode() if isinstance(value, str) else np.asarray(value, column.dtype).tobytes())
        for column in MOTION.frames:
            if column.name in row.frames:
                add("frames/" + column.name, np.asarray(row.frames[column.name], column.dtype).tobytes())
        assert total.hexdigest() == row_digest(MOTION, row) == columns.text("digest", 0)


def test_a_clip_alone_has_the_digest_it_has_among_others(tmp_path: Path) -> None:
    """Optional columns that only others have do not touch it."""
    alone = MotionClip(clip=motion_clip(0).clip, motion=face_motion(3))
    other = replace(motion_clip(1), motion=face_motion(2, jaw_pose=np.zeros((2, 3))))
    write(tmp_path / "a.h5", "motion", [alone])
    write(tmp_path / "b.h5", "motion", [alone, other])
    with open_motion(tmp_path / "a.h5") as a, open_motion(tmp_path / "b.h5") as b:
        assert a.columns.text("digest", 0) == b.columns.text("digest", 0)
        assert b.motion(0).jaw_pose is None
        assert np.array_equal(b.motion(1).jaw_pose, np.zeros((2, 3)))
