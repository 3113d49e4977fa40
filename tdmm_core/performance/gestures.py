"""One event as curves: what its label's pattern makes of units, gaze and head. Knows no other event and no face model."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tdmm_core.domain.script import Event
from tdmm_core.performance.actor import Actor
from tdmm_core.performance.anatomy import company
from tdmm_core.performance.envelopes import ease, hold, pulses, smooth_noise, strokes, swings
from tdmm_core.performance.lexicon import Label
from tdmm_core.performance.units import INDEX, UNITS, mirrored

TEMPO_FACTOR = {"slow": 1.9, "medium": 1.0, "fast": 0.5}
"How a tempo stretches onset, offset and the period of a repetition."
_AXES = ("pitch", "yaw", "roll")


@dataclass(frozen=True, kw_only=True)
class Gesture:
    """An event's own curves."""

    units: np.ndarray
    "(T, 52)"
    head: np.ndarray
    "(T, 3) pitch, yaw, roll in degrees."
    gaze: np.ndarray = field(default_factory=lambda: np.zeros(2))
    "(T, 2) toward the left, upward; or (2,) where there is none."


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


def gesture(cue: Cue) -> Gesture:
    """The curves of one event."""
    match cue.label.pattern:
        case "repeat":
            return _repeated(cue)
        case "speech":
            return _spoken(cue)
        case "roll" | "dart":
            return _eyes(cue)
        case _:
            return _held(cue)


def strengths(cue: Cue) -> tuple[np.ndarray, np.ndarray]:
    """The label's units (52,) and head degrees (3,) as this actor shows them this time, at the event's intensity and side."""
    units, head = np.zeros(len(UNITS)), np.array([cue.label.head.get(a, 0.0) for a in _AXES])
    flip = _flipped(cue)
    for name, strength in cue.label.units.items():
        units[INDEX[mirrored(name) if flip else name]] = strength
    if cue.label.kind == "gaze":
        units[:] = 0.0
    if flip:
        head[1:] *= -1.0
    units *= cue.actor.unit_gain * np.exp(cue.rng.normal(0.0, 0.1, len(UNITS)))
    units = company(cue.rng, np.minimum(units, 1.0)) * cue.event.intensity
    return units, head * cue.event.intensity * np.exp(cue.rng.normal(0.0, 0.12))


def _flipped(cue: Cue) -> bool:
    label, event = cue.label, cue.event
    if label.directions:
        return event.direction == "right"
    if label.lateral == "said":
        return event.side == "right"
    if label.kind == "head":
        return False
    return cue.rng.random() > cue.actor.lateral_left


def _envelope(cue: Cue, columns: int) -> np.ndarray:
    """Onset, apex and offset for so many units, which start within some hundredths of a second of one another. -> (T, columns)"""
    event, label = cue.event, cue.label
    factor = TEMPO_FACTOR[event.tempo] * cue.actor.speed * np.exp(cue.rng.normal(0.0, 0.1))
    # Only eyes are faster than a sixth of a second.
    onset_s, offset_s = max(label.onset_s * factor, 0.0 if label.kind == "gaze" else 0.17), label.offset_s * factor**0.8
    span = event.end_s - event.start_s
    squeeze = min(1.0, 0.9 * span / (onset_s + (0.0 if cue.held else offset_s)))
    onset_s, offset_s = onset_s * squeeze, offset_s * squeeze
    lag = np.minimum(cue.rng.exponential(0.03, columns), 0.12) * min(1.0, span)
    envelope = hold(cue.times, event.start_s + lag, event.end_s, onset_s, None if cue.held else offset_s)
    return envelope * (1.0 + 0.05 * smooth_noise(cue.rng, cue.times, columns, 0.15, 0.9))


def _held(cue: Cue) -> Gesture:
    units, head = strengths(cue)
    curves = _envelope(cue, len(UNITS)) * units
    poses = _envelope(cue, 1) * head
    rhythm = cue.label.rhythm
    if rhythm is not None:
        hz = rhythm.hz * np.exp(cue.rng.normal(0.0, 0.08))
        beat = 0.5 - 0.5 * np.cos(2.0 * np.pi * (hz * (cue.times - cue.event.start_s) + 0.15 * smooth_noise(cue.rng, cue.times, 1, 0.2, 0.6)[:, 0]))
        shaken = [INDEX[u] for u in rhythm.units]
        curves[:, shaken] *= (1.0 - rhythm.depth * beat)[:, None]
        poses[:, 0] += rhythm.pitch * cue.event.intensity * (beat - 0.5) * _envelope(cue, 1)[:, 0]
    if cue.label.kind != "gaze":
        return Gesture(units=curves, head=poses)
    return Gesture(units=_crossed(cue), head=poses) if not cue.label.directions else Gesture(units=curves, head=poses, gaze=_glance(cue))


