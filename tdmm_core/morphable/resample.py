"""A motion at another rate, by its time stamps: numbers and rotations between the two frames around each instant, short gaps bridged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.domain.motion import BRIDGED, FRAME_TERMS, HELD, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle

BRIDGE_S = 0.4
"Longest gap that is interpolated; in longer ones the last known frame is held."
_ROTATIONS = {"global_orient", "jaw_pose", "neck_pose", "eye_pose"}


def resample(motion: FaceMotion, fps: float) -> FaceMotion:
    """The motion at `fps` frames a second from its first frame to its last; `source_time_s` says when each instant was in the source.

    Frames lie at the source times where the motion has them, evenly where not. An instant far from every frame with a face is BRIDGED in gaps of
    up to BRIDGE_S, HELD in longer ones and at the ends. Raises InputError where no frame has a face or times do not grow.
    """
    times = np.arange(motion.num_frames) / motion.fps if motion.source_time_s is None else motion.source_time_s
    if (np.diff(times) <= 0).any():
        raise InputError("motion: expected source times that grow from frame to frame; give its rate with --source-fps")
    instants = times[0] + np.arange(int(np.floor((times[-1] - times[0]) * fps + 1e-6)) + 1) / fps
    status, known = _status(motion, times, instants, fps), np.flatnonzero(motion.status != HELD)
    if not len(known):
        raise InputError("motion: expected at least one frame with a face, got none")
    place = _Place(times[known], instants, status)
    terms = {}
    for name in ("expression", *FRAME_TERMS):
        values = getattr(motion, name)
        if values is not None:
            terms[name] = place.rotations(values[known]) if name in _ROTATIONS else place.numbers(values[known])
    return replace(motion, **terms, status=status, source_time_s=instants, fps=fps)


def _status(motion: FaceMotion, times: np.ndarray, instants: np.ndarray, fps: float) -> np.ndarray:
    """(T,) uint8: the nearest frame's, unless a gap lies between; short gaps bridged."""
    after = np.searchsorted(times, instants).clip(0, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(instants - times[before] <= times[after] - instants, before, after)
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 1 / fps
    status = motion.status[nearest].copy()
    status[np.abs(times[nearest] - instants) > max(0.75 * usual, 0.5 / fps)] = HELD
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (status == HELD).astype(np.int8), [0]])))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        if start > 0 and stop < len(status) and stop - start <= BRIDGE_S * fps + 1e-9:
            status[start:stop] = BRIDGED
    return status


class _Place:
    """Where each instant lies among the known frames."""

    def __init__(self, times: np.ndarray, instants: np.ndarray, status: np.ndarray) -> None:
        self.after = np.searchsorted(times, instants).clip(1, max(1, len(times) - 1)) if len(times) > 1 else np.zeros(len(instants), int)
        self.before = np.maximum(self.after - 1, 0)
        span = np.where(self.after > self.before, times[self.after] - times[self.before], 1.0)
        self.share = ((instants - times[self.before]) / span).clip(0, 1)
        self.share[(status == HELD) & (self.share < 1)] = 0.0

    def numbers(self, values: np.ndarray) -> np.ndarray:
        """(T, P) between (K, P)."""
        share = self.share[:, None]
        return (values[self.before] * (1 - share) + values[self.after] * share).astype(np.float32)

    def rotations(self, values: np.ndarray) -> np.ndarray:
        """(T, 3 n) axis-angle along the shortest arcs between (K, 3 n)."""
        matrices = axis_angle_to_matrix(values.astype(np.float64).reshape(len(values), -1, 3))  # (K, n, 3, 3)
        first, second = matrices[self.before], matrices[self.after]
        arc = matrix_to_axis_angle(np.swapaxes(first, -1, -2) @ second) * self.share[:, None, None]
        return matrix_to_axis_angle(first @ axis_angle_to_matrix(arc)).reshape(len(self.share), -1).astype(np.float32)
