"""What goes through several faces in a fixed order: a sneeze, a spoken word, eyes that read. One round for each count."""

from __future__ import annotations

import numpy as np

from tdmm_core.performance.cue import Cue, Gesture, gesture_of, phase, placed, posed
from tdmm_core.performance.envelopes import ease
from tdmm_core.performance.units import UNITS


def staged(cue: Cue) -> Gesture:
    """The label's stages one after the other, each reached by ease, from rest and back to rest."""
    stages, count = cue.label.stages, cue.event.count
    at = np.array([0.0, *(s.at for s in stages), 1.0])
    at[1:-1] += 0.02 * cue.actor.freedom * cue.rng.uniform(-1.0, 1.0, len(stages)) * np.minimum(np.diff(at)[:-1], np.diff(at)[1:])
    rest, still = np.zeros(len(UNITS)), np.zeros(3)
    units = np.stack([rest, *(placed(cue, s.units) for s in stages), rest])
    poses = np.stack([still, *(posed(cue, s.head) for s in stages), still])
    units = np.minimum(units * cue.actor.unit_gain * cue.spread(0.08, len(UNITS)), 1.0) * cue.event.intensity
    along = np.clip(phase(cue), 0.0, 1.0)
    lap = np.where(along < 1.0, (along * count) % 1.0, 1.0)
    where = np.clip(np.searchsorted(at, lap, side="right") - 1, 0, len(at) - 2)
    blend = ease((lap - at[where]) / np.maximum(at[where + 1] - at[where], 1e-6))[:, None]
    curves = (1.0 - blend) * units[where] + blend * units[where + 1]
    head = ((1.0 - blend) * poses[where] + blend * poses[where + 1]) * cue.event.intensity * cue.spread(0.1)
    gesture = gesture_of(cue, units=curves, head=head)
    if cue.label.kind == "gaze":
        gesture.looks[:] = ease(np.minimum(along, 1.0 - along) * 12.0)
    if cue.label.spoken:
        gesture.speaks[:] = ease(np.minimum(along, 1.0 - along) * 8.0)
    return gesture
