"""Box-constrained least squares: as good as a slow solver frame by frame, within its bounds, and even where asked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from tdmm_core.fitting.box import solve_box


def problem(frames: int = 7, count: int = 9, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    matrix, wanted = rng.normal(size=(30, count)), rng.normal(size=(frames, 30)) * 2
    return matrix, wanted, matrix.T @ matrix + 0.1 * np.eye(count), wanted @ matrix


@pytest.mark.parametrize("seed", range(4))
def test_as_a_slow_solver_frame_by_frame(seed: int) -> None:
    matrix, wanted, products, toward = problem(seed=seed)
    found = solve_box(products, toward)
    with_ridge = np.concatenate([matrix, np.sqrt(0.1) * np.eye(matrix.shape[1])])
    for frame, goal in enumerate(wanted):
        slow = lsq_linear(with_ridge, np.concatenate([goal, np.zeros(matrix.shape[1])]), bounds=(0, 1), tol=1e-12).x
        assert found[frame] == pytest.approx(slow, abs=2e-4)


def test_bounds_of_each_frame_hold() -> None:
    _, _, products, toward = problem()
    low = np.zeros(toward.shape)
    low[3, 2] = 0.7
    high = np.ones(toward.shape)
    high[:, 4] = 0.25
    found = solve_box(products, toward, low=low, high=high)
    assert (found >= low - 1e-12).all() and (found <= high + 1e-12).all()
    assert found[3, 2] >= 0.7


def test_with_evenness_nothing_near_is_better() -> None:
    _, _, products, toward = problem(frames=6)

    def cost(e: np.ndarray) -> float:
        return float((0.5 * np.einsum("te,ef,tf->", e, products, e)) - (toward * e).sum() + 0.5 * 3.0 * (np.diff(e, axis=0) ** 2).sum())

    found = solve_box(products, toward, evenness=3.0)
    rng = np.random.default_rng(1)
    for _ in range(300):
        assert cost(np.clip(found + rng.normal(0, 0.02, found.shape), 0, 1)) >= cost(found) - 1e-9
    assert np.abs(np.diff(found, axis=0)).sum() < np.abs(np.diff(solve_box(products, toward), axis=0)).sum()


def test_one_frame() -> None:
    _, _, products, toward = problem(frames=1)
    assert solve_box(products, toward, evenness=5.0) == pytest.approx(solve_box(products, toward), abs=1e-5)
