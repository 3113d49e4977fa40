"""What every pattern is given, an event as one actor takes it, and what every pattern starts from: strengths, an envelope, a phase.

Knows no pattern, no other event and no face model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tdmm_core.domain.script import Event
from tdmm_core.performance.actor import Actor
from tdmm_core.performance.anatomy import company
from tdmm_core.performance.envelopes import hold, smooth_noise
from tdmm_core.performance.lexicon import Label
from tdmm_core.performance.units import INDEX, UNITS, mirrored

TEMPO_FACTOR = {"slow": 1.9, "medium": 1.0, "fast": 0.5}
"How a tempo stretches onset, offset and the period of a repetition."
_AXES = ("pitch", "yaw", "roll")
_QUICKEST_S = 0.17
"No voluntary face rises faster, unless its label says so; eyes and flashes do."
_MINOR = 0.6
"A unit below this share of the label's strongest one is a minor part of the face."


@dataclass(frozen=True, kw_only=True)
class Gesture:
    """An event's own curves."""

    units: np.ndarray
    "(T, 52)"
    head: np.ndarray
    "(T, 3) pitch, yaw, roll in degrees."
    gaze: np.ndarray
    "(T, 2) toward the left, upward, as shares of the full gaze."
    looks: np.ndarray
    "(T,) how far the event claims the eyes, 0 to 1: small gaze shifts of the face's own stop meanwhile."
    speaks: np.ndarray
    "(T,) how far the event claims the lips for speech, 0 to 1."


@dataclass(frozen=True, kw_only=True)
class Cue:
    """What every pattern is given: the event as this actor takes it."""

    event: Event
    label: Label
    actor: Actor
    times: np.ndarray
    "(T,) seconds."
    held: bool
    "The event lasts to the end of the clip, so nothing is released."
    rng: np.random.Generator
    flipped: bool = field(default=False)
    "What the label writes for the left is done on the right."

    def spread(self, sigma: float, size: int | None = None) -> np.ndarray:
        """Factors around 1, as this actor's performances differ."""
        return np.exp(self.rng.normal(0.0, sigma * self.actor.freedom, size))


def gesture_of(cue: Cue, *, units: np.ndarray | None = None, head: np.ndarray | None = None, gaze: np.ndarray | None = None) -> Gesture:
    """A gesture of the given curves, at rest where none is given; a gaze claims the eyes while it lasts."""
    frames = len(cue.times)
    looks = np.zeros(frames) if gaze is None else np.minimum(1.0, 2.0 * np.abs(gaze).max(axis=1))
    return Gesture(
        units=np.zeros((frames, len(UNITS))) if units is None else units,
        head=np.zeros((frames, 3)) if head is None else head,
        gaze=np.zeros((frames, 2)) if gaze is None else gaze,
        looks=looks,
        speaks=np.zeros(frames),
    )


def flipped(cue: Cue) -> bool:
    """Whether the event is done on the other side than its label writes; drawn where the label leaves it open."""
    label, event = cue.label, cue.event
    if label.directions:
        return event.direction == "right"
    if label.lateral == "said":
        return event.side == "right"
    if label.lateral == "none":
        return False
    return bool(cue.rng.random() > cue.actor.lateral_left)


def placed(cue: Cue, strengths: Mapping[str, float]) -> np.ndarray:
    """Named strengths as a row (52,), on the side of this performance."""
    row = np.zeros(len(UNITS))
    for name, strength in strengths.items():
        row[INDEX[mirrored(name) if cue.flipped else name]] = strength
    return row


def posed(cue: Cue, degrees: Mapping[str, float]) -> np.ndarray:
    """Named head angles as pitch, yaw, roll (3,) in degrees, on the side of this performance."""
    pose = np.array([degrees.get(a, 0.0) for a in _AXES])
    return pose * [1.0, -1.0, -1.0] if cue.flipped else pose


def strengths(cue: Cue) -> tuple[np.ndarray, np.ndarray]:
    """The label's units (52,) and head degrees (3,) as this actor shows them this time, at the event's intensity and side."""
    written = placed(cue, cue.label.units)
    minor = written < _MINOR * written.max()
    units = written * cue.actor.unit_gain * cue.spread(0.13, len(UNITS)) * np.where(minor, cue.actor.habit * cue.spread(0.15, len(UNITS)), 1.0)
    units = company(cue.rng, np.minimum(units, 1.0), cue.actor.freedom)
    return units * cue.event.intensity, posed(cue, cue.label.head) * cue.event.intensity * cue.spread(0.12)


def envelope(cue: Cue, columns: int = 1) -> np.ndarray:
    """Onset, apex and offset for so many units, which start within some hundredths of a second of one another. -> (T, columns)"""
    event, label = cue.event, cue.label
    factor = TEMPO_FACTOR[event.tempo] * cue.actor.speed * cue.spread(0.22)
    quickest_s = 0.0 if label.kind == "gaze" else min(_QUICKEST_S, 0.8 * label.onset_s)
    onset_s, offset_s = max(label.onset_s * factor, quickest_s), label.offset_s * factor**0.8
    span = event.end_s - event.start_s
    squeeze = min(1.0, 0.9 * span / (onset_s + (0.0 if cue.held else offset_s)))
    if label.brief:
        # A flash is hardly held: it falls about as soon as it has risen.
        squeeze = 0.85 * span / (onset_s + offset_s)
    onset_s, offset_s = onset_s * squeeze, offset_s * squeeze
    lag = cue.actor.freedom * np.minimum(cue.rng.exponential(0.04, columns), 0.16) * min(1.0, span)
    course = hold(cue.times, event.start_s + lag, event.end_s, onset_s, None if cue.held else offset_s)
    # A held face is not still: it wanders, and on the whole wears off or grows a little.
    worn = 1.0 + cue.actor.freedom * cue.rng.normal(-0.06, 0.08) * np.clip(phase(cue), 0.0, 1.0)[:, None]
    return course * worn * (1.0 + 0.06 * cue.actor.freedom * smooth_noise(cue.rng, cue.times, columns, 0.15, 0.9))


def phase(cue: Cue) -> np.ndarray:
    """(T,) 0 at the event's start, 1 at its end, below and above outside."""
    return (cue.times - cue.event.start_s) / (cue.event.end_s - cue.event.start_s)
