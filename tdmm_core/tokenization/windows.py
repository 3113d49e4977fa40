"""Training windows from many clips: which frames, how varied. Knows no network.

Clips are read when they are drawn, so memory does not grow with the corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import HELD, FaceMotion
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_sixd
from tdmm_core.tokenization.ends import Ends, held
from tdmm_core.tokenization.roaming import roamed

Window = dict[str, np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Clips:
    """Motions that can be read one at a time, and how long each is."""

    read: Callable[[int], FaceMotion]
    lengths: np.ndarray
    "(C,) frames, above 0."

    def rows(self, frames: int) -> np.ndarray:
        """(R,) clip of each row of the training set: a clip has a row for every `frames` frames begun."""
        return np.repeat(np.arange(len(self.lengths)), -(-self.lengths // frames))


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How windows are cut and varied."""

    frames: int
    encoder_reach: int
    decoder_reach: int
    mirror_share: float = 0.0
    borrow_share: float = 0.0
    blend_share: float = 0.0
    roam_share: float = 0.0
    code_ends: Ends = held
    "Which codes stand beyond the ends of a clip."

    @property
    def reach(self) -> int:
        return self.encoder_reach + self.decoder_reach


def varied_window(clips: Clips, clip: int, sampling: Sampling, random: np.random.Generator) -> Window:
    """A window of a clip at a random place; by chance with another clip's head rotation, part of its expression, free units, in a mirror."""
    motion, other = clips.read(clip), clips.read(int(random.integers(len(clips.lengths))))
    start = _start(motion, sampling, random)
    window = cut(motion, start, sampling)
    shares = (sampling.mirror_share, sampling.borrow_share, sampling.blend_share, sampling.roam_share)
    mirrored, borrowed, blended, free = random.random(4) < shares
    amount = np.float32(random.uniform(0.2, 1.0))
    places = _places(start, motion.num_frames, sampling.frames, sampling.reach, held)
    foreign = cut(other, _start(other, sampling, random), sampling)
    if borrowed:
        window = window | {"sixd": foreign["sixd"][places]}
    if blended:
        window = window | {"expression": np.clip(window["expression"] + amount * foreign["expression"][places], 0, 1)}
    if free:
        window = window | {"expression": roamed(window["expression"], mirrored_units(motion.expression_names), random)[places]}
    return mirror(window, motion.expression_names) if mirrored else window


def whole_clip_windows(motion: FaceMotion, sampling: Sampling) -> list[Window]:
    """A clip cut without overlap into windows, unvaried."""
    return [cut(motion, start, sampling) for start in range(0, motion.num_frames, sampling.frames)]


def cut(motion: FaceMotion, start: int, sampling: Sampling) -> Window:
    """One window from frame `start`, with context; first and last frame are held beyond the clip, and frames of status HELD do not count."""
    last = motion.num_frames - 1
    frames = np.arange(start, start + sampling.frames)
    seen = _places(start, motion.num_frames, sampling.frames, sampling.reach, held) + start - sampling.reach
    inside = frames <= last
    return {
        "expression": motion.expression[seen],
        "sixd": matrix_to_sixd(axis_angle_to_matrix(motion.global_orient[seen])),
        "code_index": _places(start, motion.num_frames, sampling.frames, sampling.decoder_reach, sampling.code_ends),
        "counted": inside & (motion.status[np.minimum(frames, last)] != HELD),
    }


def _places(start: int, length: int, frames: int, reach: int, ends: Ends) -> np.ndarray:
    """(frames + 2 reach,) int64: the place within the window that each of its frames is taken from, by what stands beyond a clip's ends."""
    first = start - reach
    places = ends(np.arange(first, start + frames + reach), length) - first
    return np.clip(places, 0, frames + 2 * reach - 1)  # what lies outside the window is seen only by frames beyond the clip


def stack(windows: Sequence[Window]) -> Window:
    """Windows of equal shapes as one batch."""
    return {name: np.stack([w[name] for w in windows]) for name in windows[0]}


def _start(motion: FaceMotion, sampling: Sampling, random: np.random.Generator) -> int:
    return int(random.integers(0, max(motion.num_frames - sampling.frames, 0) + 1))


def mirror(window: Window, names: Sequence[str]) -> Window:
    """Left and right change places: units by their names, the head's turn and tilt by their sign."""
    return window | {
        "expression": window["expression"][:, mirrored_units(tuple(names))],
        "sixd": window["sixd"] * np.array([1, -1, -1, -1, 1, 1], np.float32),
    }


def mirrored_units(names: tuple[str, ...]) -> np.ndarray:
    """(E,) index of each unit's counterpart; units without a side are their own."""
    place = {name: i for i, name in enumerate(names)}
    swapped = [n[:-4] + "Right" if n.endswith("Left") else n[:-5] + "Left" if n.endswith("Right") else n for n in names]
    return np.array([place.get(s, i) for i, s in enumerate(swapped)], np.int64)
