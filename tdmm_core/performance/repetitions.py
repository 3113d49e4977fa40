"""What is done over and over: nods, shakes, circles, winks, a jaw that grinds. Counted, but for swaying."""

from __future__ import annotations

import numpy as np

from tdmm_core.performance.cue import TEMPO_FACTOR, Cue, Gesture, envelope, gesture_of, phase, strengths
from tdmm_core.performance.envelopes import ease, pulses, strokes, swings
from tdmm_core.performance.units import UNITS, mirrored

_MIRROR = [UNITS.index(mirrored(name)) for name in UNITS]
_REACH = {"slow": 1.1, "medium": 1.0, "fast": 0.75}
"Each quick repetition is smaller than a slow one."


def _heights(cue: Cue) -> np.ndarray:
    """How high each repetition goes, the later ones less."""
    count = cue.event.count
    return cue.spread(0.09, count) * np.linspace(1.0, 0.85, count)


def rocked(cue: Cue) -> Gesture:
    """A head that goes out and back (nods), or to one side and the other (shakes, rocking)."""
    _, head = strengths(cue)
    shape = strokes if cue.label.pattern == "repeat" and cue.label.head.get("pitch") else swings
    sign = 1.0 if shape is strokes or cue.rng.random() < cue.actor.lateral_left else -1.0
    stroke = shape(phase(cue), cue.event.count, _heights(cue))
    return gesture_of(cue, head=stroke[:, None] * head * sign * _REACH[cue.event.tempo])


def circled(cue: Cue) -> Gesture:
    """A head or a gaze that goes round: down, aside, up and back, as often as it is counted."""
    along = np.clip(phase(cue), 0.0, 1.0)
    turn = 2.0 * np.pi * cue.event.count * along
    side = 1.0 if cue.rng.random() < cue.actor.lateral_left else -1.0
    window = ease(np.minimum(along, 1.0 - along) * cue.event.count * 5.0) * cue.event.intensity * cue.spread(0.1)
    across, along_up = side * np.sin(turn) * window, np.cos(turn) * window
    if cue.label.kind == "gaze":
        wide, high = (cue.label.units.get(u, 0.0) for u in ("eyeLookOutLeft", "eyeLookUpLeft"))
        return gesture_of(cue, gaze=np.stack([across * wide, along_up * high], axis=1))
    degrees = cue.label.head
    return gesture_of(cue, head=np.stack([along_up * degrees["pitch"], 0.0 * across, across * degrees["roll"]], axis=1))


def pulsed(cue: Cue) -> Gesture:
    """Lids or a face that close and open again, as often as they are counted; a head may dip along."""
    units, head = strengths(cue)
    event, count = cue.event, cue.event.count
    period = (event.end_s - event.start_s) / count
    centres = event.start_s + (np.arange(count) + 0.42) * period
    # Lids close in about 0.1 s and open in 0.16; a wink dwells, a cough and a gulp take their time.
    wide = TEMPO_FACTOR[event.tempo] ** 0.7 * (2.2 if cue.label.kind == "action" else 1.0)
    bumps = pulses(cue.times, centres, min(0.1 * wide, 0.4 * period), min(0.17 * wide, 0.5 * period))
    return gesture_of(cue, units=np.minimum(1.4 * bumps, 1.0)[:, None] * units, head=bumps[:, None] * head)


def swayed(cue: Cue) -> Gesture:
    """From one side to the other as long as the event lasts, smoothly: what the label writes for the left, then its mirror image."""
    units, head = strengths(cue)
    hz = cue.label.hz / TEMPO_FACTOR[cue.event.tempo] ** 0.6 * cue.spread(0.08)
    course = envelope(cue)[:, 0]
    swing = np.sin(2.0 * np.pi * hz * (cue.times - cue.event.start_s))
    both = np.minimum(units, units[_MIRROR])
    sided = units - both
    there, back = np.maximum(swing, 0.0)[:, None], np.maximum(-swing, 0.0)[:, None]
    curves = course[:, None] * (both + there * sided + back * sided[_MIRROR])
    turned = np.stack([np.full_like(swing, head[0]), head[1] * swing, head[2] * swing], axis=1) * course[:, None]
    return gesture_of(cue, units=curves, head=turned)
