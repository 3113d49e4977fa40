"""Opening files that may be anything: the sentences for paths that are not there, empty, no HDF5, truncated or damaged.

Knows neither kinds nor headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from tdmm_core.errors import InputError

VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"})
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_ZIP_SIGNATURE = b"PK"


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open for reading. Raises InputError that says what `path` is when it is no whole HDF5 file."""
    file = open_file(path)
    try:
        yield file
    finally:
        file.close()


def open_file(path: Path) -> h5py.File:
    """As `open_hdf5`, for the caller to close."""
    _check_signature(path)
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError, KeyError) as e:
        if "truncated" in str(e):
            raise InputError(f"{path}: truncated: its end is missing ({path.stat().st_size} bytes are here); copy it again or make it again") from e
        raise InputError(f"{path}: damaged: its HDF5 structure cannot be read ({_first_line(e)}); copy it again or make it again") from e


@contextmanager
def damage(path: Path, what: str) -> Iterator[None]:
    """Turn what h5py raises on damaged bytes into a sentence that names them."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as e:
        raise InputError(f"{path}: damaged: {what} cannot be read ({_first_line(e)}); copy it again or make it again") from e


def check_exists(path: Path) -> None:
    """Raises InputError where there is no file, or an empty one."""
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{path}: an empty file")
    except PermissionError as e:
        raise InputError(f"{path}: may not be read; check the permissions of its folders") from e


def _check_signature(path: Path) -> None:
    check_exists(path)
    if path.is_dir():
        raise InputError(f"{path}: a folder; expected an HDF5 artifact")
    if is_hdf5(path):
        return
    what = "a video" if path.suffix.lower() in VIDEO_SUFFIXES else "an npz or zip file" if is_zip(path) else "something else"
    raise InputError(f"{path}: expected an HDF5 artifact of tdmm, got {what}; tdmm info FILE tells what a file is")


def is_hdf5(path: Path) -> bool:
    """Whether the file begins as HDF5 does."""
    return path.is_file() and _starts_with(path, _HDF5_SIGNATURE)


def is_zip(path: Path) -> bool:
    """Whether the file begins as zip, and so npz, does."""
    return path.is_file() and _starts_with(path, _ZIP_SIGNATURE)


def _starts_with(path: Path, signature: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(signature)) == signature
    except PermissionError as e:
        raise InputError(f"{path}: may not be read; check its permissions") from e


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:160]
