"""Damaged texts: whatever is wrong with the heaps that hold them, verification ends, and says so."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tdmm_core.artifacts.heaps import check_heaps
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError

GOLDEN = Path(__file__).with_name("golden")
PATIENCE_S = 60


def fields(content: bytes) -> Iterator[tuple[int, int]]:
    """Place and width of every number in the heaps: sizes of the whole, index and size of each object."""
    start = content.find(b"GCOL")
    while start >= 0:
        yield start + 8, 8
        end = start + struct.unpack_from("<Q", content, start + 8)[0]
        place = start + 16
        while place + 16 <= end:
            index, _, _, size = struct.unpack_from("<HHIQ", content, place)
            yield from ((place, 2), (place + 8, 8))
            place += 16 + (size + 7) // 8 * 8 if index else size
        start = content.find(b"GCOL", end)


def damaged(content: bytes) -> Iterator[bytes]:
    for place, width in fields(content):
        for value in (bytes(width), b"\xff" * width, (1).to_bytes(width, "little")):
            yield content[:place] + value + content[place + width :]


@pytest.mark.parametrize("kind", ["corpus", "motion", "tokens", "text", "report"])
def test_whole_heaps_are_left_alone(kind: str) -> None:
    check_heaps(GOLDEN / f"{kind}-v1.h5")


def test_an_object_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    """Index and size 0: HDF5 itself would look at this object for ever."""
    content = (GOLDEN / "motion-v1.h5").read_bytes()
    place = content.find(b"GCOL") + 16
    (tmp_path / "m.h5").write_bytes(content[:place] + bytes(16) + content[place + 16 :])
    with pytest.raises(InputError, match="its texts at byte"):
        verify(tmp_path / "m.h5")


@pytest.mark.parametrize("kind", ["report", "text"])
def test_verification_always_ends(tmp_path: Path, kind: str) -> None:
    """Every number of every heap, set to 0, 1 and its largest: a child process goes through all of them before its alarm rings."""
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE_S)
        for content in damaged((GOLDEN / f"{kind}-v1.h5").read_bytes()):
            (tmp_path / "m.h5").write_bytes(content)
            try:
                verify(tmp_path / "m.h5")
            except InputError:
                continue
            except BaseException:
                os._exit(1)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
