"""Shapes over time: onset, apex and offset, repetitions, smooth noise. Pure functions of arrays; knows no unit and no label."""

from __future__ import annotations

import numpy as np


def ease(x: np.ndarray) -> np.ndarray:
    """Smooth step: 0 below 0, 1 above 1, flat at both ends (fifth order, as muscle-driven rises look)."""
    x = np.clip(x, 0.0, 1.0)
    return x * x * x * (x * (6.0 * x - 15.0) + 10.0)


def hold(times: np.ndarray, start_s: np.ndarray, end_s: float, onset_s: float, offset_s: float | None) -> np.ndarray:
    """Rise from each `start_s` (n,), stay, and fall so as to be down at `end_s`; no fall where `offset_s` is None. -> (T, n)"""
    rise = ease((times[:, None] - start_s) / onset_s)
    if offset_s is None:
        return rise
    # Releases are skewed: quick at first, then a long tail.
    fall = ease(np.clip((times - (end_s - offset_s)) / offset_s, 0.0, 1.0) ** 0.85)
    return rise * (1.0 - fall)[:, None]


def pulses(times: np.ndarray, centres: np.ndarray, close_s: float, open_s: float) -> np.ndarray:
    """Bumps that reach 1 at each centre, rising over `close_s` and falling over `open_s`. -> (T,)"""
    if len(centres) == 0:
        return np.zeros(len(times))
    away = times[:, None] - centres
    bump = np.where(away < 0, ease(1.0 + away / close_s), ease(1.0 - away / open_s))
    return bump.max(axis=1)


def strokes(phase: np.ndarray, count: int, heights: np.ndarray) -> np.ndarray:
    """`count` one-sided strokes over phase 0 to 1, as nods are: each goes out and comes back. -> (T,)"""
    inside = (phase > 0) & (phase < 1)
    which = np.clip((phase * count).astype(int), 0, count - 1)
    return np.where(inside, np.sin(np.pi * count * phase) ** 2 * heights[which], 0.0)


def swings(phase: np.ndarray, count: int, heights: np.ndarray) -> np.ndarray:
    """`count` two-sided swings over phase 0 to 1, as head shakes are, first toward the positive side. -> (T,)"""
    inside = (phase > 0) & (phase < 1)
    which = np.clip((phase * count).astype(int), 0, count - 1)
    edge = ease(np.minimum(phase, 1.0 - phase) * count * 4.0)
    return np.where(inside, np.sin(2.0 * np.pi * count * phase) * heights[which] * edge, 0.0)


def smooth_noise(rng: np.random.Generator, times: np.ndarray, channels: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Unit-variance noise between two frequencies, made of sinusoids. -> (T, channels)"""
    count = 5
    hz = rng.uniform(low_hz, high_hz, (count, channels))
    phase = rng.uniform(0.0, 2.0 * np.pi, (count, channels))
    weight = rng.normal(0.0, 1.0, (count, channels))
    weight *= np.sqrt(2.0) / np.linalg.norm(weight, axis=0)
    waves = np.sin(2.0 * np.pi * times[:, None, None] * hz + phase)  # (T, count, channels)
    # noise[t, c] = sum_k weight[k, c] * waves[t, k, c]
    return np.einsum("tkc,kc->tc", waves, weight)


def steps(rng: np.random.Generator, times: np.ndarray, mean_hold_s: float, spread: float) -> np.ndarray:
    """Fixations in the plane that jump at random instants, over about two frames. -> (T, 2)"""
    count = int(times[-1] / (mean_hold_s * 0.4)) + 2
    jumps = np.cumsum(rng.gamma(3.0, mean_hold_s / 3.0, count))
    targets = rng.normal(0.0, spread, (count + 1, 2))
    where = np.searchsorted(jumps, times)
    path = targets[np.minimum(where, count)]
    path[1:-1] = 0.25 * path[:-2] + 0.5 * path[1:-1] + 0.25 * path[2:]
    return path
