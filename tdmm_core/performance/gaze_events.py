"""Where the eyes go: glances held aside, rolls, circles, darting, sweeping and reading, crossed eyes, by the look units. Knows no label."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import find_peaks

from tdmm_core.performance.gaze_compounds import compounds
from tdmm_core.performance.gaze_glances import LONG_S, GazeEvent, gaze_curves, glances, own_gaze
from tdmm_core.performance.orbits import orbits
from tdmm_core.performance.runs import Hysteresis, find_runs
from tdmm_core.performance.units import INDEX

_GAP_S = 0.12
_APART = (0.3, 0.18)
"Least turn of both eyes in, and out: eyes that look aside never turn both out."
_CIRCLE = 0.22
_ROLL_UP, _ROLL_ASIDE, _LONGEST_ROLL_S = 0.55, 0.3, 2.6
_DART, _DART_HALF_S, _SWEEP_HALF_S = 0.35, 0.66, 2.4
"Least swing to each side, the longest time between sides of eyes that dart, and of eyes that sweep."
_PAGE = -0.13
"Eyes that go to and fro further below than this read."
_MIDDLE, _SMOOTH = 0.6, 0.27
"Within this share of its reach a gaze is on its way; darting eyes are that less of the time than sweeping ones."


def gaze_events(curves: np.ndarray, turned_deg: np.ndarray, fps: float) -> tuple[GazeEvent, ...]:
    """Events of the eyes from units (T, 52) and pitch, yaw, roll of the head away from rest (T, 3), degrees."""
    look = median_filter(gaze_curves(curves), size=(max(1, round(0.1 * fps)) | 1, 1), mode="nearest")
    look = look - _rest(look, fps)
    events = [*_each_its_own_way(curves, fps), *_circles(look, fps)]
    _blank(look, events, fps)
    events += [*_to_and_fro(look, fps), *_rolls(look, fps)]
    _blank(look, events, fps)
    held = glances(own_gaze(look, turned_deg), fps)
    events += compounds(held, look, curves, turned_deg, fps)
    return tuple(sorted(events, key=lambda e: (e.start_s, e.pattern, e.direction)))


def _blank(look: np.ndarray, events: list[GazeEvent], fps: float) -> None:
    """Take what is explained out of the gaze, in place."""
    for e in events:
        look[int(e.start_s * fps) : int(np.ceil(e.end_s * fps)) + 1] = 0.0


def _rest(look: np.ndarray, fps: float) -> np.ndarray:
    """(2,): where the eyes begin, within what small shifts reach; in a long take, where they mostly are."""
    if len(look) > LONG_S * fps:
        return np.median(look, axis=0)
    return np.clip(look[: max(1, round(0.12 * fps))].mean(axis=0), -0.1, 0.1)


def _each_its_own_way(curves: np.ndarray, fps: float) -> list[GazeEvent]:
    """Eyes that both turn in, or both out."""
    pairs = [[INDEX[f"eyeLook{way}{side}"] for side in ("Left", "Right")] for way in ("In", "Out")]
    both = np.stack([curves[:, pair].min(axis=1) for pair in pairs], axis=1)
    runs = find_runs(both, Hysteresis(high=np.array(_APART), low=0.5 * np.array(_APART), gap_s=_GAP_S), fps)
    names = ("crossed", "diverged")
    return [GazeEvent(pattern=names[r.column], direction="", start_s=r.onset_s, end_s=r.end_s, reach=min(r.height, 1.0)) for r in runs]


def _circles(look: np.ndarray, fps: float) -> list[GazeEvent]:
    return [
        GazeEvent(pattern="circle", direction="", start_s=o.start_s, end_s=o.end_s, reach=min(1.0, o.radius), count=o.turns)
        for o in orbits(look, _CIRCLE, fps)
    ]


def _to_and_fro(look: np.ndarray, fps: float) -> list[GazeEvent]:
    """Eyes that dart from side to side, or sweep: two sides or more in turn, dwelling at them or always on the way; at no page below."""
    left = look[:, 0]
    sides = sorted((int(p), s) for s in (1, -1) for p in find_peaks(np.pad(s * left, 1), height=_DART, prominence=_DART, plateau_size=1)[0] - 1)
    rows: list[list[tuple[int, int]]] = []
    for place in sides:
        if rows and place[1] != rows[-1][-1][1] and place[0] - rows[-1][-1][0] < _SWEEP_HALF_S * fps:
            rows[-1].append(place)
        else:
            rows.append([place])
    level = [row for row in rows if len(row) >= 2 and np.median(look[row[0][0] : row[-1][0] + 1, 1]) > _PAGE]
    found = [_dart_or_sweep(left, [p for p, _ in row], fps) for row in level]
    return [event for event in found if event is not None]


def _dart_or_sweep(left: np.ndarray, places: list[int], fps: float) -> GazeEvent | None:
    half = (places[-1] - places[0]) / (len(places) - 1)
    reach = float(np.median(np.abs(left[places])))
    on_the_way = float(np.mean(np.abs(left[places[0] : places[-1] + 1]) < _MIDDLE * reach))
    sweeps = on_the_way > _SMOOTH and half > _DART_HALF_S * fps
    if not sweeps and (len(places) < 3 or half > 2.0 * _DART_HALF_S * fps):
        return None
    start_s, end_s = max(0.0, places[0] - 0.5 * half) / fps, min(len(left) - 1.0, places[-1] + 0.5 * half) / fps
    return GazeEvent(pattern="sweep" if sweeps else "dart", direction="", start_s=start_s, end_s=end_s, reach=min(1.0, reach))


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