def _glance(cue: Cue) -> np.ndarray:
    aim = {"left": (1.0, 0.0), "right": (-1.0, 0.0), "up": (0.0, 1.0), "down": (0.0, -1.0)}[cue.event.direction]
    reach = max(cue.label.units.values()) * cue.event.intensity * np.exp(cue.rng.normal(0.0, 0.08))
    return _envelope(cue, 1) * np.array(aim) * reach


def _crossed(cue: Cue) -> np.ndarray:
    curves = np.zeros((len(cue.times), len(UNITS)))
    for name, strength in cue.label.units.items():
        curves[:, INDEX[name]] = strength * cue.event.intensity * _envelope(cue, 1)[:, 0]
    return curves


def _phase(cue: Cue) -> np.ndarray:
    return (cue.times - cue.event.start_s) / (cue.event.end_s - cue.event.start_s)


def _repeated(cue: Cue) -> Gesture:
    units, head = strengths(cue)
    event, count = cue.event, cue.event.count
    heights = np.exp(cue.rng.normal(0.0, 0.12, count)) * np.linspace(1.0, 0.85, count)
    if cue.label.kind == "head":
        shape = strokes if cue.label.head.get("pitch") else swings
        sign = 1.0 if shape is strokes or cue.rng.random() < cue.actor.lateral_left else -1.0
        # Each quick repetition is smaller than a slow one.
        reach = head * sign * {"slow": 1.1, "medium": 1.0, "fast": 0.75}[event.tempo]
        return Gesture(units=np.zeros((len(cue.times), len(UNITS))), head=shape(_phase(cue), count, heights)[:, None] * reach)
    period = (event.end_s - event.start_s) / count
    centres = event.start_s + (np.arange(count) + 0.42) * period
    # Lids close in about 0.1 s and open in 0.16; a wink dwells.
    wide = TEMPO_FACTOR[event.tempo] ** 0.7 * (2.2 if cue.label.kind == "action" else 1.0)
    bumps = pulses(cue.times, centres, min(0.1 * wide, 0.4 * period), min(0.17 * wide, 0.5 * period))
    return Gesture(units=np.minimum(1.4 * bumps, 1.0)[:, None] * units, head=np.zeros((len(cue.times), 3)))


def _spoken(cue: Cue) -> Gesture:
    """Syllables: at each, a few mouth units take a random target; the jaw falls and rises between them."""
    units, _ = strengths(cue)
    span = cue.event.end_s - cue.event.start_s
    count = max(2, round(span * cue.label.hz / TEMPO_FACTOR[cue.event.tempo] ** 0.5))
    knots = np.clip((np.arange(count + 1) + cue.rng.uniform(-0.2, 0.2, count + 1)) / count, 0.0, 1.0)
    targets = cue.rng.uniform(0.2, 1.3, (count + 1, len(UNITS))) * (cue.rng.random((count + 1, len(UNITS))) < 0.45)
    targets[:, INDEX["jawOpen"]] = cue.rng.uniform(0.25, 1.2, count + 1) * np.where(np.arange(count + 1) % 2, 1.0, 0.35)
    place = np.interp(_phase(cue), np.sort(knots), np.arange(count + 1))
    low = np.minimum(place.astype(int), count - 1)
    blend = ease(place - low)[:, None]
    curves = ((1.0 - blend) * targets[low] + blend * targets[low + 1]) * units * _envelope(cue, 1)
    head = smooth_noise(cue.rng, cue.times, 3, 0.4, 1.5) * np.array([1.6, 1.4, 0.8]) * _envelope(cue, 1)
    return Gesture(units=np.minimum(curves, 1.0), head=head)


def _eyes(cue: Cue) -> Gesture:
    """Eye rolls (an arc over the top) and darting eyes (side to side)."""
    phase, reach = np.clip(_phase(cue), 0.0, 1.0), cue.event.intensity
    window = ease(np.minimum(phase, 1.0 - phase) * 6.0)
    side = 1.0 if cue.rng.random() < cue.actor.lateral_left else -1.0
    if cue.label.pattern == "roll":
        path = np.stack([0.7 * side * np.cos(np.pi * phase), np.sin(np.pi * phase) ** 0.7], axis=1)
    else:
        hz = cue.label.hz / TEMPO_FACTOR[cue.event.tempo] ** 0.6
        path = np.stack([0.8 * side * np.tanh(3.0 * np.sin(2.0 * np.pi * hz * (cue.times - cue.event.start_s))), np.zeros_like(phase)], axis=1)
    quiet = np.zeros((len(cue.times), len(UNITS)))
    return Gesture(units=quiet, head=np.zeros((len(cue.times), 3)), gaze=path * (window * reach)[:, None])
