"""An actor: how one person's face differs from the next in strength, speed, symmetry, rest and restlessness.

People share the main units of an expression and differ in the rest: S. Du, Y. Tao and A. M. Martinez (2014) found units that nearly all of their 230
subjects used beside units that a fifth to two thirds of them used. Onsets of one kind of smile vary by almost half of their mean (K. L. Schmidt,
Z. Ambadar, J. F. Cohn and L. I. Reed, 2006). Spontaneous blinks: 10 to 25 a minute (A. R. Bentivoglio et al., 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.performance.units import INDEX, PAIRS, UNITS
from tdmm_core.runtime.seeding import stream

_RESTING = {
    "eyeBlink": 0.06, "eyeSquint": 0.06, "mouthPress": 0.06, "mouthFrown": 0.06, "mouthSmile": 0.04, "browDown": 0.05, "mouthDimple": 0.05,
    "mouthStretch": 0.07, "mouthLowerDown": 0.04, "mouthUpperUp": 0.03, "cheekSquint": 0.05, "noseSneer": 0.05, "browOuterUp": 0.06,
    "eyeLookDown": 0.06,
}  # fmt: skip
_RESTING_SINGLE = {
    "browInnerUp": 0.07, "mouthShrugLower": 0.06, "mouthShrugUpper": 0.06, "mouthRollLower": 0.05, "mouthPucker": 0.06, "mouthFunnel": 0.05,
    "jawOpen": 0.02, "mouthClose": 0.015,
}  # fmt: skip
_MOST_AT_REST = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class Actor:
    """One performer's manner; every figure is constant over that person's clips."""

    unit_gain: np.ndarray
    "(52,) how strongly each unit answers, around 1; left and right of a pair differ by the actor's asymmetry."
    habit: np.ndarray
    "(52,) how far each unit comes along where it is a minor part of a face; some actors hardly use some units so."
    rest: np.ndarray
    "(52,) units of the resting face, 0 to 0.2."
    speed: float
    "Factor on every onset and offset time, around 1."
    lateral_left: float
    "Probability of using the left side where a label leaves it open."
    blink_hz: float
    "Spontaneous blinks per second."
    sway_deg: float
    "Scale of slow head motion."
    rest_head_deg: np.ndarray
    "(3,) pitch, yaw, roll of the resting head."
    gaze_spread: float
    "Standard deviation of small gaze shifts, share of the full gaze."
    gaze_counter: float
    "Share of a head turn that the eyes take back to keep looking ahead."
    freedom: float = 1.0
    "How far one performance of this actor differs from the next; 0: not at all."


PLAIN = Actor(
    unit_gain=np.ones(len(UNITS)),
    habit=np.ones(len(UNITS)),
    rest=np.zeros(len(UNITS)),
    speed=1.0,
    lateral_left=1.0,
    blink_hz=0.0,
    sway_deg=0.0,
    rest_head_deg=np.zeros(3),
    gaze_spread=0.0,
    gaze_counter=0.0,
    freedom=0.0,
)
"Does what a label says, no more and no less, the same every time: the lexicon's labels as they are written."


def draw_actor(seed: int) -> Actor:
    """The actor of a seed."""
    rng = stream(seed, "actor")
    gain = np.exp(rng.normal(0.0, 0.15, len(UNITS))) * np.exp(rng.normal(0.0, 0.1))
    habit = np.clip(np.exp(rng.normal(-0.1, 0.4, len(UNITS))), 0.2, 1.5)
    bias = rng.normal(0.0, 0.05)
    left, right = (np.array([p[k] for p in PAIRS]) for k in (0, 1))
    gain[right], habit[right] = gain[left], habit[left]
    tilt = np.exp(bias + rng.normal(0.0, 0.04, len(PAIRS)))
    gain[left] *= tilt
    gain[right] /= tilt
    return Actor(
        unit_gain=gain,
        habit=habit,
        rest=_rest(rng),
        speed=float(np.exp(rng.normal(0.0, 0.2))),
        lateral_left=float(rng.uniform(0.2, 0.8)),
        blink_hz=float(rng.uniform(0.12, 0.42)),
        sway_deg=float(rng.uniform(0.35, 1.3)),
        rest_head_deg=rng.normal(0.0, (2.0, 2.2, 1.3)),
        gaze_spread=float(rng.uniform(0.02, 0.09)),
        gaze_counter=float(rng.uniform(0.0, 0.6)),
    )


def _rest(rng: np.random.Generator) -> np.ndarray:
    rest = np.zeros(len(UNITS))
    for name, mean in _RESTING.items():
        level = min(rng.exponential(mean), _MOST_AT_REST)
        rest[INDEX[f"{name}Left"]] = level * rng.uniform(0.8, 1.0)
        rest[INDEX[f"{name}Right"]] = level * rng.uniform(0.8, 1.0)
    for name, mean in _RESTING_SINGLE.items():
        rest[INDEX[name]] = min(rng.exponential(mean), _MOST_AT_REST)
    return rest
