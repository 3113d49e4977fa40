"""The heaps in which HDF5 keeps texts, walked before HDF5 does: a damaged one can send the HDF5 library around in a circle for ever.

Owns the layout of a global heap collection (HDF5 file format specification 3.0, section III.E). Knows neither kinds nor columns.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

from tdmm_core.errors import InputError

_BEGIN = b"GCOL\x01\x00\x00\x00"
"Signature, version 1, three reserved bytes."
_SIZE = struct.Struct("<Q")
_OBJECT = struct.Struct("<HHIQ")
"Index (0: free space), number of references, reserved, bytes."


def check_heaps(path: Path) -> None:
    """Walk every heap of an HDF5 file, in one pass over its bytes. Raises InputError where one does not lead to its own end."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = content.find(_BEGIN)
        while start >= 0:
            end = _end(content, start)
            if end is None:
                raise InputError(f"{path}: damaged: its texts at byte {start} cannot be followed; copy it again or make it again")
            start = content.find(_BEGIN, end)


def _end(content: mmap.mmap, start: int) -> int | None:
    """Where the heap ends; None where its objects do not fill it."""
    place = start + len(_BEGIN) + _SIZE.size
    if place > len(content):
        return None
    end = start + _SIZE.unpack_from(content, start + len(_BEGIN))[0]
    if not place <= end <= len(content):
        return None
    while place + _OBJECT.size <= end:
        index, _, _, size = _OBJECT.unpack_from(content, place)
        taken = _OBJECT.size + (size + 7) // 8 * 8 if index else size
        if taken < _OBJECT.size:
            return None
        place += taken
    return end if place <= end else None
