"""Points on triangle meshes: where a barycentric point lies, which point of a surface is nearest, how an edge graph smooths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy import sparse

_NEIGHBOURS = 6
"Vertices around whose triangles the nearest point is looked for."


def points_at(vertices: np.ndarray, triangles: np.ndarray, barycentric: np.ndarray) -> np.ndarray:
    """(..., P, 3) points with weights (P, 3) in corners (P, 3) of (..., V, 3) vertices."""
    # sum over corners: w_c x_c
    return np.einsum("pc,...pcx->...px", barycentric, vertices[..., triangles, :])


def normals_of(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, each the mean of its triangles' by area; zero where a vertex has none."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    of_triangles = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], of_triangles)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-30)


def areas_of(vertices: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """(V,) square metres: a third of every triangle around each vertex."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    thirds = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(triangles.ravel(), np.repeat(thirds, 3), minlength=len(vertices))


def nearest_points(points: np.ndarray, vertices: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Triangle (P,) and barycentric weights (P, 3) of the nearest surface point to each of (P, 3), among triangles around the nearest vertices."""
    from scipy.spatial import cKDTree

    used = np.unique(triangles)
    _, near = cKDTree(vertices[used]).query(points, k=_NEIGHBOURS)
    around = _triangles_around(triangles, len(vertices))
    best, winner, weights = np.full(len(points), np.inf), np.zeros(len(points), np.int64), np.zeros((len(points), 3))
    for column in used[near].T:
        candidates = around[column]  # (P, most)
        for triangle in candidates.T:
            known = triangle >= 0
            found = _nearest_in_triangle(points[known], vertices[triangles[triangle[known]]])
            place = np.einsum("pc,pcx->px", found, vertices[triangles[triangle[known]]])
            distance = np.full(len(points), np.inf)
            distance[known] = ((points[known] - place) ** 2).sum(1)
            better = distance < best
            best[better], winner[better] = distance[better], triangle[better]
            weights[better] = found[better[known]]
    return winner, weights


def _triangles_around(triangles: np.ndarray, count: int) -> np.ndarray:
    """(V, most) ids of the triangles around each vertex, -1 where there are fewer."""
    corners = triangles.ravel()
    order = np.argsort(corners, kind="stable")
    number = np.bincount(corners, minlength=count)
    place = np.arange(len(corners)) - np.repeat(np.concatenate([[0], np.cumsum(number)[:-1]]), number)
    table = np.full((count, int(number.max(initial=1))), -1)
    table[corners[order], place] = order // 3
    return table


def _nearest_in_triangle(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(P, 3) weights of the nearest point within each triangle (P, 3, 3): the foot of the perpendicular, else the nearest on an edge."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (ap * ab).sum(1), (ap * ac).sum(1)
    area = (d00 * d11 - d01 * d01).clip(1e-30)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    inside = (v >= 0) & (w >= 0) & (v + w <= 1)
    weights = np.stack([1 - v - w, v, w], axis=1)
    weights[~inside] = _nearest_on_edges(points[~inside], corners[~inside])
    return weights


def _nearest_on_edges(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    best, weights = np.full(len(points), np.inf), np.zeros((len(points), 3))
    for first, second in ((0, 1), (1, 2), (2, 0)):
        start, edge = corners[:, first], corners[:, second] - corners[:, first]
        along = (((points - start) * edge).sum(1) / (edge * edge).sum(1).clip(1e-30)).clip(0, 1)
        distance = ((points - start - along[:, None] * edge) ** 2).sum(1)
        better = distance < best
        best[better] = distance[better]
        weights[better] = 0
        weights[better, first], weights[better, second] = 1 - along[better], along[better]
    return weights


def edge_laplacian(triangles: np.ndarray, count: int) -> sparse.csr_matrix:
    """(V, V): each vertex less the mean of its neighbours; zero rows where it has none."""
    from scipy import sparse

    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0)
    number = np.bincount(edges[:, 0], minlength=count)
    means = sparse.csr_matrix((1.0 / number[edges[:, 0]], (edges[:, 0], edges[:, 1])), shape=(count, count))
    return (sparse.diags((number > 0).astype(float)) - means).tocsr()
