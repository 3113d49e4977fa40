"""Frames to a video file: H.264 in MP4, the same bytes for the same frames. Knows nothing of what the frames show."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from tdmm_core.errors import InputError, TdmmError


def write_video(path: Path, frames: Iterable[np.ndarray], *, fps: float = 25.0, crf: int = 18) -> int:
    """Write (H, W, 3) uint8 RGB frames to an MP4 file and return their number.

    Frames are taken one at a time; an odd height or width is padded by repeating its last row or column. The file appears
    under its name only when it is whole. Raises InputError for no frames, frames of another shape, or a place that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".mp4":
        raise InputError(f"{path}: expected a name ending in .mp4, got {path.suffix or 'no suffix'!r}")
    if not 0 < fps < 1000:
        raise InputError(f"fps: expected a rate between 0 and 1000, got {fps}")
    with _placed(path) as part:
        return _encode(part, iter(frames), Fraction(fps).limit_denominator(30_000), crf)


@contextlib.contextmanager
def _placed(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, moved over `path` when the block ends well and removed when it does not."""
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        with part.open("rb") as f:
            os.fsync(f.fileno())
        part.replace(path)
    except OSError as e:
        if e.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TdmmError(f"{path}: the disk is full; make room or choose another place, then run the same command again") from e
        raise InputError(f"{path}: cannot be written ({e.strerror or e}); check that the folder exists") from e
    finally:
        part.unlink(missing_ok=True)


def _encode(part: Path, frames: Iterator[np.ndarray], rate: Fraction, crf: int) -> int:
    import av

    first = next(frames, None)
    if first is None:
        raise InputError("video: expected at least one frame, got none")
    shape, count = _even(first).shape, 0
    with av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = shape[1], shape[0], "yuv420p"
        # Several encoder threads would make the bytes depend on the machine, and x264's macroblock tree now and then reads memory that nobody
        # wrote: with it, one run in a hundred gave other bytes for small pictures.
        stream.options = {"crf": str(crf), "preset": "veryfast", "threads": "1", "x264-params": "mbtree=0"}
        for frame in _chain(first, frames):
            picture = _even(frame)
            if picture.shape != shape:
                raise InputError(f"video frame {count}: expected {shape[1]}x{shape[0]}, got {picture.shape[1]}x{picture.shape[0]}")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            count += 1
        container.mux(stream.encode())
    return count


def _chain(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest


def _even(frame: np.ndarray) -> np.ndarray:
    """The frame, contiguous, with even height and width, as 4:2:0 colour asks."""
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise InputError(f"video frame: expected (height, width, 3) uint8, got {frame.shape} {frame.dtype}")
    odd = ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0))
    return np.ascontiguousarray(np.pad(frame, odd, mode="edge"))
