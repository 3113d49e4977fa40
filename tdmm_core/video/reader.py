"""Video files to frames: opening, refusing, and walking a file by its own time stamps.

Owns the sentences for files that cannot be read, or only in part. Frames are decoded one after another, so memory stays flat.
Knows nothing of what the frames show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.video.decoding import decode, promised, size_and_spans

_LIKELY = "expected a video file such as MP4 or MOV"
_FINER = 1.5
"Where source frames come this many times as fast as asked for, the nearest ones alone tell enough."


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
    by_decord: bool = True
    "Whether decord can open it and sees the same frames."
    promised: tuple[int, float] = (0, 0.0)
    "Frames and seconds that the file says it holds; 0 where it does not say."

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

    def telling_frames(self, fps: float) -> np.ndarray:
        """(M,) int64, rising: the source frames from which motion at a constant rate is made.

        These are the frames on both sides of every instant; where the source is much the faster, the nearest one of the two.
        """
        start = self.frame_times_s[0]
        instants = start + np.arange(max(1, round(self.duration_s * fps))) / fps
        after = np.searchsorted(self.frame_times_s, instants - 5e-7).clip(0, self.num_frames - 1)
        before = np.searchsorted(self.frame_times_s, instants + 5e-7, side="right").clip(1) - 1
        slow = self.frame_times_s[after] - self.frame_times_s[before] > 1 / (_FINER * fps)
        return np.unique(np.concatenate([self.frame_indices(fps), before[slow], after[slow]]))


def open_video(path: Path) -> Video:
    """Look at a video file: its size and the time of every frame, nothing decoded but the first.

    Raises InputError, in one sentence, for a file that is missing, empty, no video, or damaged from its beginning.
    """
    path = Path(path)
    _refuse_unreadable(path)
    found = size_and_spans(path)
    if found is None:
        raise InputError(_damaged(path))
    size, spans, by_decord = found
    starts = np.maximum.accumulate(spans[:, 0])
    # A file may give its last frame no duration, or one tick of its clock; the usual step stands in.
    usual = float(np.median(np.diff(starts))) if len(starts) > 1 else 1 / 25
    last = spans[-1, 1] - spans[-1, 0]
    end = float(starts[-1]) + float(last if last > usual / 4 else max(usual, 1e-3))
    return Video(path=path, size_px=size, frame_times_s=starts, end_s=end, by_decord=by_decord, promised=promised(path))


def read_frames(path: Path, *, fps: float = 25.0) -> Iterator[tuple[float, np.ndarray]]:
    """Walk a video at a constant rate: the source frame nearest in time to each instant.

    Yields (source time in seconds, (H, W, 3) uint8 RGB); a source frame comes twice where the source is slower. The time is
    the source frame's own, so a variable rate and repeated frames remain visible to the caller. Raises InputError where a frame cannot be decoded.
    """
    if not 0 < fps < 1000:
        raise InputError(f"fps: expected a rate between 0 and 1000, got {fps}")
    video = open_video(path)
    indices = video.frame_indices(fps)
    frames = decode(video.path, video.frame_times_s, np.unique(indices), by_decord=video.by_decord)
    cursor, frame = -1, None
    for index in indices.tolist():
        if cursor < index:
            cursor, frame = next(frames, (-1, None))
        if cursor != index:
            raise InputError(_damaged(video.path))
        yield float(video.frame_times_s[index]), frame


class SourceFrames:
    """The frames from which motion at a constant rate is made, each once, as far as they can be decoded; then, what could not be.

    Iterating yields (source time in seconds, (H, W, 3) uint8 RGB).
    """

    def __init__(self, video: Video, fps: float) -> None:
        self._video, self._wanted = video, video.telling_frames(fps)
        self._num_read, self._last = 0, -1

    def __len__(self) -> int:
        """Frames that there should be."""
        return len(self._wanted)

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        video = self._video
        for index, frame in decode(video.path, video.frame_times_s, self._wanted, by_decord=video.by_decord):
            self._num_read, self._last = self._num_read + 1, index
            yield float(video.frame_times_s[index]), frame

    @property
    def end_s(self) -> float:
        """When the last frame that could be read is over, by the file's own clock."""
        times = self._video.frame_times_s
        return self._video.end_s if self._last + 1 >= len(times) or self._last < 0 else float(times[self._last + 1])

    @property
    def complaint(self) -> str:
        """What is damaged, in one sentence, once the frames were walked; empty where all is well."""
        video, lost = self._video, len(self._wanted) - self._num_read
        if not self._num_read:
            return _damaged(video.path)
        missing = max(0, video.promised[0] - video.num_frames)
        if self._wanted[-1] > self._last or missing > 1 + 0.02 * video.num_frames:
            good, whole = self.end_s - video.frame_times_s[0], max(video.duration_s, video.promised[1]) if missing else video.duration_s
            return f"{video.path}: cut off or damaged after {good:.2f} of {whole:.2f} s; what comes before is fitted"
        return f"{video.path}: damaged; {lost} of {len(self._wanted)} frames could not be decoded" if lost else ""


def _refuse_unreadable(path: Path) -> None:
    """The questions that decoders answer badly are asked here first, and decord's native code sees only files that PyAV could open."""
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
