"""Every file that is not what was asked for is refused in a sentence that says what it is and what to do."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from artifact_cases import MAKING, OPENERS, REPORT, in_child, items, read, same, write

from tdmm_core.artifacts import convert
from tdmm_core.artifacts.convert import converted
from tdmm_core.artifacts.header import parent_of, read_header
from tdmm_core.artifacts.motion import MotionFile, open_motion
from tdmm_core.artifacts.report import read_report, write_report
from tdmm_core.artifacts.schema import MOTION
from tdmm_core.artifacts.tokens import open_tokens
from tdmm_core.errors import InputError

READERS = {**OPENERS, "header": read_header, "report": read_report}


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    write(tmp_path / "m.h5", "motion", items("motion", 6))
    return tmp_path / "m.h5"


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_artifact(tmp_path: Path, reader: str) -> None:
    files = {"empty.h5": b"", "text.mp4": b"hello", "notes.h5": b"hello", "zip.h5": b"PK\3\4", "short.h5": b"\x89HDF\r\n\x1a\n" + b"\0" * 40}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    wanted = {
        "nowhere.h5": "no such file",
        "empty.h5": "an empty file",
        "text.mp4": "expected an HDF5 artifact of tdmm, got a video",
        "notes.h5": "expected an HDF5 artifact of tdmm, got something else",
        "zip.h5": "got an npz or zip file",
        "short.h5": "damaged",
        "other.h5": "an HDF5 file, but not one of tdmm",
    }
    for name, sentence in wanted.items():
        with pytest.raises(InputError, match=f"{name}: .*{sentence}"):
            READERS[reader](tmp_path / name)


def test_wrong_kind_names_the_command(tmp_path: Path, motion: Path) -> None:
    with pytest.raises(InputError, match="expected a tokens artifact, got a motion artifact; tdmm tokenize makes tokens"):
        open_tokens(motion)
    with pytest.raises(InputError, match="expected a report artifact, got a motion artifact; tdmm eval makes report"):
        read_report(motion)
    write_report(tmp_path / "r.h5", REPORT, MAKING)
    with pytest.raises(InputError, match=r"got a report artifact; tdmm fit"):
        open_motion(tmp_path / "r.h5")


def test_newer_version_names_the_tool(motion: Path) -> None:
    with h5py.File(motion, "a") as file:
        file.attrs["version"], file.attrs["tool"] = 9, "tdmm 7.1"
    with pytest.raises(InputError, match=r"motion version 9, written by tdmm 7\.1; .* reads up to version 1: upgrade"):
        open_motion(motion)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.95, 0.999])
def test_truncated(motion: Path, share: float) -> None:
    content = motion.read_bytes()
    motion.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"truncated|damaged"):
        open_motion(motion)


def test_missing_parts_are_named(motion: Path) -> None:
    for name in ("frames/transl", "clips/prompt"):
        copy = motion.with_name(name.replace("/", "-") + ".h5")
        copy.write_bytes(motion.read_bytes())
        with h5py.File(copy, "a") as file:
            del file[name]
        with pytest.raises(InputError, match=f"damaged: dataset {name} cannot be read"):
            read(copy, "motion")
    with h5py.File(motion, "a") as file:
        del file.attrs["config"]
    with pytest.raises(InputError, match="header is damaged"):
        open_motion(motion)


def test_damaged_numbers_name_the_clip(motion: Path) -> None:
    with h5py.File(motion, "a") as file:
        file["frames/expression"][2, 0] = np.inf
    with open_motion(motion) as found, pytest.raises(InputError, match="clip 'clip-001' is damaged: expression"):
        list(found)
    with h5py.File(motion, "a") as file:
        file["clips/start"][0] = 10**6
    with open_motion(motion) as found, pytest.raises(InputError, match="clip 'clip-000' reaches beyond the end of dataset frames/"):
        found.motion(0)


def test_any_damaged_byte_is_a_sentence(motion: Path) -> None:
    """Bytes turned over all through the file: read, or refused in a sentence; never another exception, never a crash."""
    content = motion.read_bytes()
    rng = np.random.default_rng(0)
    places = np.unique(np.concatenate([np.arange(0, 2500, 25), rng.integers(0, len(content), 100)]))

    def walk() -> int:
        for place in places:
            damaged = bytearray(content)
            damaged[place] ^= 0xFF
            motion.write_bytes(damaged)
            try:
                with open_motion(motion) as file:
                    list(file)
            except InputError:
                continue
        return 0

    assert in_child(walk) == 0


def test_parents(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"video")
    (tmp_path / "a.npz").write_bytes(b"PK")
    assert [parent_of(tmp_path / n).kind for n in ("a.mp4", "a.npz")] == ["video", "npz"]
    with pytest.raises(InputError, match="no such file"):
        parent_of(tmp_path / "nothing.h5")


def test_unreadable_file(motion: Path) -> None:
    motion.chmod(0)
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    locked = shutil.move(motion, folder)

    def refused() -> int:
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            open_motion(locked)
        except InputError as e:
            return 2 if "may not be read" in str(e) else 1
        return 0

    try:
        assert in_child(refused) == 2
    finally:
        shutil.rmtree(folder)


def test_older_version_is_read_through_the_chain(motion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third version that renamed `prompt` to `sentence`, after a second that renamed it to `caption`."""
    today = replace(MOTION, version=3)
    steps = {("motion", 1): {"clips/caption": "clips/prompt"}, ("motion", 2): {"clips/sentence": "clips/caption"}}
    assert converted(today, 1, steps) == {"clips/sentence": "clips/prompt"}
    assert converted(today, 2, steps) == {"clips/sentence": "clips/caption"}
    assert converted(today, 3, steps) == {}
    renamed = {"clips/prompt": "clips/caption"}
    monkeypatch.setattr(MotionFile, "schema", replace(MOTION, version=2))
    monkeypatch.setitem(convert.STEPS, ("motion", 1), renamed)
    with h5py.File(motion, "a") as file:
        file.move("clips/prompt", "clips/caption")
    assert all(same(a, b) for a, b in zip(open_motion(motion), items("motion", 6), strict=True))
