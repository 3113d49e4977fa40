"""Learning the start from drawn people. Of calibration's doing alone: only there torch is loaded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from tdmm_core.fitting.landmarks import NUM_SCORES
from tdmm_core.fitting.start import ROTATION_UNIT, Start
from tdmm_core.fitting.start_lessons import Lessons, Mirror, Side
from tdmm_core.fitting.start_pupil import Pupil

_SCORE_UNIT, _TURN_UNIT = 1 / 3, 1 / 3
"What counts like one standard deviation of a landmark direction: of scores, and of the network's rotation in radians."
_DIRECTIONS, _WHITENING, _ENOUGH = 130, 0.6, 6000
"How many directions of landmarks are heard, how far small ones are raised to the large ones' size (0 not, 1 wholly), and pictures that tell them."
_FAITH, _UNIT_COST, _LEAST_SHARE, _MOST_STRENGTH = 3.0, 0.3, 0.02, 2.0
"What a square of strength that is missing costs, and one of error beside square millimetres; bounds."
_JUDGES = 8
"One person in so many is not learned from, but judges."


def learn_start(lessons: Lessons, metric: np.ndarray, *, mirror: Mirror | None = None, epochs: int = 45, seed: int = 0) -> Start:
    """Learn from people. `metric` (E, E): mean square millimetres that a change of expression moves the face."""
    judging = np.arange(len(lessons.shape)) % _JUDGES == _JUDGES - 1
    taught, judges = lessons[~judging], lessons[judging]
    usual, heard = taught.features.mean((0, 1)), _directions(taught.features)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sides = [taught] if mirror is None else [taught, mirror.of(taught)]
        units = _units(taught)
        told = [Side(side, usual=usual, heard=heard, units=units) for side in sides]
        pupil = Pupil(heard.shape[1], len(units))
        pupil.begin_linear(told)
        pupil.learn(told, torch.tensor(metric, dtype=torch.float32), epochs=epochs)
    named = {"usual": usual.astype(np.float32), "heard": heard.astype(np.float16), **pupil.weights()}
    return _judged(Start(**named, strength=np.ones(len(metric), np.float32), noise=np.ones(len(units) - 1, np.float32)), judges, np.diag(metric))


def _judged(start: Start, judges: Lessons, costs: np.ndarray) -> Start:
    """The start with strength and noise as people find them who taught it nothing."""
    plain = np.stack([start.answers(seen, start.gist(seen)) for seen in judges.features])
    strong = replace(start, strength=strength(plain[..., :-4], judges.answers[..., :-4], costs).astype(np.float32))
    left = np.stack([strong.strengthened(answers) for answers in plain]) - judges.answers
    return replace(strong, noise=np.sqrt((left**2).mean((0, 1)))[:-1].astype(np.float32))


def strength(told: np.ndarray, true: np.ndarray, costs: np.ndarray) -> np.ndarray:
    """(E,) factors for answers `told` (P, T, E) where (P, T, E) is true, the dearer an error the smaller: (E,) mean square millimetres of each unit.

    Let answers fall to a share s of the truth, in differences from a person's mean. A factor g leaves (1 - g s)^2 of what is true unsaid, and adds
    (g - 1)^2 of what is said to the error; the sum is least at the factor returned.
    """
    said, meant = (x - x.mean(1, keepdims=True) for x in (told, true))
    size = (meant**2).mean((0, 1)) + 1e-9
    share = np.clip((said * meant).mean((0, 1)) / size, _LEAST_SHARE, 1)
    added, unsaid = (said**2).mean((0, 1)) * (costs + _UNIT_COST), _FAITH * size
    return np.clip((added + unsaid * share) / (added + unsaid * share**2), 1, _MOST_STRENGTH)


def _units(lessons: Lessons) -> np.ndarray:
    """(E + 4,) what each answer is measured in."""
    units = np.ones(lessons.answers.shape[-1])
    units[-4:-1] = ROTATION_UNIT
    return units


def _directions(features: np.ndarray) -> np.ndarray:
    """(F, D): the landmarks' principal directions over (P, T, F) looks, small ones raised, then scores and rotation as they are."""
    flat = features.reshape(-1, features.shape[-1])
    landmarks = flat.shape[1] - NUM_SCORES - 3
    some = flat[:: max(1, len(flat) // _ENOUGH), :landmarks]
    _, sizes, rows = np.linalg.svd(some - some.mean(0), full_matrices=False)
    count = min(_DIRECTIONS, int((sizes > 1e-6 * sizes[0]).sum()))
    spread = sizes[:count] / np.sqrt(len(some))
    heard = np.zeros((flat.shape[1], count + NUM_SCORES + 3))
    heard[:landmarks, :count] = rows[:count].T / (spread**_WHITENING * spread[0] ** (1 - _WHITENING))
    heard[landmarks:-3, count:-3] = np.eye(NUM_SCORES) / _SCORE_UNIT
    heard[-3:, -3:] = np.eye(3) / _TURN_UNIT
    return heard
