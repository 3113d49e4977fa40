"""New HDF5 files, written through a file object of our own.

HDF5 itself does not survive a full disk: it complains on stderr, cannot close the file and may crash. So it is never told: the sink keeps the first
failure, swallows what comes after it, and the failure is raised once HDF5 has closed the file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

_ALIGNED_FROM, _ALIGNMENT = 1024, 64
"""Columns begin at multiples of a cache line, so that they can be mapped into memory as numbers."""
_KEPT_BYTES = 1 << 18
"Longest write that is kept after a failure: HDF5's own tables are shorter, and frames need not be kept."


@contextmanager
def create_hdf5(path: Path) -> Iterator[h5py.File]:
    """A new HDF5 file to fill. Raises OSError, after the file was closed, where the disk refused a write."""
    with path.open("w+b", buffering=0) as raw:
        sink = _Sink(raw)
        try:
            with h5py.File(sink, "w", alignment_threshold=_ALIGNED_FROM, alignment_interval=_ALIGNMENT) as file:
                yield file
        finally:
            if sink.failure is not None:
                raise sink.failure


class _Sink(io.RawIOBase):
    """A raw file that fails silently, once and for all: what HDF5 writes after that stays in memory, so that it reads back its own bookkeeping."""

    def __init__(self, raw: io.FileIO) -> None:
        super().__init__()
        self._raw = raw
        self._kept: list[tuple[int, bytes]] = []
        self.failure: OSError | None = None

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def readinto(self, buffer: memoryview) -> int:
        if self.failure is None:
            return self._raw.readinto(buffer)
        start, view = self.tell(), memoryview(buffer).cast("B")
        view[:] = self._raw.read(len(view)).ljust(len(view), b"\0")
        for place, content in self._kept:
            first, last = max(place, start), min(place + len(content), start + len(view))
            if first < last:
                view[first - start : last - start] = content[first - place : last - place]
        self.seek(start + len(view))
        return len(view)

    def write(self, content: bytes) -> int:
        start, view = self.tell(), memoryview(content).cast("B")
        written = 0
        while self.failure is None and written < len(view):
            try:
                written += self._raw.write(view[written:]) or 0
            except OSError as e:
                self.failure = e
        if self.failure is not None:
            if len(view) <= _KEPT_BYTES:
                self._kept.append((start, bytes(view)))
            self.seek(start + len(view))
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._raw.truncate(size)
        except OSError as e:
            self.failure = self.failure or e
            return size or 0
