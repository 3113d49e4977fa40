"""Pictures of a video file, decoded one after another: by decord while it can, by PyAV where decord cannot.

decord gives up on a damaged packet and knows fewer formats; PyAV steps over what cannot be decoded. Both turn pictures as the file asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

_SAME_S = 2e-3


def decode(path: Path, times_s: np.ndarray, wanted: np.ndarray, *, by_decord: bool) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (index, (H, W, 3) uint8 RGB) of the `wanted` indices, rising, among frames at (N,) `times_s`; what cannot be decoded is left out."""
    done = -1
    if by_decord:
        for index, frame in _by_decord(path, wanted):
            yield index, frame
            done = index
    rest = wanted[wanted > done]
    if len(rest):
        yield from _by_av(path, times_s, rest)


def _by_decord(path: Path, wanted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """As far as decord comes."""
    import decord

    cursor = -1
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        for index in wanted.tolist():
            if index - cursor > 1:
                reader.skip_frames(index - cursor - 1)
            yield index, reader.next().asnumpy()
            cursor = index
    except (decord.DECORDError, RuntimeError, IndexError, StopIteration):
        return


def _by_av(path: Path, times_s: np.ndarray, wanted: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Frames are known by their time, since some may be missing."""
    import av

    waiting = set(wanted.tolist())
    with av.open(str(path)) as container:
        for frame in _sound_frames(container):
            index = int(np.abs(times_s - frame.time).argmin())
            if index in waiting and abs(times_s[index] - frame.time) < _SAME_S:
                waiting.discard(index)
                yield index, _upright(frame)
            if not waiting:
                return


def _sound_frames(container: object) -> Iterator[object]:
    """Every frame that has a time and is whole; packets that cannot be decoded are stepped over."""
    import av

    stream = container.streams.video[0]  # type: ignore[attr-defined]
    packets = container.demux(stream)  # type: ignore[attr-defined]
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        yield from (f for f in frames if f.time is not None and not f.is_corrupt)


def _upright(frame: object) -> np.ndarray:
    picture = frame.to_ndarray(format="rgb24")  # type: ignore[attr-defined]
    return np.ascontiguousarray(np.rot90(picture, frame.rotation // 90))  # type: ignore[attr-defined]


def decord_index(path: Path) -> tuple[tuple[int, int], np.ndarray] | None:
    """Size (width, height) and (N, 2) begin and end of every frame in seconds as decord has them, or None where it cannot open the file."""
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        height, width = reader[0].shape[:2]
        return (int(width), int(height)), np.asarray([reader.get_frame_timestamp(i) for i in range(len(reader))], np.float64)
    except (decord.DECORDError, RuntimeError, IndexError):
        return None


def av_index(path: Path) -> tuple[tuple[int, int], np.ndarray] | None:
    """The same by PyAV, from packets alone; None where not one picture can be decoded."""
    import av

    try:
        with av.open(str(path)) as container:
            first = next(_sound_frames(container), None)
        with av.open(str(path)) as container:
            spans = sorted(_packet_spans(container))
    except av.FFmpegError:
        return None
    if first is None or not spans:
        return None
    height, width = _upright(first).shape[:2]
    return (width, height), np.asarray(spans, np.float64)


def _packet_spans(container: object) -> Iterator[tuple[float, float]]:
    import av

    packets = container.demux(container.streams.video[0])  # type: ignore[attr-defined]
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        if packet.pts is not None and packet.size:
            start = float(packet.pts * packet.time_base)
            yield start, start + float((packet.duration or 0) * packet.time_base)


def promised_frames(path: Path) -> int:
    """Frames that the file says it holds; 0 where it does not say."""
    import av

    with av.open(str(path)) as container:
        return int(container.streams.video[0].frames)
