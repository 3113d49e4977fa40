"""Properties of the metrics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from tdmm_core.evaluation import metrics

seeds = st.integers(0, 2**32 - 1)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_vertex_error_is_a_distance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, c = rng.normal(size=(3, 4, 6, 3))
    mask = rng.random(6) < 0.7
    mask[0] = True
    error = lambda x, y: metrics.vertex_error_mm(x, y, mask)  # noqa: E731
    assert error(a, a) == 0 and error(a, b) == pytest.approx(error(b, a))
    assert error(a, c) <= error(a, b) + error(b, c) + 1e-9
    shifted = a + np.array([0, 0.003, 0.004])
    assert error(a, shifted) == pytest.approx(5.0)


def test_vertex_error_ignores_what_the_mask_leaves_out() -> None:
    a = np.zeros((2, 3, 3))
    b = a.copy()
    b[:, 2] = 9
    assert metrics.vertex_error_mm(a, b, np.array([True, True, False])) == 0


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_constant_velocity_has_no_jitter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, velocity = rng.normal(size=(2, 5, 3))
    line = start + np.arange(7)[:, None, None] * velocity
    assert metrics.jitter_mm(line, np.ones(5, bool)) == pytest.approx(0, abs=1e-9)
    line[3] += 0.001
    assert metrics.jitter_mm(line, np.ones(5, bool)) > 0
    assert np.isnan(metrics.jitter_mm(line[:2], np.ones(5, bool)))


def test_l2_is_taken_over_the_true_length() -> None:
    truth = np.arange(6.0)[:, None] * [[3.0, 4.0]]
    assert metrics.parameter_l2(truth, truth) == 0
    assert metrics.parameter_l2(np.vstack([truth, 99 * truth]), truth) == 0
    held = metrics.parameter_l2(truth[:5], truth)
    assert held == pytest.approx(5 / 6)


@given(seeds)
@settings(max_examples=10, deadline=None)
def test_frechet_distance_against_its_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)), rng.normal(size=(50, 4)) + 1
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    slow = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca + cb - 2 * linalg.sqrtm(ca @ cb).real)
    assert metrics.frechet_distance(a, b) == pytest.approx(slow, rel=1e-3, abs=1e-3)
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-4)
    assert metrics.frechet_distance(a, a + 2) == pytest.approx(16, rel=1e-3)


def test_perplexity_at_its_ends() -> None:
    assert metrics.perplexity(np.zeros((9, 1), int), 16) == pytest.approx(1)
    assert metrics.perplexity(np.arange(16), 16) == pytest.approx(16)


def test_features_see_speed() -> None:
    slow, fast = np.sin(np.arange(50) * 0.1)[:, None], np.sin(np.arange(50) * 0.8)[:, None]
    assert metrics.motion_features(fast)[2] > 3 * metrics.motion_features(slow)[2]
    assert np.isfinite(metrics.motion_features(slow[:1])).all()
