"""Points on surfaces against their slow twins."""

from __future__ import annotations

import numpy as np
import pytest

from tdmm_core.fitting.surface import areas_of, edge_laplacian, nearest_points, normals_of, points_at


def bumpy(count: int = 14) -> tuple[np.ndarray, np.ndarray]:
    """A wavy square sheet."""
    x, y = np.meshgrid(np.linspace(0, 1, count), np.linspace(0, 1, count), indexing="ij")
    vertices = np.stack([x, y, 0.15 * np.sin(4 * x + 3 * y)], axis=-1).reshape(-1, 3)
    corner = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    triangles = np.concatenate([np.stack([corner, corner + count, corner + count + 1], 1), np.stack([corner, corner + count + 1, corner + 1], 1)])
    return vertices, triangles


def test_nearest_points_are_nearest() -> None:
    """Against all triangles, sampled finely."""
    vertices, triangles = bumpy()
    points = np.random.default_rng(0).uniform((-0.1, -0.1, -0.3), (1.1, 1.1, 0.3), (60, 3))
    chosen, weights = nearest_points(points, vertices, triangles)
    found = points_at(vertices, triangles[chosen], weights)
    assert (weights >= -1e-12).all() and weights.sum(1) == pytest.approx(1)
    u, v = (a[np.add(*np.indices((25, 25))) <= 24].ravel() / 24 for a in np.indices((25, 25)))
    every = np.stack([1 - u - v, u, v], 1) @ vertices[triangles].transpose(1, 0, 2).reshape(3, -1)
    every = every.reshape(-1, 3)
    slow = np.array([np.linalg.norm(every - p, axis=1).min() for p in points])
    fast = np.linalg.norm(points - found, axis=1)
    assert (fast <= slow + 1e-9).all()
    assert fast == pytest.approx(slow, abs=0.004)


def test_points_on_the_surface_are_their_own_nearest() -> None:
    vertices, triangles = bumpy()
    rng = np.random.default_rng(1)
    chosen, weights = rng.integers(0, len(triangles), 50), rng.dirichlet(np.ones(3), 50)
    points = points_at(vertices, triangles[chosen], weights)
    again, at = nearest_points(points, vertices, triangles)
    assert points_at(vertices, triangles[again], at) == pytest.approx(points, abs=1e-9)


def test_areas_and_normals() -> None:
    vertices, triangles = bumpy()
    flat = vertices * (1, 1, 0)
    assert areas_of(flat, triangles).sum() == pytest.approx(1)
    assert normals_of(flat, triangles) == pytest.approx(np.tile((0, 0, 1), (len(flat), 1)))


def test_the_laplacian_bends_nothing_that_is_even() -> None:
    vertices, triangles = bumpy()
    laplacian = edge_laplacian(triangles, len(vertices) + 1)
    assert np.abs(laplacian @ np.ones(len(vertices) + 1))[:-1].max() < 1e-12
    assert laplacian[len(vertices)].nnz == 0 or np.abs(laplacian[len(vertices)]).max() == 0
