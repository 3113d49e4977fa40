"""Speech-like mouth motion: visemes at syllable rate, each blending into the next. Knows no words; what is said is drawn by chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.performance.cue import TEMPO_FACTOR, Cue, Gesture, envelope, gesture_of, placed, posed
from tdmm_core.performance.envelopes import ease, smooth_noise
from tdmm_core.performance.looks import glance, unconjugate
from tdmm_core.performance.units import UNITS

_SHORTEST_VISEME_S = 0.06
_SWAY_DEG = np.array([1.6, 1.4, 0.8])
"Pitch, yaw and roll of a head that talks, standard deviations."


def spoken(cue: Cue) -> Gesture:
    """Consonant and vowel in turn at the label's rate, with pauses between phrases; head and held units of the label come along.

    Coarticulation after M. M. Cohen and D. W. Massaro (1993): a target is reached only in part, the more so the faster it passes, and
    neighbours shine through, here as the mean of each target with its neighbours in the ratio 1 : 4 : 1.
    """
    speech, event = cue.label.speech, cue.event
    assert speech is not None
    starts, targets = _phrases(cue)
    smooth = targets.copy()
    smooth[1:-1] = (targets[:-2] + 4.0 * targets[1:-1] + targets[2:]) / 6.0
    where = np.clip(np.searchsorted(starts, cue.times, side="right") - 1, 0, len(starts) - 2)
    blend = ease((cue.times - starts[where]) / (starts[where + 1] - starts[where]))[:, None]
    curves = ((1.0 - blend) * smooth[where] + blend * smooth[where + 1]) * event.intensity
    course = envelope(cue)
    held = unconjugate(cue.label, placed(cue, speech.held)) * cue.spread(0.1, len(UNITS))
    curves = np.maximum(curves, held * event.intensity) * course
    sway = smooth_noise(cue.rng, cue.times, 3, 0.4, 1.5) * _SWAY_DEG * speech.head * course * ([1.0, -1.0, -1.0] if cue.flipped else 1.0)
    look = glance(cue)
    gesture = gesture_of(
        cue,
        units=np.minimum(curves * cue.actor.unit_gain, 1.0),
        head=sway + course * posed(cue, cue.label.head) * cue.spread(0.12),
        gaze=course * look if look.any() else None,
    )
    return replace(gesture, speaks=course[:, 0])


def _phrases(cue: Cue) -> tuple[np.ndarray, np.ndarray]:
    """Instants (n,) and the mouth's targets (n, 52) at them, over the whole event."""
    speech, event, rng = cue.label.speech, cue.event, cue.rng
    assert speech is not None
    syllable_s = TEMPO_FACTOR[event.tempo] ** 0.5 * cue.actor.speed**0.5 / cue.label.hz
    vowels, consonants = ([placed(cue, v) for v in kind] for kind in (speech.vowels, speech.consonants))
    instants, targets, now = [event.start_s - 0.1], [np.zeros(len(UNITS))], event.start_s
    left = _phrase_length(rng, speech.pauses)
    while now < event.end_s + syllable_s:
        length = syllable_s * float(np.exp(rng.normal(0.0, 0.22)))
        stress = float(rng.uniform(0.7, 1.15))
        if left == 0:
            instants += [now, now + length]
            targets += [0.1 * targets[-1]] * 2
            left, now = _phrase_length(rng, speech.pauses), now + 1.6 * length
            continue
        if consonants:
            instants.append(now)
            targets.append(consonants[rng.integers(len(consonants))])
        if vowels:
            instants.append(now + max(_SHORTEST_VISEME_S, 0.5 * length) if consonants else now)
            targets.append(stress * vowels[rng.integers(len(vowels))])
        left, now = left - 1, now + max(length, 2.0 * _SHORTEST_VISEME_S)
    return np.array([*instants, instants[-1] + 1.0]), np.stack([*targets, targets[-1]])


def _phrase_length(rng: np.random.Generator, pauses: float) -> int:
    """Syllables to the next pause: on average 1 / pauses."""
    return int(rng.geometric(pauses)) + 1 if pauses > 0 else 10_000
