"""Glances that mean more together than each alone: a page that is read, a person measured up and down, a look askance, eyes rolled back.

Knows what glances there are, the lids and the head, no label.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.performance.gaze_glances import GazeEvent
from tdmm_core.performance.units import INDEX

_AT_ONCE_S = 0.45
"One glance follows another without a rest between."
_DEEPER = 1.5
"Who measures somebody looks that many times further down than up."
_ASKANCE_DEG, _NARROWED = 2.0, 0.1
"A head turned the other way, and lids narrowed, at least, in a look askance."
_ROLLED_BACK, _LOWERED = 0.3, 0.09
"Least reach upward and closure of the lids of eyes that are rolled back."
_READ = 0.14
"Least distance to either side of eyes that go along a line."


def compounds(
    glances: list[GazeEvent], look: np.ndarray, curves: np.ndarray, turned_deg: np.ndarray, fps: float
) -> list[GazeEvent]:  # fmt: skip
    """The glances, those that belong together made one. `look` (T, 2) left and up, `curves` (T, 52), `turned_deg` (T, 3)."""
    events: list[GazeEvent] = []
    for glance in sorted(glances, key=lambda g: g.start_s):
        span = slice(int(glance.start_s * fps), int(np.ceil(glance.end_s * fps)) + 1)
        match glance.direction:
            case "down" if _reads(look[span, 0]):
                glance = replace(glance, pattern="read", direction="")
            case "down" if events and _measures(events[-1], glance):
                up = events.pop()
                glance = replace(glance, pattern="measure", direction="", start_s=up.start_s)
            case "up" if glance.reach > _ROLLED_BACK and _median(curves[span], "eyeBlink") - _base(curves, "eyeBlink") > _LOWERED:
                glance = replace(glance, pattern="raised", direction="")
            case "left" | "right" if _askance(glance, curves, turned_deg, span):
                glance = replace(glance, pattern="sidelong")
        events.append(glance)
    return _merged([e for e in events if not _inside(e, events)])


def _reads(left: np.ndarray) -> bool:
    """Whether the eyes go from the left to the right, step by step, and stay down meanwhile."""
    if len(left) < 10:
        return False
    third = len(left) // 3
    first, middle, last = (float(np.median(part)) for part in (left[:third], left[third:-third], left[-third:]))
    return first > _READ and last < -_READ and first > middle > last


def _measures(before: GazeEvent, down: GazeEvent) -> bool:
    return before.direction == "up" and down.start_s - before.end_s < _AT_ONCE_S and down.reach > _DEEPER * before.reach


def _askance(glance: GazeEvent, curves: np.ndarray, turned_deg: np.ndarray, span: slice) -> bool:
    """Whether the head is turned away from where the eyes look, and the lids are narrowed."""
    against = -np.median(turned_deg[span, 1]) * (1.0 if glance.direction == "left" else -1.0)
    return bool(against > _ASKANCE_DEG and _median(curves[span], "eyeSquint") - _base(curves, "eyeSquint") > _NARROWED * glance.reach)


def _median(curves: np.ndarray, pair: str) -> float:
    return float(np.median(curves[:, [INDEX[f"{pair}Left"], INDEX[f"{pair}Right"]]]))


def _base(curves: np.ndarray, pair: str) -> float:
    return float(np.percentile(curves[:, [INDEX[f"{pair}Left"], INDEX[f"{pair}Right"]]], 10))


def _inside(event: GazeEvent, events: list[GazeEvent]) -> bool:
    """Whether it is only a part of a line that is read."""
    lines = [e for e in events if e.pattern == "read"]
    return event.pattern == "glance" and any(e.start_s - 0.1 <= event.start_s and event.end_s <= e.end_s + 0.3 for e in lines)


def _merged(events: list[GazeEvent]) -> list[GazeEvent]:
    """One measuring look after the other is one event with a count."""
    merged: list[GazeEvent] = []
    for event in events:
        if event.pattern == "measure" and merged and merged[-1].pattern == "measure" and event.start_s - merged[-1].end_s < 2.0 * _AT_ONCE_S:
            merged[-1] = replace(merged[-1], end_s=event.end_s, count=merged[-1].count + 1)
        else:
            merged.append(event)
    return merged
