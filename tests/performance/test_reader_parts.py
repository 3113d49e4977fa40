"""The reader's arithmetic against slow twins: runs, stretches, mixtures, angles."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from tdmm_core.performance.envelopes import hold
from tdmm_core.performance.head_events import head_angles
from tdmm_core.performance.mixtures import mixtures
from tdmm_core.performance.perform import _orient
from tdmm_core.performance.runs import Hysteresis, find_runs
from tdmm_core.performance.segments import cut


def one(level: np.ndarray, *, gap_s: float = 0.2) -> list:
    limits = Hysteresis(high=np.full(level.shape[1], 0.2), low=np.full(level.shape[1], 0.1), gap_s=gap_s)
    return find_runs(level, limits, 25.0)


@pytest.mark.parametrize(("onset_s", "offset_s"), [(0.2, 0.3), (0.4, 0.6), (0.9, 0.9)])
def test_onset_and_end_do_not_depend_on_height(onset_s, offset_s):
    times = np.arange(125) / 25
    for height in (0.3, 0.6, 1.0):
        (run,) = one(height * hold(times, np.array([1.0]), 4.0, onset_s, offset_s))
        assert run.onset_s == pytest.approx(1.0, abs=0.06)
        assert run.end_s == pytest.approx(4.0, abs=0.2)
        assert run.height == pytest.approx(height, abs=0.01)


def slow_runs(curve: np.ndarray, gap: int) -> list[tuple[int, int]]:
    runs: list[list[int]] = []
    for t, value in enumerate(curve):
        if value > 0.1:
            if runs and t - runs[-1][1] < gap + 1:
                runs[-1][1] = t
            else:
                runs.append([t, t])
    return [(a, b) for a, b in runs if curve[a : b + 1].max() > 0.2 and b - a + 1 >= 2.5]


def test_runs_are_those_of_a_plain_loop():
    rng = np.random.default_rng(3)
    for _ in range(20):
        level = np.where(rng.random((80, 6)) < 0.3, rng.choice([0.15, 0.3], (80, 6)), 0.0)
        found = one(level, gap_s=0.12)
        for column in range(6):
            peaks = [round(r.apex_s * 25) for r in found if r.column == column]
            slow = slow_runs(level[:, column], 3)
            assert len(peaks) == len(slow)
            assert all(a <= p <= b for p, (a, b) in zip(peaks, slow, strict=True))


def slow_cut(curves: np.ndarray, penalty: float, shortest: int) -> float:
    """Least cost over all partitions, one by one."""
    best, places = np.inf, range(1, len(curves))
    for parts in range(4):
        for inner in combinations(places, parts):
            edges = (0, *inner, len(curves))
            if min(np.diff(edges)) >= shortest:
                best = min(best, cost(curves, edges, penalty))
    return best


def cost(curves: np.ndarray, edges, penalty: float) -> float:
    return sum(((curves[a:b] - curves[a:b].mean(axis=0)) ** 2).sum() for a, b in pairwise(edges)) + penalty * (len(edges) - 2)


def test_cuts_are_the_best_ones():
    rng = np.random.default_rng(5)
    for _ in range(10):
        curves = np.repeat(rng.normal(size=(3, 2)), 4, axis=0) + 0.1 * rng.normal(size=(12, 2))
        edges = cut(curves, penalty=0.5, shortest=2, longest=12)
        assert cost(curves, edges, 0.5) == pytest.approx(slow_cut(curves, 0.5, 2))


def test_mixtures_find_the_labels_that_were_mixed():
    rng = np.random.default_rng(7)
    patterns = np.where(rng.random((30, 52)) < 0.1, rng.uniform(0.3, 1.0, (30, 52)), 0.0)
    bounds = np.tile([0.12, 1.35], (30, 1))
    right = 0
    for _ in range(40):
        rows = np.sort(rng.choice(30, rng.integers(1, 4), replace=False))
        strengths = rng.uniform(0.4, 1.0, len(rows))
        face = strengths @ patterns[rows]
        found = [m for m in mixtures(face, patterns, bounds, np.ones(52)) if len(m.rows) == len(rows)]
        best = min(found, key=lambda m: m.misfit)
        right += best.rows == tuple(rows) and np.allclose(best.strengths, strengths, atol=0.02)
    assert right >= 38


def test_misfit_is_what_least_squares_leaves():
    rng = np.random.default_rng(9)
    patterns, face = rng.uniform(0, 1, (8, 52)), rng.uniform(0, 0.6, 52)
    found = mixtures(face, patterns, np.tile([-9.0, 9.0], (8, 1)), np.ones(52))
    assert found[0].rows == () and all(m.misfit <= found[0].misfit + 1e-9 for m in found)
    bigger = {len(m.rows): m.misfit for m in reversed(found) if m.rows}
    assert bigger[1] >= bigger[2] >= bigger[3]


def test_angles_are_those_that_were_performed():
    rng = np.random.default_rng(1)
    pose = rng.uniform(-50, 50, (200, 3))
    np.testing.assert_allclose(head_angles(_orient(pose)), pose, atol=1e-3)
