"""Where the eyes go: glances, rolls and darts as paths of the gaze. Knows lids and head only as what comes along."""

from __future__ import annotations

import numpy as np

from tdmm_core.performance.cue import TEMPO_FACTOR, Cue, Gesture, gesture_of, phase
from tdmm_core.performance.envelopes import ease
from tdmm_core.performance.lexicon import Label
from tdmm_core.performance.units import INDEX, UNITS

_LEFT, _RIGHT = ("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight")
_UP, _DOWN = ("eyeLookUpLeft", "eyeLookUpRight"), ("eyeLookDownLeft", "eyeLookDownRight")
_GAZE = [i for i, name in enumerate(UNITS) if name.startswith("eyeLook")]


def aim(label: Label) -> np.ndarray:
    """(2,) toward the left and upward: what both eyes do together at intensity 1, for the side or direction that the label writes."""
    left, right, up, down = (min(label.units.get(u, 0.0) for u in pair) for pair in (_LEFT, _RIGHT, _UP, _DOWN))
    # Eyes that turn in (or out) both are crossed (or apart): no common direction.
    return np.array([left - right, up - down])


def unconjugate(label: Label, units: np.ndarray) -> np.ndarray:
    """Units (52,) without what `aim` says already."""
    if not aim(label).any():
        return units
    rest = units.copy()
    rest[_GAZE] = 0.0
    return rest


def glance(cue: Cue) -> np.ndarray:
    """(2,) where a held gaze goes this time; up and down turn the label's direction by a right angle."""
    sideways, upward = aim(cue.label)
    reach = cue.event.intensity * cue.spread(0.08)
    match cue.event.direction:
        case "up" | "down":
            place = np.array([0.0, abs(sideways) * (1.0 if cue.event.direction == "up" else -1.0)])
        case _:
            place = np.array([-sideways if cue.flipped else sideways, upward])
    return place * reach


def path(cue: Cue) -> Gesture:
    """Eye rolls (an arc over the top) and darting eyes (from one end of an axis to the other)."""
    along, reach = np.clip(phase(cue), 0.0, 1.0), cue.event.intensity
    window = ease(np.minimum(along, 1.0 - along) * 6.0)
    side = 1.0 if cue.rng.random() < cue.actor.lateral_left else -1.0
    if cue.label.pattern == "roll":
        way = np.stack([0.7 * side * np.cos(np.pi * along), np.sin(np.pi * along) ** 0.7], axis=1)
    else:
        hz = cue.label.hz / TEMPO_FACTOR[cue.event.tempo] ** 0.6 * cue.spread(0.08)
        swing = side * np.tanh(3.0 * np.sin(2.0 * np.pi * hz * (cue.times - cue.event.start_s)))
        way = swing[:, None] * _axis(cue.label)
    return gesture_of(cue, gaze=way * (window * reach)[:, None])


def _axis(label: Label) -> np.ndarray:
    """(2,) from the middle to one end of where the eyes dart."""
    return np.array([label.units.get("eyeLookOutLeft", 0.0), label.units.get("eyeLookUpLeft", 0.0)])


def gaze_units(curves: np.ndarray, look: np.ndarray) -> None:
    """Add a gaze (T, 2), left and up, to the look units of curves (T, 52) in place."""
    left, up = np.clip(look, -1.0, 1.0).T
    for names, amount in ((_LEFT, left), (_RIGHT, -left), (_UP, up), (_DOWN, -up)):
        for name in names:
            curves[:, INDEX[name]] += np.maximum(amount, 0.0)
