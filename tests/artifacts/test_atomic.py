"""Files that are complete or not there."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from artifact_cases import in_child

from tdmm_core.artifacts.atomic import atomic_path, check_place
from tdmm_core.errors import InputError, TdmmError


def test_written_whole_or_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.mp4"
    with atomic_path(path) as temporary:
        assert temporary.suffix == ".mp4" and temporary.parent == path.parent
        temporary.write_text("one")
        assert not path.exists()
    with pytest.raises(ZeroDivisionError), atomic_path(path) as temporary:
        temporary.write_text("two")
        raise ZeroDivisionError
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_text("old")

    def limited() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
        try:
            with atomic_path(path) as temporary:
                temporary.write_bytes(b"x" * 100)
        except TdmmError as e:
            return e.exit_code if "the disk is full" in str(e) else 9
        return 0

    assert in_child(limited) == 1
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="got a folder"), atomic_path(tmp_path) as temporary:
        temporary.touch()
    with pytest.raises(InputError, match="cannot be written"), atomic_path(tmp_path / "file" / "a.npz"):
        pass
    with pytest.raises(InputError, match="exists already; use --force"):
        check_place(tmp_path / "file")
    assert check_place(tmp_path / "file", force=True) == tmp_path / "file"
    assert check_place(tmp_path / "deep" / "er" / "a.npz").parent.is_dir()
    assert sorted(os.listdir(tmp_path)) == ["deep", "file"]


def test_errors_of_reading_inside_are_not_taken_for_errors_of_writing(tmp_path: Path) -> None:
    """A missing input inside the block must not be told as a place that cannot be written."""
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.npz"):
        (tmp_path / "missing-input").read_text()
