"""Paths in the plane that go round: circling heads and circling eyes. Knows neither head nor eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_LEAST_TURN, _CUT_OFF = 0.62, 0.15
"Least part of a full turn, and what starting and ending near the middle hides of it."
_STRAIGHT = 0.75
"Least share of all turning that goes the same way."
_GAP_S, _SHORTEST_S = 0.12, 0.5


@dataclass(frozen=True, kw_only=True)
class Orbit:
    """A stretch in which a path goes round."""

    start_s: float
    end_s: float
    turns: int
    radius: float
    "Typical distance from the middle."


def orbits(path: np.ndarray, least_radius: float, fps: float) -> list[Orbit]:
    """Every stretch in which the path (T, 2) keeps away from the middle and goes round it by most of a turn or more."""
    radius = np.hypot(path[:, 0], path[:, 1])
    phase = np.unwrap(np.arctan2(path[:, 1], path[:, 0]))
    away = np.flatnonzero(radius > least_radius)
    if len(away) == 0:
        return []
    found = []
    for part in np.split(away, np.flatnonzero(np.diff(away) > _GAP_S * fps) + 1):
        first, last = int(part[0]), int(part[-1])
        turned, moved = abs(phase[last] - phase[first]), np.abs(np.diff(phase[first : last + 1])).sum()
        if last - first >= _SHORTEST_S * fps and turned > 2.0 * np.pi * _LEAST_TURN and turned > _STRAIGHT * moved:
            turns = max(1, round(turned / (2.0 * np.pi) + _CUT_OFF))
            found.append(Orbit(start_s=first / fps, end_s=(last + 1) / fps, turns=turns, radius=float(np.median(radius[first : last + 1]))))
    return found
