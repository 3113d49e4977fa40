"""What changes with an event that was asked for: each of the 52 units, and how much mouth, eyes and head stir. Knows times, but no label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event
from tdmm_core.performance.gaze_glances import gaze_curves
from tdmm_core.performance.head_events import head_angles
from tdmm_core.performance.lid_events import read_lids
from tdmm_core.performance.speech_events import articulation
from tdmm_core.performance.unit_curves import unit_curves
from tdmm_core.performance.units import INDEX

_LIDS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
_SMOOTH_S, _RAMP, _LONGEST_RAMP_S = 0.06, 0.3, 0.35
"Smoothing of the units; a face comes and goes within this share of its event, and at most within so long."
_PRIOR_FRAMES = 1.5
"Frames in which nothing changes, added to those of every event: short events tell little."
_AT_END_S = 0.1
_QUIET = {"speech": 0.006, "gaze": 0.015, "head": 0.03}
"What always stirs: of articulators, shares of the full gaze, degrees a frame."
_APART_S = 0.12
"So close to an event nothing is known of before and after."


@dataclass(frozen=True, kw_only=True, eq=False)
class Change:
    """What one event brings with it."""

    units: np.ndarray
    "(52,) how much each unit rises or falls, in the order of `units.UNITS`."
    stir: dict[str, float]
    "By speech, gaze and head: logarithm of how much more mouth, eyes and head stir than before and after."


def changes(events: Sequence[Event], motion: FaceMotion, duration_s: float) -> list[Change]:
    """One change for each event, at the times that the events say. Raises InputError where the motion is not told in ARKit units."""
    curves, fps = unit_curves(motion), motion.fps
    stirring = {"speech": articulation(curves, fps), "gaze": _away(gaze_curves(curves)), "head": _turning(motion.global_orient)}
    curves[:, _LIDS] = read_lids(curves[:, _LIDS], fps).slow
    times = (np.arange(len(curves)) + 0.5) / fps
    units = _rises(events, gaussian_filter1d(curves, _SMOOTH_S * fps, axis=0, mode="nearest"), times, duration_s)
    return [
        Change(units=rise, stir={what: _louder(curve, _QUIET[what], event, times) for what, curve in stirring.items()})
        for event, rise in zip(events, units, strict=True)
    ]


def _away(gaze: np.ndarray) -> np.ndarray:
    """(T,) how far the eyes are from where they mostly are."""
    return np.linalg.norm(gaze - np.median(gaze, axis=0), axis=1)


def _turning(global_orient: np.ndarray) -> np.ndarray:
    """(T,) degrees a frame by which the head turns."""
    if len(global_orient) < 2:
        return np.zeros(len(global_orient))
    return np.linalg.norm(np.gradient(head_angles(global_orient), axis=0), axis=1)


def _louder(curve: np.ndarray, quiet: float, event: Event, times: np.ndarray) -> float:
    during = (times > event.start_s) & (times < event.end_s)
    apart = (times < event.start_s - _APART_S) | (times > event.end_s + _APART_S)
    loud, usual = (float(np.sqrt(np.mean(curve[when] ** 2))) if when.sum() > 2 else 0.0 for when in (during, apart))
    return float(np.log((loud + quiet) / (max(usual, quiet) + quiet)))


def _rises(events: Sequence[Event], level: np.ndarray, times: np.ndarray, duration_s: float) -> np.ndarray:
    """(events, 52): how much each unit of `level` (T, 52) changes with each event, all events at once, by least squares over the clip."""
    courses = np.stack([np.ones(len(times)), *(_course(e, times, duration_s) for e in events)], axis=1)  # (T, 1 + events)
    prior = np.diag([1e-9] + [_PRIOR_FRAMES] * len(events))
    return np.linalg.solve(courses.T @ courses + prior, courses.T @ level)[1:]


def _course(event: Event, times: np.ndarray, duration_s: float) -> np.ndarray:
    """(T,) how far an event is done: 0 to 1 and back, unless it lasts to the end."""
    ramp_s = min(_LONGEST_RAMP_S, _RAMP * (event.end_s - event.start_s))
    rise = np.clip((times - event.start_s) / ramp_s, 0.0, 1.0)
    if event.end_s >= duration_s - _AT_END_S:
        return rise
    return np.minimum(rise, np.clip((event.end_s - times) / ramp_s, 0.0, 1.0))
