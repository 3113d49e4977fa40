"""Stretches of time in which curves rise above thresholds: where they begin, peak and end. Knows neither units nor heads.

Hysteresis: a run begins and ends at the low threshold and counts once it has crossed the high one; short gaps, as in shaking and speech, do not
end it. Onset and end are where a smooth rise and fall through the measured 25 and 80 % of the way must have begun and ended, so they do not
depend on the thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.performance.envelopes import ease

_SHORTEST_S = 0.1
_AT_REST = 0.25
"Below this share of its own apex a run has come back to rest."
_WEAK_S = 0.4
"A weaker rise before or after a strong one is a run of its own where it lasts so long."
_LATE = 0.8
"Share of its apex at which a rise is nearly done."
_PHASE = np.linspace(0.0, 1.0, 101)
_STEP = ease(_PHASE)
"How a rise goes, from rest to apex."


@dataclass(frozen=True, kw_only=True)
class Run:
    """One rise and fall of one curve."""

    column: int
    onset_s: float
    "When it begins to leave rest."
    apex_s: float
    end_s: float
    "When it is back at rest, or the end of the clip."
    rise_s: float
    "From 25 to 80 % of the apex."
    fall_s: float
    "From 80 to 25 %."
    height: float
    "Of the apex."


@dataclass(frozen=True, kw_only=True)
class Hysteresis:
    """How high curves must rise to be a run, and what ends it."""

    high: np.ndarray
    "(N,) must be crossed."
    low: np.ndarray
    "(N,) where a run begins and ends."
    gap_s: float
    "Shorter gaps are part of the run."


def find_runs(level: np.ndarray, limits: Hysteresis, fps: float) -> list[Run]:
    """Every run of the curves (T, N), all of them looked at in one go; in order of column and time."""
    return [_measured(level, part, fps) for place in _stretches(level, limits, fps) for part in _parts(level, place, limits, fps)]


Stretch = tuple[int, int, int]
"Column, first frame, one past the last."


def _stretches(level: np.ndarray, limits: Hysteresis, fps: float) -> list[Stretch]:
    columns = np.flatnonzero((level > limits.high).any(axis=0))
    padded = np.zeros((len(columns), len(level) + 2), np.int8)
    padded[:, 1:-1] = (level[:, columns] > limits.low[columns]).T
    edges = np.diff(padded, axis=1)
    which, starts = np.nonzero(edges == 1)
    stops = np.nonzero(edges == -1)[1]
    if len(which) == 0:
        return []
    fresh = np.ones(len(which), bool)
    fresh[1:] = (which[1:] != which[:-1]) | (starts[1:] - stops[:-1] >= limits.gap_s * fps)
    first = np.flatnonzero(fresh)
    last = np.append(first[1:], len(which)) - 1
    rows = zip(columns[which[first]].tolist(), starts[first].tolist(), stops[last].tolist(), strict=True)
    return [(c, a, b) for c, a, b in rows if b - a >= _SHORTEST_S * fps and level[a:b, c].max() > limits.high[c]]


def _parts(level: np.ndarray, place: Stretch, limits: Hysteresis, fps: float) -> list[Stretch]:
    """A stretch parted from the restless rest or the weaker rise that lies before or after its strong part."""
    column, start, stop = place
    run = level[start:stop, column]
    over = np.flatnonzero(run > _AT_REST * run.max())
    breaks = np.flatnonzero(np.diff(over) - 1 >= limits.gap_s * fps)
    firsts, lasts = start + over[np.append(0, breaks + 1)], start + over[np.append(breaks, len(over) - 1)] + 1
    parts = [(column, int(a), int(b)) for a, b in zip(firsts, lasts, strict=True)]
    strong = [p for p in parts if level[p[1] : p[2], column].max() > limits.high[column] and p[2] - p[1] >= _SHORTEST_S * fps]
    for first, last in ((start, parts[0][1]), (parts[-1][2], stop)):
        if last - first >= _WEAK_S * fps and np.median(level[first:last, column]) > limits.high[column]:
            strong.append((column, first, last))
    return sorted(strong)


def _measured(level: np.ndarray, place: Stretch, fps: float) -> Run:
    column, start, stop = place
    run = level[start:stop, column]
    last_s = len(level) / fps
    held = stop >= len(level) and run[-1] > 0.5 * run.max()
    return Run(
        column=column,
        onset_s=max(0.0, (start + _foot(run)) / fps),
        apex_s=(start + int(run.argmax())) / fps,
        end_s=last_s if held else min(last_s, (stop - 1 - _foot(run[::-1])) / fps),
        rise_s=(first_over(run, _LATE) - first_over(run, _AT_REST)) / fps,
        fall_s=(first_over(run[::-1], _LATE) - first_over(run[::-1], _AT_REST)) / fps,
        height=float(run.max()),
    )


def _foot(run: np.ndarray) -> float:
    """Frame, mostly negative, at which a smooth rise must have begun that passes an early and a late share of the peak when this run does."""
    share = max(_AT_REST, float(run[0] / run.max()))
    if share >= _LATE:
        return 0.0
    early, late = first_over(run, share), first_over(run, _LATE)
    done, nearly = np.interp([share, _LATE], _STEP, _PHASE)
    return early - (late - early) * float(done / (nearly - done))


def first_over(run: np.ndarray, share: float) -> float:
    """Frame, with a fraction, where the run first crosses a share of its peak."""
    height = share * run.max()
    over = int(np.argmax(run >= height))
    return 0.0 if over == 0 else over - float((run[over] - height) / max(run[over] - run[over - 1], 1e-9))
