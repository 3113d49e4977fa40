"""Motions put one after the other without a seam: what the next one lacks to go on where the last one was, it sheds within half a second.

Inertialization (D. Bollo, GDC 2018): place and speed at the joint are those of the motion before, and their difference dies away along the smoothest
curve (minimum jerk, Flash and Hogan 1985). Nothing before the joint is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tdmm_core.domain.motion import FRAME_TERMS, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle

SHED_S = 0.56
"How long the next motion takes to be itself; shorter where it is shorter."
_ALIKE = ("fps", "face_model", "face_model_digest", "expression_names")
_TURNS = ("global_orient", "jaw_pose", "neck_pose", "eye_pose")


def joined(parts: Sequence[FaceMotion]) -> FaceMotion:
    """One motion of the parts in order, on the face of the first. Raises InputError where they are of different kinds, or there is none."""
    if not parts:
        raise InputError("motion: expected at least one part, got none")
    whole = parts[0]
    for part in parts[1:]:
        differs = next((n for n in _ALIKE if getattr(part, n) != getattr(whole, n)), None)
        if differs is not None:
            raise InputError(f"motion: expected parts of one {differs}, got several")
        whole = _after(whole, part)
    return whole


def _after(first: FaceMotion, second: FaceMotion) -> FaceMotion:
    frames = min(second.num_frames, max(2, round(SHED_S * second.fps)))
    terms = {}
    for name in ("expression", *FRAME_TERMS):
        before, after = getattr(first, name), getattr(second, name)
        if before is None or after is None:
            continue
        shed = _shed_turns if name in _TURNS else _shed_numbers
        terms[name] = np.concatenate([before, shed(before, after, frames)]).astype(np.float32)
    terms["expression"] = np.clip(terms["expression"], 0, 1) if first.expression.min() >= 0 and first.expression.max() <= 1 else terms["expression"]
    return replace(first, **terms, status=np.concatenate([first.status, second.status]), source_time_s=None)


def _shed_numbers(before: np.ndarray, after: np.ndarray, frames: int) -> np.ndarray:
    """(T, P) `after`, its first frames moved so that they go on where `before` was."""
    speed = before[-1] - before[-2] if len(before) > 1 else np.zeros_like(before[-1])
    own = after[1] - after[0] if len(after) > 1 else np.zeros_like(after[0])
    out = after.astype(np.float64).copy()
    out[:frames] += _dying(before[-1] + speed - after[0], speed - own, frames)
    return out


def _shed_turns(before: np.ndarray, after: np.ndarray, frames: int) -> np.ndarray:
    """(T, 3 n) axis-angle: as numbers, along the shortest arc between where the one would go on and where the other begins."""
    past, coming = (axis_angle_to_matrix(m.astype(np.float64).reshape(len(m), -1, 3)) for m in (before, after))  # (T, n, 3, 3)
    step = past[-1] @ _back(past[-2]) if len(past) > 1 else np.broadcast_to(np.eye(3), past[-1].shape)
    own = coming[1] @ _back(coming[0]) if len(coming) > 1 else np.broadcast_to(np.eye(3), coming[0].shape)
    gap = matrix_to_axis_angle(step @ past[-1] @ _back(coming[0]))  # (n, 3)
    speed = matrix_to_axis_angle(step) - matrix_to_axis_angle(own)
    arcs = axis_angle_to_matrix(_dying(gap.reshape(-1), speed.reshape(-1), frames).reshape(frames, -1, 3))
    coming[:frames] = arcs @ coming[:frames]
    return matrix_to_axis_angle(coming).reshape(len(after), -1)


def _dying(gap: np.ndarray, speed: np.ndarray, frames: int) -> np.ndarray:
    """(frames, P): a difference of `gap` that changes by `speed` a frame at first, and of which nothing is left after `frames`."""
    s = (np.arange(frames) / frames)[:, None]
    return gap * (1 - 10 * s**3 + 15 * s**4 - 6 * s**5) + frames * speed * (s - 6 * s**3 + 8 * s**4 - 3 * s**5)


def _back(rotation: np.ndarray) -> np.ndarray:
    return np.swapaxes(rotation, -1, -2)
