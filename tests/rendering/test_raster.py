"""The z-buffer against a slow twin, and its edges: seams, backs, what is behind the camera."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.rendering.raster import project, vertex_normals, visible


def turn(u, v):
    return u[0] * v[1] - u[1] * v[0]


def slow_visible(screen, triangles, height, width):
    """The twin: for every pixel, every triangle in double precision; nearest wins, the first on equal distance."""
    owner, nearest = np.full((height, width), -1), np.zeros((height, width))
    margin = np.full((height, width), np.inf)
    for row in range(height):
        for column in range(width):
            p = np.array([column + 0.5, row + 0.5])
            for t, corners in enumerate(triangles):
                a, b, c = screen[corners].astype(np.float64)
                if min(a[2], b[2], c[2]) <= 0:
                    continue
                area = turn(b[:2] - a[:2], c[:2] - a[:2])
                if area >= 0:
                    continue
                wa = turn(b[:2] - p, c[:2] - p) / area
                wb = turn(c[:2] - p, a[:2] - p) / area
                wc = 1 - wa - wb
                margin[row, column] = min(margin[row, column], abs(wa), abs(wb), abs(wc))
                if min(wa, wb, wc) < 0:
                    continue
                z = wa * a[2] + wb * b[2] + wc * c[2]
                if z > nearest[row, column]:
                    owner[row, column], nearest[row, column] = t, z
    return owner, nearest, margin


def fast_visible(screen, triangles, height, width):
    owner, nearest = np.empty((height, width), np.int32), np.empty((height, width), np.float32)
    visible(screen, triangles, owner, nearest)
    return owner, nearest


@given(st.integers(0, 10_000))
@settings(max_examples=12, deadline=None)
def test_it_sees_what_the_slow_twin_sees(seed):
    rng = np.random.default_rng(seed)
    vertices = rng.uniform(-1, 1, (12, 3)).astype(np.float32) - np.float32([0, 0, 2.5])
    triangles = rng.integers(0, 12, (8, 3)).astype(np.int32)
    screen = project(vertices, 11.0, 6.0, 5.0)
    owner, nearest = fast_visible(screen, triangles, 10, 12)
    expected, depth, margin = slow_visible(screen, triangles, 10, 12)
    clear = margin > 1e-3
    same = owner == expected
    ties = np.abs(nearest - depth) < 1e-5
    assert (same | ties)[clear].all()
    assert np.allclose(nearest[clear], depth[clear], atol=1e-5)


def test_neighbours_leave_no_seam():
    """A fan of thin triangles that covers the picture leaves no pixel open."""
    rng = np.random.default_rng(3)
    around = np.sort(rng.uniform(0, 2 * np.pi, 200))
    rim = np.stack([40 * np.cos(around), 40 * np.sin(around), np.full(200, -1.0)], 1)
    vertices = np.concatenate([[[0.013, 0.007, -1.0]], rim]).astype(np.float32)
    triangles = np.array([[0, 1 + i, 1 + (i + 1) % 200] for i in range(200)], np.int32)
    owner, _ = fast_visible(project(vertices, 30.0, 32.0, 32.0), triangles, 64, 64)
    assert (owner >= 0).all()


def test_projection_follows_the_camera_convention():
    points = np.float32([[0, 0, -2], [0.5, 0, -2], [0, 0.5, -2], [0, 0, 1]])
    screen = project(points, 100.0, 32.0, 24.0)
    assert np.allclose(screen[0], [32, 24, 0.5]) and np.allclose(screen[1], [57, 24, 0.5]) and np.allclose(screen[2], [32, -1, 0.5])
    assert screen[3, 2] == 0, "behind the camera"


def test_backs_and_triangles_behind_the_camera_are_not_drawn():
    front = np.float32([[-1, -1, -2], [1, -1, -2], [0, 1, -2]])
    behind = front + np.float32([0, 0, 4])
    vertices = np.concatenate([front, behind])
    for triangle, drawn in (([0, 1, 2], True), ([0, 2, 1], False), ([3, 4, 5], False), ([0, 1, 5], False)):
        owner, _ = fast_visible(project(vertices, 20.0, 16.0, 16.0), np.int32([triangle]), 32, 32)
        assert (owner >= 0).any() == drawn


def test_normals_of_a_ball_point_outward():
    rng = np.random.default_rng(0)
    from scipy.spatial import ConvexHull

    points = rng.normal(size=(80, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    inward = np.einsum("fc,fc->f", np.cross(b - a, c - a), a) < 0
    faces[inward] = faces[inward][:, ::-1]
    normals = vertex_normals(points.astype(np.float32), faces.astype(np.int32))
    assert (np.einsum("vc,vc->v", normals, points) > 0.8).all()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
