"""The errors of a fit, drawn by chance: true motion as it would come back from a film of it, without filming.

Whoever reads motion is to read fitted motion too, and to film and fit a corpus for training takes days. What a fit does wrong is mostly one thing:
it shrinks (a unit comes back at some two thirds of its strength, by a factor that stays the same throughout a clip), rests a little beside
neutral, and sees the head turned by a constant few degrees; what trembles is small. Knows no film.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from tdmm_core.runtime.seeding import stream

_GAIN, _GAIN_SPREAD = 0.68, 0.2
"Share of a unit's strength that comes back, over the units of a clip."
_REST = 0.05
"Mean of what a unit shows that is not there, all through a clip."
_TREMBLE, _TREMBLE_S = 0.02, 0.12
"Standard deviation of a unit's passing error, and how long it takes to pass."
_TURN_DEG = (2.0, 1.2, 1.3)
"Standard deviation of the constant error of pitch, yaw and roll."
_QUIVER_DEG = 0.3


def disturbed(motion: FaceMotion, *, amount: float, seed: int) -> FaceMotion:
    """The motion with `amount` times the usual error of a fit: 0 leaves it as it is, 1 is what `tdmm fit` makes of a film, 2 the most.

    Equal seeds give equal errors. Only units and the head's rotation are touched. Raises InputError for motion whose units are not 0 to 1.
    """
    if not 0 <= amount <= 2:
        raise InputError(f"fitting noise: expected 0 to 2, got {amount}")
    if motion.jaw_pose is not None:
        raise InputError(f"fitting noise: expected motion in units of 0 to 1, got face model {motion.face_model}; carry it over first")
    if amount == 0:
        return motion
    rng, units = stream(seed, "disturbance"), motion.expression.shape[1]
    gain = 1 + amount * (rng.normal(_GAIN, _GAIN_SPREAD, units).clip(0.2, 1.15) - 1)
    rest = amount * rng.exponential(_REST, units)
    tremble = amount * _TREMBLE * _slow(rng, motion.num_frames, units, motion.fps)
    expression = (motion.expression * gain + rest + tremble).clip(0, 1)
    return replace(motion, expression=expression.astype(np.float32), global_orient=_turned(motion, amount, rng))


def _turned(motion: FaceMotion, amount: float, rng: np.random.Generator) -> np.ndarray:
    """(T, 3) the head's rotation, seen from a wrong side and with a quiver."""
    constant = np.radians(rng.normal(0, _TURN_DEG))
    quiver = np.radians(_QUIVER_DEG) * _slow(rng, motion.num_frames, 3, motion.fps)
    error = axis_angle_to_matrix((amount * (constant + quiver)).astype(np.float64))
    return matrix_to_axis_angle(error @ axis_angle_to_matrix(motion.global_orient.astype(np.float64))).astype(np.float32)


def _slow(rng: np.random.Generator, frames: int, channels: int, fps: float) -> np.ndarray:
    """(T, channels) noise of standard deviation 1 that changes within `_TREMBLE_S`."""
    width = max(_TREMBLE_S * fps / 2, 0.5)
    noise = gaussian_filter1d(rng.normal(0, 1, (frames + round(8 * width), channels)), width, axis=0)[:frames]
    return noise * np.sqrt(2 * width * np.sqrt(np.pi))
