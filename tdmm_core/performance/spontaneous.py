"""What a face does by itself: blinks, small gaze shifts, sway and breathing. These are no events; sentences never name them."""

from __future__ import annotations

import numpy as np

from tdmm_core.performance.actor import Actor
from tdmm_core.performance.envelopes import pulses, smooth_noise, steps


def blinks(rng: np.random.Generator, times: np.ndarray, actor: Actor, free: np.ndarray) -> np.ndarray:
    """Lid closure (T,) by spontaneous blinks of 5 to 7 frames, only where `free` (T,) lets one begin and end."""
    count = rng.poisson(actor.blink_hz * times[-1])
    centres: list[float] = []
    for centre in np.sort(rng.uniform(0.2, max(times[-1] - 0.25, 0.21), count)):
        around = free[(times > centre - 0.2) & (times < centre + 0.25)]
        if around.all() and (not centres or centre - centres[-1] > 0.6):
            centres.append(float(centre))
    depth = rng.uniform(0.85, 1.0)
    return depth * pulses(times, np.array(centres), rng.uniform(0.08, 0.11), rng.uniform(0.14, 0.19))


def gaze(rng: np.random.Generator, times: np.ndarray, actor: Actor) -> np.ndarray:
    """Small shifts of gaze (T, 2): toward the left, upward, as shares of the full gaze."""
    shift = steps(rng, times, rng.uniform(0.6, 1.6), actor.gaze_spread)
    return shift * np.array([1.0, 0.6]) + actor.freedom * rng.normal(0.0, [0.03, 0.04])


def head(rng: np.random.Generator, times: np.ndarray, actor: Actor) -> np.ndarray:
    """Pitch, yaw, roll in degrees (T, 3): a resting pose, slow sway, a trace of faster motion, breathing."""
    sway = smooth_noise(rng, times, 3, 0.08, 0.5) * actor.sway_deg * np.array([0.9, 1.0, 0.6])
    quick = smooth_noise(rng, times, 3, 0.8, 2.0) * actor.sway_deg * 0.08
    breath = 0.35 * actor.freedom * np.sin(2.0 * np.pi * (rng.uniform(0.2, 0.32) * times + rng.random()))
    pose = sway + quick + actor.rest_head_deg + actor.freedom * rng.normal(0.0, 0.8, 3)
    pose[:, 0] += breath
    return pose
