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


def size_and_spans(path: Path) -> tuple[tuple[int, int], np.ndarray, bool] | None:
    """Size (width, height), (N, 2) begin and end of every frame by the file's own clock in seconds, and whether decord sees the same frames.

    None where not one picture can be decoded.
    """
    size, spans, theirs = _first_size(path), _spans(path), _decord_spans(path)
    if size is None or not len(spans) + len(theirs):
        return None
    if not len(spans):
        return size, theirs, True
    return size, spans, len(theirs) == len(spans)


def _first_size(path: Path) -> tuple[int, int] | None:
    import av

    with av.open(str(path)) as container:
        first = next(_sound_frames(container), None)
    if first is None:
        return None
    height, width = _upright(first).shape[:2]
    return width, height


def _spans(path: Path) -> np.ndarray:
    """(N, 2) from packets alone; none where the container gives its packets no times."""
    import av

    with av.open(str(path)) as container:
        spans = sorted(_packet_spans(container))
    return np.asarray(spans, np.float64).reshape(-1, 2)


def _decord_spans(path: Path) -> np.ndarray:
    """(N, 2) as decord has them, which begin at zero in every file; none where it cannot open the file."""
    import decord

    decord.logging.set_level(decord.logging.QUIET)
    try:
        reader = decord.VideoReader(str(path), num_threads=1)
        return np.asarray([reader.get_frame_timestamp(i) for i in range(len(reader))], np.float64).reshape(-1, 2)
    except (decord.DECORDError, RuntimeError, IndexError):
        return np.zeros((0, 2))


def _packet_spans(container: object) -> Iterator[tuple[float, float]]:
    import av

    packets = container.demux(container.streams.video[0])  # type: ignore[attr-defined]
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        if packet.pts is not None and packet.size and not packet.is_discard:
            start = float(packet.pts * packet.time_base)
            yield start, start + float((packet.duration or 0) * packet.time_base)


def promised(path: Path) -> tuple[int, float]:
    """Frames and seconds of film that the file says it holds; 0 where it does not say."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return int(stream.frames), float(stream.duration * stream.time_base) if stream.duration else 0.0
