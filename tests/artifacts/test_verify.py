"""Verification finds what is damaged and names it; golden files of every version are read for ever."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from artifact_cases import MAKING, OPENERS, REPORT, items, read, same, write

from tdmm_core.artifacts.columns import ColumnStore
from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.report import read_report, write_report
from tdmm_core.artifacts.schema import MOTION
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError

GOLDEN = Path(__file__).with_name("golden")
DIGESTS = {
    "corpus": "f2648fbea94a1483ce757d07def5af22d551e8fc85cccc2d6bac50067ef29f65",
    "motion": "d85dc4354846244db2d73c57483ee4f0470365ea7c5485d404204a4973c7308d",
    "tokens": "9fe82752dee836355c9e83b25168fa5a0816a298395e8e980de20993d054c53e",
    "text": "67296f1e5e49eb369b16b10a8dfe7a0dd78e016302586e957045f4d292ad2210",
    "report": "4264d96865d3ae2c34fb721e90dd163ef0eceddeaec97db942435f28e9b0baf6",
}


def test_every_damaged_frame_is_found_and_its_clip_named(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    written = items("motion", 5)
    write(path, "motion", written)
    content = path.read_bytes()
    columns = ColumnStore(path, MOTION)
    starts, lengths = columns.numbers("start").tolist(), columns.numbers("length").tolist()
    rng = np.random.default_rng(0)
    with h5py.File(path) as file:
        offsets = {n: (file["frames"][n].id.get_offset(), file["frames"][n].nbytes // sum(lengths)) for n in ("expression", "transl", "status")}
    for offset, width in offsets.values():
        for i, (start, length) in enumerate(zip(starts, lengths, strict=True)):
            if length:
                damaged = bytearray(content)
                damaged[offset + start * width + rng.integers(length * width)] ^= 1 << int(rng.integers(8))
                path.write_bytes(damaged)
                problems = verify(path)
                assert len(problems) == 1
                assert f"clip 'clip-{i:03d}' is damaged" in problems[0] or f"clip {f'clip-{i:03d}'!r}" in problems[0]


@pytest.mark.parametrize("change", ["prompt", "fps", "config", "digest", "length", "root"])
def test_damage_outside_the_frames_is_found(tmp_path: Path, change: str) -> None:
    path = tmp_path / "m.h5"
    write(path, "motion", items("motion", 4))
    with h5py.File(path, "a") as file:
        match change:
            case "prompt":
                file["clips/prompt"][1] = "another"
            case "fps":
                file.attrs["fps"] = 30.0
            case "config":
                file.attrs["config"] = "{}"
            case "digest":
                file["clips/digest"][0] = "zz"
            case "length":
                file["clips/length"][1] = 1
            case "root":
                file.attrs["digest"] = "00"
    problems = verify(path)
    assert problems
    if change in ("prompt", "length"):
        assert all("'clip-001'" in p for p in problems)


def test_report_and_corpus_videos(tmp_path: Path) -> None:
    write_report(tmp_path / "r.h5", REPORT, MAKING)
    with h5py.File(tmp_path / "r.h5", "a") as file:
        file["metrics/1"][0] = 0.25
    assert len(verify(tmp_path / "r.h5")) == 1
    (tmp_path / "c.videos").mkdir()
    video = tmp_path / "c.videos" / "0.mp4"
    video.write_bytes(b"moving pictures")
    clip = replace(items("corpus", 1)[0], source_digest=hashlib.sha256(b"moving pictures").hexdigest())
    write(tmp_path / "c.h5", "corpus", [clip])
    assert verify(tmp_path / "c.h5") == []
    video.write_bytes(b"moving Pictures")
    assert "its video" in verify(tmp_path / "c.h5")[0]
    video.unlink()
    assert "is missing" in verify(tmp_path / "c.h5")[0]


def test_what_is_no_artifact_is_no_problem_but_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        verify(tmp_path / "nothing.h5")


@pytest.mark.parametrize("kind", DIGESTS)
def test_golden_files_are_read_for_ever(tmp_path: Path, kind: str) -> None:
    path = shutil.copy(GOLDEN / f"{kind}-v1.h5", tmp_path)
    assert read_header(path).digest == DIGESTS[kind]
    assert verify(path) == []
    if kind == "report":
        assert read_report(path) == REPORT
    else:
        found, wanted = read(path, kind), items(kind, 4)
        assert len(found) == 4
        assert all(same(a, b) for a, b in zip(found, wanted, strict=True))


def test_writers_still_give_the_golden_digests(tmp_path: Path) -> None:
    for kind in OPENERS:
        assert write(tmp_path / f"{kind}.h5", kind, items(kind, 4)).digest == DIGESTS[kind]
    assert write_report(tmp_path / "r.h5", REPORT, MAKING).digest == DIGESTS["report"]
