"""When each of the 52 units acts: the resting face of a clip, and what rises above it. Knows no label and no head.

A unit acts where it rises clearly above this face's own rest, by more where the rest itself is high, for resting units wander in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tdmm_core.performance.runs import Hysteresis, find_runs
from tdmm_core.performance.units import INDEX, UNITS

_SMOOTH_S = 0.05
"Standard deviation of the smoothing before units are read."
_MOST_AT_REST = 0.25
"A unit that never falls below this is held, not resting."
_HIGH, _HIGH_OF_REST, _LOW = 0.115, 0.45, 0.55
"How far above rest, by which share of the rest level more, and the share of both at which a run begins and ends."
_GAP_S = 0.5


@dataclass(frozen=True, kw_only=True)
class UnitEvent:
    """One rise and fall of one unit."""

    unit: str
    onset_s: float
    "When it begins to leave rest."
    apex_s: float
    end_s: float
    "When it is back at rest, or the end of the clip."
    strength: float
    "Height of the apex above rest, 0 to 1."


@dataclass(frozen=True, kw_only=True, eq=False)
class Activity:
    """The units of a clip, cleaned: what is left when the resting face is taken away."""

    rest: np.ndarray
    "(52,) the resting face, in the order of `units.UNITS`."
    level: np.ndarray
    "(T, 52) smoothed curves above rest, not below 0."
    fps: float


def activity(curves: np.ndarray, fps: float) -> Activity:
    """The resting face and what rises above it. `curves` is (T, 52), 0 to 1, without blinks."""
    smooth = gaussian_filter1d(curves.astype(np.float64), _SMOOTH_S * fps, axis=0, mode="nearest")
    rest = resting_face(smooth, fps)
    return Activity(rest=rest, level=np.maximum(smooth - rest, 0.0), fps=fps)


def resting_face(smooth: np.ndarray, fps: float) -> np.ndarray:
    """(52,): of each unit the lowest of how it begins, how it ends and its lower sixth, within what resting faces show."""
    edge = max(1, round(0.12 * fps))
    ends = np.minimum(smooth[:edge].mean(axis=0), smooth[-edge:].mean(axis=0))
    return np.minimum(np.minimum(np.percentile(smooth, 16, axis=0), ends), _MOST_AT_REST)


def unit_events(active: Activity) -> tuple[UnitEvent, ...]:
    """Every rise of every unit, in order of onset."""
    high = _HIGH + _HIGH_OF_REST * active.rest
    runs = find_runs(active.level, Hysteresis(high=high, low=_LOW * high, gap_s=_GAP_S), active.fps)
    events = (UnitEvent(unit=UNITS[r.column], onset_s=r.onset_s, apex_s=r.apex_s, end_s=r.end_s, strength=r.height) for r in runs)
    return tuple(sorted(events, key=lambda e: (e.onset_s, INDEX[e.unit])))
