"""Lays the open head out: which vertices it has, their triangles and regions, and finer eyeballs in place of the source's.

Every vertex of the open head is a fixed linear combination of source vertices, so that units and identities carry over exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tdmm_core.morphable.bake_source import Source

REGIONS = ("skin", "lips", "brows", "sclera", "iris", "eye_cavity", "mouth_cavity", "teeth", "tongue")
PARTS = (
    ("head", "skin"), ("eye_cavity.L", "eye_cavity"), ("eye_cavity.R", "eye_cavity"), ("mouth_cavity", "mouth_cavity"),
    ("helper-upper-teeth", "teeth"), ("helper-lower-teeth", "teeth"), ("helper-tongue", "tongue"),
)  # fmt: skip
EYE_RINGS_DEG = (6.0, 12.0, 18.0, 24.0, 32.0, 42.0, 54.0, 68.0, 84.0, 102.0, 120.0)
"Polar angles of the eyeball's rings around the gaze; the iris ends at IRIS_DEG."
EYE_SECTORS = 24
IRIS_DEG = 24.0
CORNEA_BULGE = 0.03
"Height of the cornea above the eyeball, as a share of its radius."


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The open head's mesh and where each vertex comes from."""

    mixing: sparse.csr_matrix
    "(V, N): open head vertices as combinations of source vertices."
    vertices: np.ndarray
    "(V, 3) float64, metres."
    triangles: np.ndarray
    "(F, 3) int32."
    quads: np.ndarray
    "(Q, 4): the skin's quads, before they were split; rings are counted on them."
    triangle_region: np.ndarray
    "(F,) uint8 indices into REGIONS."
    parts: dict[str, np.ndarray]
    "Part name -> sorted vertex ids; eyes are eye.L and eye.R."
    eye_direction: np.ndarray
    "(V, 3) unit direction from the eyeball's centre in its own frame (gaze = +z); zeros elsewhere."
    loops: dict[str, np.ndarray]
    "Vertex ids where the skin meets `mouth_cavity`, `eye_cavity.L`, `eye_cavity.R`."


def lay_out(source: Source) -> Layout:
    """Skin, cavities, teeth and tongue as the source has them, then two new eyeballs."""
    used = np.unique(np.concatenate([source.quads[name].ravel() for name, _ in PARTS]))
    number = np.full(len(source.vertices), -1)
    number[used] = np.arange(len(used))
    parts = {name: np.unique(number[source.quads[name]]) for name, _ in PARTS}
    loops = {name: np.intersect1d(parts["head"], parts[name]) for name in ("mouth_cavity", "eye_cavity.L", "eye_cavity.R")}
    keep = sparse.csr_matrix((np.ones(len(used)), (np.arange(len(used)), used)), shape=(len(used), len(source.vertices)))
    triangles, regions, rows = [], [], [keep]
    for name, region in PARTS:
        triangles.append(number[_split(source.quads[name], source.vertices)])
        regions.append(np.full(len(triangles[-1]), REGIONS.index(region)))
    directions = [np.zeros((len(used), 3))]
    count = len(used)
    for side in "LR":
        mixing, direction, faces, is_iris = _eyeball(source, f"helper-{side.lower()}-eye")
        rows.append(mixing)
        directions.append(direction)
        triangles.append(faces + count)
        regions.append(np.where(is_iris, REGIONS.index("iris"), REGIONS.index("sclera")))
        parts[f"eye.{side}"] = np.arange(count, count + len(direction))
        count += len(direction)
    mixing = sparse.vstack(rows).tocsr()
    return Layout(
        quads=number[source.quads["head"]],
        mixing=mixing, vertices=mixing @ source.vertices, triangles=np.concatenate(triangles).astype(np.int32),
        triangle_region=np.concatenate(regions).astype(np.uint8), parts=parts, eye_direction=np.concatenate(directions), loops=loops,
    )  # fmt: skip


def _split(quads: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Two triangles of each quad, along its shorter diagonal."""
    a, b, c, d = quads.T
    short = np.linalg.norm(vertices[a] - vertices[c], axis=1) <= np.linalg.norm(vertices[b] - vertices[d], axis=1) + 1e-7
    first = np.where(short[:, None], np.stack([a, b, c], 1), np.stack([a, b, d], 1))
    second = np.where(short[:, None], np.stack([a, c, d], 1), np.stack([b, c, d], 1))
    return np.concatenate([first, second])


def _eyeball(source: Source, group: str) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray, np.ndarray]:
    """Mixing rows, directions, triangles and iris flags of a sphere with rings around the gaze, in place of the source's coarse eyeball."""
    old = np.unique(source.quads[group])
    points = source.vertices[old]
    centre, radius = _sphere(points)
    polar = np.radians(EYE_RINGS_DEG)[:, None]
    around = (np.arange(EYE_SECTORS) * 2 * np.pi / EYE_SECTORS)[None]
    rings = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar) * np.ones_like(around)], -1)
    direction = np.concatenate([[[0.0, 0.0, 1.0]], rings.reshape(-1, 3)])
    angle = np.degrees(np.arccos(direction[:, 2].clip(-1, 1)))
    bulge = CORNEA_BULGE * np.clip(1 - (angle / (IRIS_DEG * 1.15)) ** 2, 0, None)
    wanted = centre + radius * (1 + bulge[:, None]) * direction
    # smallest weights w with  w . 1 = 1  and  w . points = wanted: exact under every affine motion of the source's eyeball
    homogeneous = np.concatenate([points, np.ones((len(points), 1))], axis=1)
    weights = np.concatenate([wanted, np.ones((len(wanted), 1))], axis=1) @ np.linalg.pinv(homogeneous)
    rows = np.repeat(np.arange(len(wanted)), len(old))
    mixing = sparse.csr_matrix((weights.ravel(), (rows, np.tile(old, len(wanted)))), shape=(len(wanted), len(source.vertices)))
    faces = _ring_faces(len(EYE_RINGS_DEG), EYE_SECTORS)
    return mixing, direction, faces, (angle[faces] <= IRIS_DEG + 0.1).all(axis=1)


def _sphere(points: np.ndarray) -> tuple[np.ndarray, float]:
    """Least squares centre and radius of points on a sphere, cornea left out."""
    back = points[points[:, 2] < points[:, 2].max() - 0.004]
    a = np.concatenate([2 * back, np.ones((len(back), 1))], axis=1)
    solution = np.linalg.lstsq(a, (back**2).sum(1), rcond=None)[0]
    return solution[:3], float(np.sqrt(solution[3] + solution[:3] @ solution[:3]))


def _ring_faces(num_rings: int, sectors: int) -> np.ndarray:
    """Triangles of a pole (vertex 0) and rings around it, outward."""
    here, after = np.arange(sectors), (np.arange(sectors) + 1) % sectors
    faces = [np.stack([np.zeros(sectors, int), 1 + here, 1 + after], 1)]
    for ring in range(num_rings - 1):
        inner, outer = 1 + ring * sectors, 1 + (ring + 1) * sectors
        faces.append(np.stack([inner + here, outer + here, outer + after], 1))
        faces.append(np.stack([inner + here, outer + after, inner + after], 1))
    return np.concatenate(faces)
