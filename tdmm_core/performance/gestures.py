"""One event as curves: which pattern its label follows, and the plainest of them, the held face. Knows no other event and no face model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.performance.cue import Cue, Gesture, envelope, flipped, gesture_of, strengths
from tdmm_core.performance.envelopes import smooth_noise
from tdmm_core.performance.looks import glance, path, unconjugate
from tdmm_core.performance.repetitions import circled, pulsed, rocked, swayed
from tdmm_core.performance.speech import spoken
from tdmm_core.performance.stages import staged
from tdmm_core.performance.units import INDEX, UNITS


def gesture(cue: Cue) -> Gesture:
    """The curves of one event."""
    cue = replace(cue, flipped=flipped(cue))
    if cue.label.stages:
        return staged(cue)
    match cue.label.pattern:
        case "repeat":
            return rocked(cue) if cue.label.kind == "head" else pulsed(cue)
        case "swing":
            return rocked(cue)
        case "circle":
            return circled(cue)
        case "sway":
            return swayed(cue)
        case "speech":
            return spoken(cue)
        case "roll" | "dart":
            return path(cue)
        case _:
            return _held(cue)


def _held(cue: Cue) -> Gesture:
    """Onset, apex, offset: of units, of the head, of a gaze where both eyes go to one place; shaken where the label has a rhythm."""
    units, head = strengths(cue)
    units = unconjugate(cue.label, units)
    moved = np.flatnonzero(units)
    curves = np.zeros((len(cue.times), len(UNITS)))
    curves[:, moved] = envelope(cue, len(moved)) * units[moved]
    poses = envelope(cue) * head
    rhythm = cue.label.rhythm
    if rhythm is not None:
        hz = rhythm.hz * cue.spread(0.08)
        wander = 0.15 * cue.actor.freedom * smooth_noise(cue.rng, cue.times, 1, 0.2, 0.6)[:, 0]
        beat = 0.5 - 0.5 * np.cos(2.0 * np.pi * (hz * (cue.times - cue.event.start_s) + wander))
        shaken = [INDEX[u] for u in rhythm.units]
        curves[:, shaken] *= (1.0 - rhythm.depth * beat)[:, None]
        poses[:, 0] += rhythm.pitch * cue.event.intensity * (beat - 0.5) * envelope(cue)[:, 0]
    look = glance(cue)
    gesture = gesture_of(cue, units=curves, head=poses, gaze=envelope(cue) * look if look.any() else None)
    if cue.label.steady:
        gesture.looks[:] = envelope(cue)[:, 0] > 0.05
    return gesture
