"""Video files to frames: opening, refusing, and walking a file at a constant rate by its own time stamps.

Owns decord and the sentences for files that cannot be read. Frames are decoded one after another, so memory stays flat.
Knows nothing of what the frames show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdmm_core.errors import InputError

_LIKELY = "expected a video file such as MP4 or MOV"


@dataclass(frozen=True, kw_only=True, eq=False)
class Video:
    """What is known of a video file before its frames are decoded."""

    path: Path
    size_px: tuple[int, int]
    "Width, height, as displayed."
    frame_times_s: np.ndarray
    "(N,) float64, when each frame appears, by the file's own clock; never decreasing."
    end_s: float
    "When the last frame is over."

    @property
    def num_frames(self) -> int:
        return len(self.frame_times_s)

    @property
    def duration_s(self) -> float:
        return self.end_s - float(self.frame_times_s[0])

    @property
    def fps(self) -> float:
        """Frames per second by the time stamps; the mean where the rate varies."""
        return self.num_frames / self.duration_s

    def frame_indices(self, fps: float) -> np.ndarray:
        """(T,) int64, never decreasing: the source frame nearest in time to each instant of a constant rate."""
        start = self.frame_times_s[0]
        instants = start + np.arange(max(1, round(self.duration_s * fps))) / fps  # (T,)
        after = np.searchsorted(self.frame_times_s, instants).clip(1, max(1, self.num_frames - 1))
        if self.num_frames == 1:
            return np.zeros(len(instants), np.int64)
        # Half a microsecond in favour of the earlier frame: rounding must not choose between equals.
        nearer = instants - self.frame_times_s[after - 1] <= self.frame_times_s[after] - instants + 5e-7
        return np.where(nearer, after - 1, after)


def open_video(path: Path) -> Video:
    """Look at a video file: its size and the time of every frame, nothing decoded but the first.

    Raises InputError, in one sentence, for a file that is missing, empty, no video, or damaged.
    """
    return _open(Path(path))[1]


def read_frames(path: Path, *, fps: float = 25.0) -> Iterator[tuple[float, np.ndarray]]:
    """Walk a video at a constant rate: the source frame nearest in time to each instant.

    Yields (source time in seconds, (H, W, 3) uint8 RGB); a source frame comes twice where the source is slower. The time is
    the source frame's own, so a variable rate and repeated frames remain visible to the caller.
    """
    if not 0 < fps < 1000:
        raise InputError(f"fps: expected a rate between 0 and 1000, got {fps}")
    reader, video = _open(Path(path))
    cursor, frame = -1, None
    for index in video.frame_indices(fps):
        while cursor < index:
            frame, cursor = _next(reader, video.path), cursor + 1
        yield float(video.frame_times_s[index]), frame.asnumpy()


def _open(path: Path) -> tuple[object, Video]:
    _refuse_unreadable(path)
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        height, width = reader[0].shape[:2]
        spans = np.asarray([reader.get_frame_timestamp(i) for i in range(len(reader))], np.float64)  # (N, 2)
        reader.seek(0)
    except (decord.DECORDError, RuntimeError, IndexError) as e:
        raise InputError(_damaged(path)) from e
    starts = np.maximum.accumulate(spans[:, 0])
    # A file may give no duration for its last frame; the usual step stands in.
    usual = float(np.median(np.diff(starts))) if len(starts) > 1 else 1 / 25
    last = spans[-1, 1] - spans[-1, 0]
    end = float(starts[-1]) + float(last if last > 1e-4 else max(usual, 1e-3))
    return reader, Video(path=path, size_px=(int(width), int(height)), frame_times_s=starts, end_s=end)


def _next(reader: object, path: Path) -> object:
    import decord

    try:
        return reader.next()  # type: ignore[attr-defined]
    except (decord.DECORDError, RuntimeError, StopIteration) as e:
        raise InputError(_damaged(path)) from e


def _refuse_unreadable(path: Path) -> None:
    """The questions that decord answers badly are asked here first, and its native code sees only files that PyAV could open."""
    if path.is_dir():
        raise InputError(f"{path}: {_LIKELY}, got a folder")
    try:
        with path.open("rb") as f:
            empty = not f.read(1)
    except FileNotFoundError as e:
        raise InputError(f"{path}: no such file; {_LIKELY}") from e
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror}); {_LIKELY}") from e
    if empty:
        raise InputError(f"{path}: {_LIKELY}, got an empty file")
    _probe(path)


def _probe(path: Path) -> None:
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise InputError(f"{path}: {_LIKELY}, got one without a picture track")
            if next(container.decode(video=0), None) is None:
                raise InputError(_damaged(path))
    except av.FFmpegError as e:
        raise InputError(f"{path}: {_LIKELY}, got {_looks_like(path)}") from e


def _looks_like(path: Path) -> str:
    with path.open("rb") as f:
        head = f.read(512)
    if b"ftyp" in head[:16] or head[:4] in (b"RIFF", b"\x1aE\xdf\xa3"):
        return "a video that is cut off or damaged; copy it again from its source"
    try:
        head.decode("utf-8")
    except UnicodeDecodeError:
        return "a file of another or unknown format"
    return "a text file"


def _damaged(path: Path) -> str:
    return f"{path}: expected a whole video, got one that is cut off or damaged; copy it again, or mend it with: ffmpeg -i {path.name} mended.mp4"
