from __future__ import annotations

import numpy as np

from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.tokenization.roaming import roamed
from tdmm_core.tokenization.windows import mirrored_units

COUNTERPARTS = mirrored_units(load_open_head().expression_names)


def some(count: int, frames: int = 80) -> np.ndarray:
    still = np.zeros((frames, len(COUNTERPARTS)), np.float32)
    return np.stack([roamed(still, COUNTERPARTS, np.random.default_rng(s)) for s in range(count)])


def test_units_stay_units_and_move_smoothly():
    made = some(200)
    assert made.dtype == np.float32 and made.min() >= 0 and made.max() <= 1
    assert np.abs(np.diff(made, axis=1)).max() < 0.6


def test_every_unit_is_driven_far_alone_and_in_company():
    made = some(600)
    assert (made.max(axis=(0, 1)) > 0.7).all()
    at_once = (made > 0.3).sum(axis=2)
    assert (at_once == 0).any() and (at_once == 1).any() and (at_once > 6).any()


def test_sides_mostly_go_together_and_not_always():
    made = some(300)
    paired = np.flatnonzero(np.arange(len(COUNTERPARTS)) != COUNTERPARTS)
    apart = np.abs(made[..., paired] - made[..., COUNTERPARTS[paired]]).max(axis=1)
    assert np.median(apart) < 0.2 < 0.5 < apart.max()


def test_the_clip_shows_through_and_chance_is_the_streams():
    expression = np.zeros((40, len(COUNTERPARTS)), np.float32)
    expression[:, 3] = 1.0
    made = [roamed(expression, COUNTERPARTS, np.random.default_rng(s)) for s in (1, 1, 2)]
    assert np.array_equal(made[0], made[1]) and not np.array_equal(made[0], made[2])
    assert all((m[:, 3] >= 0.3).all() for m in made)
