"""A first look at a video: can it be read, and does it show anything? Whether it shows what was asked for is not judged here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.video.reader import Video, open_video, read_frames

_LOOKS = 6
_FLAT = 2.0
"Standard deviation of the brightness, of 255, below which a picture shows nothing."
_STILL = 6.0
"Difference, of 255, that one pixel in a thousand must exceed: an encoder changes a picture that stands still by 1 or 2, evenly."


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a video is."""

    fps: float
    num_frames: int
    size_px: tuple[int, int]


def whole(video: Video) -> bool:
    """Whether a video holds as many frames as it says."""
    return video.num_frames >= video.promised[0]


def examine(path: Path) -> Seen:
    """Look at some frames of a video. Raises InputError where it cannot be read, is cut off, of one plain colour, or never changes."""
    video = open_video(path)
    if not whole(video):
        raise InputError(f"{path}: is cut off: {video.num_frames} of {video.promised[0]} frames are there")
    rate = min(999.0, max(_LOOKS / video.duration_s, 1e-3))
    looks = [frame.astype(np.int16) for _, frame in read_frames(path, fps=rate)]
    if max(float(frame.mean(axis=2).std()) for frame in looks) < _FLAT:
        raise InputError(f"{path}: shows one plain colour and nothing else")
    if video.num_frames > 1 and max(float(np.percentile(np.abs(frame - looks[0]), 99.9)) for frame in looks) < _STILL:
        raise InputError(f"{path}: shows a picture that never changes")
    return Seen(fps=round(video.fps, 3), num_frames=video.num_frames, size_px=video.size_px)
