"""Faces that no script asks for: units drawn by chance rise and fall together. Knows of a unit which one is its counterpart, and no network.

Scripts name what has a name, so their corpus holds few of the faces that a performer passes through: single units driven to their end, loose
mixtures of many, a rest that is not neutral. A codebook that has never seen them serves them badly, whatever its network.
"""

from __future__ import annotations

import numpy as np

MOST_EVENTS, MOST_UNITS = 5, 5
"Events in a window, and units that one brings."
BOTH_SIDES = 0.75
"Share of events that both sides of the face take part in, not quite alike."
RAMP_FRAMES, HOLD_FRAMES = (4.0, 20.0), 15.0
"Shortest and longest rise or fall, and the mean time between."
REST, MOST_REST = (0.01, 0.1), 0.6
"Mean of a resting unit, drawn for each window, and the most that one may show."


def roamed(expression: np.ndarray, counterparts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(T, E) units, 0 to 1, over a weakened (T, E) expression; `counterparts` (E,) says which unit is each one's on the other side.

    Strengths add like probabilities, 1 - (1 - a)(1 - b), and so stay below 1.
    """
    frames, units = expression.shape
    rest = random.exponential(random.uniform(*REST), units)
    rest = (0.5 * (rest + rest[counterparts]) * random.uniform(0.7, 1.3, units)).clip(0, MOST_REST)
    left = (1 - random.uniform(0.3, 1.0) * expression) * (1 - rest)
    for _ in range(random.integers(1, MOST_EVENTS + 1)):
        left *= 1 - _course(frames, random)[:, None] * _face(counterparts, random)
    return (1 - left).astype(np.float32)


def _face(counterparts: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(E,) of a few units."""
    units = len(counterparts)
    face = np.zeros(units)
    drawn = random.integers(0, units, random.integers(1, MOST_UNITS + 1))
    face[drawn] = random.uniform(0.15, 1.0, len(drawn))
    if random.random() < BOTH_SIDES:
        face = np.maximum(face, face[counterparts] * random.uniform(0.8, 1.2, units))
    return face.clip(0, 1)


def _course(frames: int, random: np.random.Generator) -> np.ndarray:
    """(T,) 0 to 1: a rise, a hold and a fall somewhere."""
    rise, fall = random.uniform(*RAMP_FRAMES, 2)
    start, hold = random.uniform(-RAMP_FRAMES[1], frames), random.exponential(HOLD_FRAMES)
    time = np.arange(frames)
    part = np.minimum((time - start) / rise, (start + rise + hold + fall - time) / fall).clip(0, 1)
    return part * part * (3 - 2 * part)
