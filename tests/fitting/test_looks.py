"""Looks: lines of sight, and what looks are free of."""

from __future__ import annotations

import numpy as np
import pytest

from tdmm_core.fitting.landmarks import NUM_SCORES
from tdmm_core.fitting.looks import joined, line_of_sight, look
from tdmm_core.morphable.rotations import axis_angle_to_matrix

LANDMARKS = 30
SIZE = (320, 240)


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
    face = rng.normal(0, (0.05, 0.06, 0.03), (LANDMARKS, 3))
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
    both = joined([first, second])
    assert np.array_equal(both[1:].features, second.features) and both.scale.shape == (2,)
