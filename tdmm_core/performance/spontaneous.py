"""What a face does by itself: blinks, small gaze shifts, sway and breathing. These are no events; sentences never name them."""

from __future__ import annotations

import numpy as np

from tdmm_core.performance.actor import Actor
from tdmm_core.performance.envelopes import pulses, smooth_noise, steps

_SHIFT_S, _LEAST_SHIFT_DEG = 0.16, 8.0
"Half of the time within which a shift of sight happens, and how large one must be to count."


def blinks(rng: np.random.Generator, times: np.ndarray, actor: Actor, free: np.ndarray, sight_deg: np.ndarray) -> np.ndarray:
    """Lid closure (T,) by spontaneous blinks of 5 to 7 frames, only where `free` (T,) lets one begin and end.

    They come at the actor's rate and with large shifts of `sight_deg` (T, 2), where head and eyes together look: nearly always with shifts of 33
    degrees and more, rarely with small ones (C. Evinger et al., 1994).
    """
    count = rng.poisson(actor.blink_hz * times[-1])
    wanted = [*rng.uniform(0.2, max(times[-1] - 0.25, 0.21), count), *_shifts(rng, times, sight_deg, actor.freedom)]
    centres: list[float] = []
    for centre in np.sort(wanted):
        around = free[(times > centre - 0.2) & (times < centre + 0.25)]
        if around.all() and (not centres or centre - centres[-1] > 0.6):
            centres.append(float(centre))
    depth = rng.uniform(0.85, 1.0)
    return depth * pulses(times, np.array(centres), rng.uniform(0.08, 0.11), rng.uniform(0.14, 0.19))


def _shifts(rng: np.random.Generator, times: np.ndarray, sight_deg: np.ndarray, freedom: float) -> list[float]:
    """Instants of the large shifts of sight that a blink goes with."""
    reach = max(1, round(_SHIFT_S / (times[1] - times[0]))) if len(times) > 1 else 1
    if freedom == 0 or len(times) <= 2 * reach:
        return []
    moved = np.linalg.norm(sight_deg[2 * reach :] - sight_deg[: -2 * reach], axis=1)
    top = np.flatnonzero((moved[1:-1] >= moved[:-2]) & (moved[1:-1] > moved[2:]) & (moved[1:-1] > _LEAST_SHIFT_DEG)) + 1
    taken = rng.random(len(top)) < freedom * np.clip((moved[top] - _LEAST_SHIFT_DEG) / 25.0, 0.05, 0.9)
    return [float(times[t + reach]) for t in top[taken]]


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
