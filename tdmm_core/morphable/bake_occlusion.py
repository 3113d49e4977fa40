"""How much of the light from around reaches each vertex, at rest and with every unit at full strength.

Owns the estimate: depth maps of the mesh seen from many directions, held against each vertex; knows nothing of colours.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.morphable.bake_mesh import Layout

SPACING_M = 0.0012
"Distance between the points that stand for the surface, and width of a depth map's cell."
BIAS_M = 0.0016
"How far behind the nearest surface a vertex still counts as lit."


def occlusion(layout: Layout, units: np.ndarray, *, num_directions: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """(V,) share of light at rest, 0 to 1, and (E, V) what each unit adds to it."""
    directions = _directions(num_directions)
    samples = _samples(layout)
    resting = _light(layout, layout.vertices, directions, samples)
    moved = np.stack([_light(layout, layout.vertices + unit, directions, samples) for unit in units])
    change = moved - resting
    still = np.linalg.norm(units, axis=2) < 1e-6
    change[still & (np.abs(change) < 0.03)] = 0
    return resting.astype(np.float16), np.round(change, 2).astype(np.float16)


def _directions(count: int) -> np.ndarray:
    """(count, 3) unit vectors spread evenly over the sphere (a Fibonacci lattice); those from below count too: clothes send light back."""
    index = np.arange(count) + 0.5
    height, around = 1 - 2 * index / count, np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(around), height, radius * np.sin(around)], axis=1)


def _samples(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Triangle ids (P,) and barycentric weights (P, 3) of points that cover the mesh at about SPACING_M."""
    corners = layout.vertices[layout.triangles]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = np.clip(np.ceil(longest / SPACING_M), 1, 12).astype(int)
    ids, weights = [], []
    for count in np.unique(steps):
        chosen = np.flatnonzero(steps == count)
        grid = np.array([(i + 1 / 3, j + 1 / 3) for i in range(count) for j in range(count - i)]) / count
        bary = np.concatenate([grid, 1 - grid.sum(axis=1, keepdims=True)], axis=1)
        ids.append(np.repeat(chosen, len(bary)))
        weights.append(np.tile(bary, (len(chosen), 1)))
    return np.concatenate(ids), np.concatenate(weights)


def _light(layout: Layout, vertices: np.ndarray, directions: np.ndarray, samples: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(V,) cosine-weighted share of directions from which a vertex is seen, evened out once over its neighbours."""
    triangles = layout.triangles
    corners = vertices[triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, triangles[:, k], cross)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-15
    points = np.einsum("pk,pkc->pc", samples[1], corners[samples[0]])
    probes = vertices + 0.0008 * normals
    seen, total = np.zeros(len(vertices)), np.full(len(vertices), 1e-9)
    for direction in directions:
        cosine = (normals @ direction).clip(0)
        seen += cosine * _is_seen(points, probes, direction)
        total += cosine
    share = seen / total
    sums, counts = np.zeros(len(share)), np.zeros(len(share))
    for a, b in ((0, 1), (1, 2), (2, 0)):
        np.add.at(sums, triangles[:, a], share[triangles[:, b]])
        np.add.at(counts, triangles[:, a], 1)
    return 0.5 * share + 0.5 * sums / counts.clip(1)


def _is_seen(points: np.ndarray, probes: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(V,) bool: whether nothing stands between a probe and far away along `direction`."""
    side = np.cross(direction, [0.0, 1.0, 0.0] if abs(direction[1]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    frame = np.stack([side, np.cross(direction, side)], axis=1)
    low = points.min() - 0.3
    cells = int(0.9 / SPACING_M)
    where = ((points @ frame - low) / SPACING_M).astype(int)
    depth = np.full(cells * cells, -1.0)
    np.maximum.at(depth, where[:, 0] * cells + where[:, 1], points @ direction)
    own = ((probes @ frame - low) / SPACING_M).astype(int)
    return probes @ direction + BIAS_M >= depth[own[:, 0] * cells + own[:, 1]]
