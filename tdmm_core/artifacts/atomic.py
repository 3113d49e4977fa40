"""Files that are complete or not there: written beside their place, flushed to disk, then renamed.

Owns what a failed write is called in a sentence. Knows no format.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tdmm_core.errors import InputError, TdmmError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path with the same suffix beside `path`; rename it to `path` when the block ends well.

    The folder is made where it is missing. When the block fails, nothing is left and an older `path` stays as it was.
    Raises TdmmError for a full disk and InputError for a place that cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        with write_errors(path):
            make_folder(path.parent)
            if path.is_dir():
                raise InputError(f"{path}: expected a file name to write, got a folder")
            yield temporary
            flush_to_disk(temporary)
            os.replace(temporary, path)
            flush_to_disk(path.parent)
    finally:
        remove(temporary)


def remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed while writing `path` left beside it."""
    for temporary in path.parent.glob(f".{path.stem}.[0-9]*.tmp{path.suffix}"):
        remove(temporary)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing `path` into sentences."""
    try:
        yield
    except (OSError, RuntimeError) as e:
        told = _told(path, e)
        if told is None:
            raise
        raise told from e


def _told(path: Path, error: OSError | RuntimeError) -> TdmmError | None:
    code = _error_number(error)
    if not _is_about(path, getattr(error, "filename", None)):
        return None
    if code in _FULL:
        return TdmmError(
            f"{path}: the disk is full ({os.strerror(code)}); make room or choose another place with -o, then run the same command again"
        )
    if code in _REFUSED:
        return InputError(f"{path}: this place cannot be written ({os.strerror(code)}); choose another one with -o")
    if isinstance(error, (FileNotFoundError, NotADirectoryError, FileExistsError, IsADirectoryError)) and code:
        return InputError(f"{path}: cannot be written here ({os.strerror(code)}: {error.filename}); choose another place with -o")
    return None


def _is_about(path: Path, name: object) -> bool:
    """Whether an error that names a file, or none, is about writing `path`, not about something else that was read meanwhile."""
    beside = (str(path), str(path.with_name(f".{path.stem}.")))
    return name is None or Path(str(name)) in path.parents or str(name).startswith(beside)


def _error_number(error: OSError | RuntimeError) -> int | None:
    """The operating system's number; HDF5 hides it in its own text."""
    hidden = re.search(r"errno = (\d+)", str(error))
    return int(hidden.group(1)) if hidden else getattr(error, "errno", None)


def make_folder(folder: Path) -> None:
    """Make `folder` and its parents where they are missing. Raises InputError where that is refused."""
    with write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)


def flush_to_disk(path: Path) -> None:
    """Wait until a file's bytes, or a folder's names, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as e:
        if not path.is_dir() or e.errno in _FULL:
            raise
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a whole folder, there or not; what cannot be removed stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def check_artifact_name(path: Path) -> None:
    """Raises InputError unless the name is an artifact's, so that nobody takes it for something else."""
    if path.suffix.lower() not in (".h5", ".hdf5"):
        raise InputError(f"{path}: expected an output name ending in .h5, got {path.suffix or 'no suffix'!r}")


def check_place(path: Path | str, *, force: bool = False) -> Path:
    """Check before expensive work that `path` may be written: its folder can be made and written, and nothing is lost.

    Raises InputError where the file exists without `force`, is a folder, or the folder refuses new files.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path}: expected a file name to write, got a folder")
    if path.exists() and not force:
        raise InputError(f"{path}: exists already; use --force to replace it, or another name with -o")
    make_folder(path.parent)
    probe = path.with_name(f".{path.stem}.{os.getpid()}.probe")
    try:
        with write_errors(path):
            probe.touch()
    finally:
        remove(probe)
    return path
