"""The learned start: lines of sight, what looks are free of, and a made-up world whose answers are linear in what is seen."""

from __future__ import annotations

import numpy as np
import pytest

from tdmm_core.fitting.landmarks import NUM_SCORES
from tdmm_core.fitting.start import learn_start, line_of_sight, look
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle

LANDMARKS, UNITS, PEOPLE, PICTURES = 30, 4, 240, 8
SIZE = (320, 240)


def a_face(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, (0.05, 0.06, 0.03), (LANDMARKS, 3))


def test_a_line_of_sight_turns_straight_ahead_into_the_ray() -> None:
    aside = np.array([[0.3, 0.0], [0.0, 0.4], [-0.2, 0.1], [0.0, 0.0]])
    rays = line_of_sight(aside) @ np.array([0, 0, -1.0])
    assert np.allclose(rays[:, :2] / -rays[:, 2:], aside)
    assert np.allclose(line_of_sight(aside)[3], np.eye(3))


def test_looks_are_free_of_place_size_and_tilt() -> None:
    """The same face enlarged and tilted in the picture shows the same offsets, as long as the network says how it is turned.

    Its middle lies a little elsewhere then, and so does the line of sight.
    """
    rng = np.random.default_rng(0)
    face = a_face(rng)
    turned = axis_angle_to_matrix(np.array([[0.1, 0.2, 0.0]]))
    odd = (face + rng.normal(0, 0.003, face.shape)) @ turned[0].T
    tilt = axis_angle_to_matrix(np.array([[0, 0, 0.4]]))
    pictures = [np.array([160, 120]) + size * (odd @ r.T)[:, :2] * (1, -1) for size, r in ((900, np.eye(3)), (1500, tilt[0]))]
    none = np.zeros((1, NUM_SCORES))
    first = look(face, pictures[0][None], none, turned, SIZE)
    second = look(face, pictures[1][None], none, tilt @ turned, SIZE)
    offsets = [x.features[0, : 2 * LANDMARKS] for x in (first, second)]
    assert np.abs(offsets[0]).max() > 0.002 and np.allclose(offsets[0], offsets[1], atol=5e-4)
    assert second.scale[0] / first.scale[0] == pytest.approx(1500 / 900, rel=1e-3)


def world(rng: np.random.Generator) -> tuple[object, ...]:
    """People whose landmarks move with expression and who differ for ever; the network's rotation errs by what the landmarks show."""
    face, moves, strange = a_face(rng), rng.normal(0, 0.01, (UNITS, LANDMARKS, 3)), rng.normal(0, 0.01, (2, LANDMARKS, 3))
    person = np.repeat(np.arange(PEOPLE), PICTURES)
    expression = rng.uniform(0, 1, (len(person), UNITS)) * rng.uniform(0.2, 1, (PEOPLE, 1))[person]
    oddity = rng.normal(0, 1, (PEOPLE, 2))[person]
    rotation, focal = rng.normal(0, 0.15, (len(person), 3)), np.exp(rng.uniform(5.7, 6.3, PEOPLE))[person]
    points = face + np.tensordot(expression, moves, 1) + np.tensordot(oddity, strange, 1)
    true = axis_angle_to_matrix(rotation)
    placed = points @ true.transpose(0, 2, 1)
    pixels = np.array(SIZE) / 2 + 900 * placed[..., :2] * (1, -1)
    wrong = np.concatenate([0.1 * oddity[:, :1], np.zeros((len(person), 2))], axis=1)
    scores = np.zeros((len(person), NUM_SCORES))
    scores[:, :UNITS] = expression + rng.normal(0, 0.05, expression.shape)
    looks = look(face, pixels, scores, true @ axis_angle_to_matrix(-wrong), SIZE)
    return looks, person, expression, rotation, focal


def test_what_landmarks_and_scores_tell_is_learned() -> None:
    looks, person, expression, rotation, focal = world(np.random.default_rng(1))
    start = learn_start(looks, person, expression, rotation, focal)
    errors, turns, untaught = [], [], []
    for who in range(20):
        rows = person == who
        mine = type(looks)(**{k: v[rows] for k, v in vars(looks).items()})
        average = mine.features.mean(0)
        errors.append(np.abs(start.expression(mine.features, average) - expression[rows]).mean())
        true = axis_angle_to_matrix(rotation[rows])
        turns.append(geodesic_angle(start.rotation(mine, average, focal[rows][0]), true).mean())
        untaught.append(geodesic_angle(mine.turned, true).mean())
    assert np.mean(errors) < 0.06
    assert np.mean(turns) < 0.5 * np.mean(untaught)
    assert start.moving_noise[:UNITS].max() < 0.1 and start.steady.dtype == np.float16
