"""Glances: eyes held to one side, from the eight look units, and what of a gaze is the eyes' own while the head turns. Knows no label.

Eyes that turn against the head to keep looking ahead are no glance: the part of a gaze that a head turn can account for is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.performance.runs import Hysteresis, find_runs
from tdmm_core.performance.units import INDEX

DIRECTIONS = ("left", "right", "up", "down")
LONG_S = 12.0
"A longer take holds many things; its rest is where it mostly is, not where it begins."
_PLACES = ("OutLeft", "InRight", "InLeft", "OutRight", "UpLeft", "UpRight", "DownLeft", "DownRight")
_GLANCE, _LOW = 0.2, 0.5
"Least share of the full gaze, and the share of it at which a glance begins and ends."
_GAP_S = 0.12
_COUNTER_DEG, _COUNTER = 35.0, 0.6
"Eyes may take back up to this share of a turn of the head; so many degrees are a full gaze."


@dataclass(frozen=True, kw_only=True)
class GazeEvent:
    """One thing that the eyes do."""

    pattern: str
    "glance, sidelong, raised, measure (up, then down), read, roll, circle, dart, sweep, crossed or diverged."
    direction: str
    "Of a glance: left, right, up, down; else empty."
    start_s: float
    end_s: float
    reach: float
    "Share of the full gaze."
    count: int = 1


def gaze_curves(curves: np.ndarray) -> np.ndarray:
    """(T, 2): toward the subject's left, upward, as shares of the full gaze, from units (T, 52)."""
    out_left, in_right, in_left, out_right, *vertical = (curves[:, INDEX[f"eyeLook{place}"]] for place in _PLACES)
    up_left, up_right, down_left, down_right = vertical
    return np.stack([0.5 * (out_left + in_right - in_left - out_right), 0.5 * (up_left + up_right - down_left - down_right)], axis=1)


def own_gaze(look: np.ndarray, turned_deg: np.ndarray) -> np.ndarray:
    """The gaze (T, 2) without what may be keeping the eyes ahead while the head turns."""
    against = _COUNTER * np.stack([-turned_deg[:, 1], turned_deg[:, 0]], axis=1) / _COUNTER_DEG
    taken = np.where(look * against > 0, np.minimum(np.abs(look), np.abs(against)), 0.0)
    return np.sign(look) * (np.abs(look) - taken)


def glances(own: np.ndarray, fps: float) -> list[GazeEvent]:
    """Every stretch in which the eyes are held to one side, from a gaze (T, 2), left and up."""
    sides = np.maximum(np.stack([own[:, 0], -own[:, 0], own[:, 1], -own[:, 1]], axis=1), 0.0)
    high = np.full(4, _GLANCE)
    runs = find_runs(sides, Hysteresis(high=high, low=_LOW * high, gap_s=_GAP_S), fps)
    return [GazeEvent(pattern="glance", direction=DIRECTIONS[r.column], start_s=r.onset_s, end_s=r.end_s, reach=min(r.height, 1.0)) for r in runs]
