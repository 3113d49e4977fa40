"""Where the eyes go: glances held aside, rolls, darting and crossed eyes, from the eight look units. Knows no label.

Eyes that turn against the head to keep looking ahead are no glance: the part of a gaze that a head turn can account for is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import find_peaks

from tdmm_core.performance.runs import Hysteresis, find_runs
from tdmm_core.performance.units import INDEX

DIRECTIONS = ("left", "right", "up", "down")
_PLACES = ("OutLeft", "InRight", "InLeft", "OutRight", "UpLeft", "UpRight", "DownLeft", "DownRight")
_GLANCE, _LOW = 0.2, 0.5
"Least share of the full gaze, and the share of it at which a glance begins and ends."
_GAP_S = 0.12
_COUNTER_DEG, _COUNTER = 35.0, 0.6
"Eyes may take back up to this share of a turn of the head; so many degrees are a full gaze."
_CROSSED = 0.3
_ROLL_UP, _ROLL_ASIDE, _LONGEST_ROLL_S = 0.55, 0.3, 2.6
_DART, _DART_HALF_S = 0.35, 1.3
"Least swing of darting eyes to each side, and the longest time between sides."


@dataclass(frozen=True, kw_only=True)
class GazeEvent:
    """One thing that the eyes do."""

    pattern: str
    "glance, roll, dart or crossed."
    direction: str
    "Of a glance: left, right, up, down; else empty."
    start_s: float
    end_s: float
    reach: float
    "Share of the full gaze."


def gaze_curves(curves: np.ndarray) -> np.ndarray:
    """(T, 2): toward the subject's left, upward, as shares of the full gaze, from units (T, 52)."""
    out_left, in_right, in_left, out_right, *vertical = (curves[:, INDEX[f"eyeLook{place}"]] for place in _PLACES)
    up_left, up_right, down_left, down_right = vertical
    return np.stack([0.5 * (out_left + in_right - in_left - out_right), 0.5 * (up_left + up_right - down_left - down_right)], axis=1)


def gaze_events(curves: np.ndarray, turned_deg: np.ndarray, fps: float) -> tuple[GazeEvent, ...]:
    """Events of the eyes from units (T, 52) and pitch, yaw, roll of the head away from rest (T, 3), degrees."""
    look = median_filter(gaze_curves(curves), size=(max(1, round(0.1 * fps)) | 1, 1), mode="nearest")
    look = look - _rest(look, fps)
    events = [*_crossed(curves, fps), *_darts(look[:, 0], fps), *_rolls(look, fps)]
    taken = np.zeros(len(look), bool)
    for e in events:
        taken[int(e.start_s * fps) : int(np.ceil(e.end_s * fps)) + 1] = True
    events += _glances(np.where(taken[:, None], 0.0, _own(look, turned_deg)), fps)
    return tuple(sorted(events, key=lambda e: (e.start_s, e.pattern, e.direction)))


def _rest(look: np.ndarray, fps: float) -> np.ndarray:
    """(2,): where the eyes begin, within what small shifts reach."""
    return np.clip(look[: max(1, round(0.12 * fps))].mean(axis=0), -0.1, 0.1)


def _own(look: np.ndarray, turned_deg: np.ndarray) -> np.ndarray:
    """The gaze (T, 2) without what may be keeping the eyes ahead while the head turns."""
    against = _COUNTER * np.stack([-turned_deg[:, 1], turned_deg[:, 0]], axis=1) / _COUNTER_DEG
    taken = np.where(look * against > 0, np.minimum(np.abs(look), np.abs(against)), 0.0)
    return np.sign(look) * (np.abs(look) - taken)


def _glances(own: np.ndarray, fps: float) -> list[GazeEvent]:
    sides = np.maximum(np.stack([own[:, 0], -own[:, 0], own[:, 1], -own[:, 1]], axis=1), 0.0)
    high = np.full(4, _GLANCE)
    runs = find_runs(sides, Hysteresis(high=high, low=_LOW * high, gap_s=_GAP_S), fps)
    return [GazeEvent(pattern="glance", direction=DIRECTIONS[r.column], start_s=r.onset_s, end_s=r.end_s, reach=min(r.height, 1.0)) for r in runs]


def _crossed(curves: np.ndarray, fps: float) -> list[GazeEvent]:
    inward = np.minimum(curves[:, INDEX["eyeLookInLeft"]], curves[:, INDEX["eyeLookInRight"]])[:, None]
    runs = find_runs(inward, Hysteresis(high=np.array([_CROSSED]), low=np.array([0.5 * _CROSSED]), gap_s=_GAP_S), fps)
    return [GazeEvent(pattern="crossed", direction="", start_s=r.onset_s, end_s=r.end_s, reach=min(r.height, 1.0)) for r in runs]


def _darts(left: np.ndarray, fps: float) -> list[GazeEvent]:
    """Three or more sides in turn."""
    sides = sorted((int(p), s) for s in (1, -1) for p in find_peaks(np.pad(s * left, 1), height=_DART, prominence=_DART, plateau_size=1)[0] - 1)
    rows: list[list[tuple[int, int]]] = []
    for place in sides:
        if rows and place[1] != rows[-1][-1][1] and place[0] - rows[-1][-1][0] < _DART_HALF_S * fps:
            rows[-1].append(place)
        else:
            rows.append([place])
    events = []
    for row in rows:
        if len(row) >= 3:
            half = (row[-1][0] - row[0][0]) / (len(row) - 1) / 2
            reach = float(np.median([abs(left[p]) for p, _ in row]))
            start, end = max(0.0, row[0][0] - half) / fps, min(len(left) - 1.0, row[-1][0] + half) / fps
            events.append(GazeEvent(pattern="dart", direction="", start_s=start, end_s=end, reach=min(1.0, reach)))
    return events


def _rolls(look: np.ndarray, fps: float) -> list[GazeEvent]:
    """The eyes go over the top from one side to the other."""
    up = np.maximum(look[:, 1:], 0.0)
    events = []
    for r in find_runs(up, Hysteresis(high=np.array([_ROLL_UP]), low=np.array([0.15]), gap_s=_GAP_S), fps):
        if r.end_s - r.onset_s > _LONGEST_ROLL_S:
            continue
        first, apex, last = int(r.onset_s * fps), round(r.apex_s * fps), min(len(look), int(np.ceil(r.end_s * fps)) + 1)
        before, after = look[first : apex + 1, 0], look[apex:last, 0]
        for sign in (1.0, -1.0):
            if (sign * before).max() > _ROLL_ASIDE and (-sign * after).max() > _ROLL_ASIDE:
                events.append(GazeEvent(pattern="roll", direction="", start_s=r.onset_s, end_s=r.end_s, reach=min(1.0, r.height)))
    return events
