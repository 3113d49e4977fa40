"""Which point of one face model is which of another: aligned by landmarks, then one face is laid over the other by a smooth deformation.

Found once for a pair of face models. Knows nothing of motion; what is done with the points is `crossing`'s.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.fitting.surface import areas_of, edge_laplacian, nearest_points, normals_of, points_at
from tdmm_core.morphable.model import MorphableModel

VERSION = 1
_FACE_LANDMARKS = 468
"The landmarks after these lie on the irises."
_FEWEST = 30
_OUTSIDE = ("skin", "lips", "brows")
"Regions of the face's surface: not the eyes, nor what lies inside the mouth."
_STIFFNESS = (30.0, 10.0, 3.0, 1.0, 0.3, 0.1)
"Of the deformation, round by round, against the pull of a landmark."
_FAR_M, _CLOSE_COSINE = 0.008, 0.5
"A surface point farther away or facing elsewhere is no match."
_STRESS = {"lips": 3.0, "lids": 3.0}
"Small parts on which much depends."


@dataclass(frozen=True, kw_only=True, eq=False)
class SurfacePoints:
    """Landmarks of a face model as points of its surface."""

    indices: np.ndarray
    "(L,) int, growing: which of the network's landmarks each is."
    triangles: np.ndarray
    "(L,) int."
    barycentric: np.ndarray
    "(L, 3)."

    def of(self, model: MorphableModel) -> np.ndarray:
        """(L, 3) metres on the template."""
        return points_at(model.template.astype(np.float64), model.triangles[self.triangles], self.barycentric)

    def only(self, indices: np.ndarray) -> SurfacePoints:
        """Those of the given landmarks, all of which must be here."""
        at = np.searchsorted(self.indices, indices)
        return SurfacePoints(indices=indices, triangles=self.triangles[at], barycentric=self.barycentric[at])


@dataclass(frozen=True, kw_only=True, eq=False)
class Correspondence:
    """P points that two face models share, and how a displacement of the first looks on the second."""

    source_digest: str
    target_digest: str
    vertices: np.ndarray
    "(P,) int32, the target's."
    triangles: np.ndarray
    "(P,) int32, the source's."
    barycentric: np.ndarray
    "(P, 3) float32, where in that triangle."
    weight: np.ndarray
    "(P,) float32, share of the face that each stands for, lips and lids stressed; adds up to 1."
    turn: np.ndarray
    "(3, 3) float64: a displacement d of the source is turn @ d on the target; a rotation times the targets' relative size."
    distance_mm: float
    "Mean distance between the two surfaces after the deformation: how well they could be laid over each other."


def register(source: MorphableModel, target: MorphableModel, source_landmarks: SurfacePoints, target_landmarks: SurfacePoints) -> Correspondence:
    """Find the source's point under every vertex of the target's face. Raises InputError where the landmarks of the two do not agree."""
    common = np.intersect1d(source_landmarks.indices, target_landmarks.indices)
    common = common[common < _FACE_LANDMARKS]
    if len(common) < _FEWEST:
        raise InputError(f"crossing over: expected {_FEWEST} landmarks that {source.name} and {target.name} share, got {len(common)}")
    source_landmarks, target_landmarks = source_landmarks.only(common), target_landmarks.only(common)
    theirs = source_landmarks.of(source)
    turn, shift, used = similarity(theirs, target_landmarks.of(target))
    surface = source.template.astype(np.float64) @ turn.T + shift
    outer = source.triangles[_outside(source)]
    laid = _lay_over(target, target_landmarks, np.flatnonzero(used), surface, outer, theirs @ turn.T + shift)
    vertices = np.flatnonzero(_face(target))
    triangles, barycentric = nearest_points(laid[vertices], surface, outer)
    found = points_at(surface, outer[triangles], barycentric)
    facing = (normals_of(laid, target.triangles[_outside(target)])[vertices] * _facing(surface, outer, triangles)).sum(1)
    distance = np.linalg.norm(laid[vertices] - found, axis=1)
    kept = (distance < _FAR_M) & (facing > _CLOSE_COSINE)
    if kept.mean() < 0.5:
        raise InputError(f"crossing over: the faces of {source.name} and {target.name} could not be laid over each other; give the landmarks of both")
    area = areas_of(target.template.astype(np.float64), target.triangles[_outside(target)])[vertices] * _stress(target)[vertices] * kept
    return Correspondence(
        source_digest=source.digest,
        target_digest=target.digest,
        vertices=vertices[kept].astype(np.int32),
        triangles=np.flatnonzero(_outside(source))[triangles[kept]].astype(np.int32),
        barycentric=barycentric[kept].astype(np.float32),
        weight=(area[kept] / area.sum()).astype(np.float32),
        turn=turn,
        distance_mm=float(distance[kept].mean() * 1e3),
    )


def similarity(points: np.ndarray, onto: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scaled rotation (3, 3), shift (3,) and which of (L, 3) points agree, so that turn @ point + shift is near (L, 3) `onto`.

    Least squares in closed form (Umeyama, 1991), over those that lie within three usual distances, found in rounds.
    """
    used = np.ones(len(points), bool)
    for _ in range(5):
        p, q = points[used], onto[used]
        mean_p, mean_q = p.mean(0), q.mean(0)
        u, values, vt = np.linalg.svd((q - mean_q).T @ (p - mean_p))
        flip = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
        turn = u @ flip @ vt * (values @ np.diag(flip)) / ((p - mean_p) ** 2).sum()
        shift = mean_q - turn @ mean_p
        off = np.linalg.norm(points @ turn.T + shift - onto, axis=1)
        used = off <= max(3 * np.median(off), 1e-6)
    return turn, shift, used


def _lay_over(
    target: MorphableModel, landmarks: SurfacePoints, used: np.ndarray, surface: np.ndarray, triangles: np.ndarray, theirs: np.ndarray
) -> np.ndarray:
    """(V, 3) target's vertices moved onto the (V', 3) surface: landmarks to theirs, the face to what lies nearest, all by a smooth deformation.

    Minimises  stiffness |L D|^2 + sum over landmarks |x + D - l|^2 + sum over the face |x + D - nearest|^2  for the displacements D.
    """
    from scipy import sparse
    from scipy.sparse.linalg import splu

    rest = target.template.astype(np.float64)
    outer = target.triangles[_outside(target)]
    corners, weights = target.triangles[landmarks.triangles[used]], landmarks.barycentric[used]
    rows = np.repeat(np.arange(len(used)), 3)
    at_landmarks = sparse.csr_matrix((weights.ravel(), (rows, corners.ravel())), shape=(len(used), len(rest)))
    bend = edge_laplacian(outer, len(rest))
    bend, face, laid = (bend.T @ bend).tocsc(), np.flatnonzero(_face(target)), rest.copy()
    for number, stiffness in enumerate(_STIFFNESS):
        pull = np.zeros(len(rest))
        goal = at_landmarks.T @ (theirs[used] - at_landmarks @ rest)
        if number:
            winner, at = nearest_points(laid[face], surface, triangles)
            found = points_at(surface, triangles[winner], at)
            facing = (normals_of(laid, outer)[face] * _facing(surface, triangles, winner)).sum(1)
            pull[face] = (facing > _CLOSE_COSINE) & (np.linalg.norm(found - laid[face], axis=1) < 2 * _FAR_M)
            goal[face] += pull[face, None] * (found - rest[face])
        system = stiffness * bend + at_landmarks.T @ at_landmarks + sparse.diags(pull + 1e-6)
        laid = rest + splu(system.tocsc()).solve(goal)
    return laid


def _facing(vertices: np.ndarray, triangles: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """(P, 3) unit normals of the chosen triangles."""
    a, b, c = (vertices[triangles[chosen, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-30)


def _outside(model: MorphableModel) -> np.ndarray:
    """(F,) bool: triangles of the face's surface."""
    return np.isin(model.triangle_region, [i for i, n in enumerate(model.region_names) if n in _OUTSIDE])


def _face(model: MorphableModel) -> np.ndarray:
    """(V,) bool: the vertices of the face mask that lie on its surface."""
    on_surface = np.zeros(model.num_vertices, bool)
    on_surface[model.triangles[_outside(model)]] = True
    return model.masks["face"] & on_surface


def _stress(model: MorphableModel) -> np.ndarray:
    stress = np.ones(model.num_vertices)
    for name, factor in _STRESS.items():
        stress[model.masks[name]] = factor
    return stress


def file_name(source_digest: str, target_digest: str) -> str:
    """The correspondence's name for two editions of face models."""
    return f"crossing-{source_digest[:16]}-{target_digest[:16]}.npz"


def save_correspondence(folder: Path, found: Correspondence) -> Path:
    """Write into a folder under its own name."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / file_name(found.source_digest, found.target_digest)
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        np.savez_compressed(f, version=VERSION, **vars(found))
    part.replace(path)
    return path


def load_correspondence(folder: Path, source: MorphableModel, target: MorphableModel) -> Correspondence | None:
    """What `save_correspondence` kept for this pair; None where there is none, or one of another version."""
    path = folder / file_name(source.digest, target.digest)
    if not path.is_file():
        return None
    with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        arrays = {key: stored[key] for key in stored.files}
    told = {key: str(arrays.pop(key)) for key in ("source_digest", "target_digest")}
    if int(arrays.pop("version")) != VERSION or told != {"source_digest": source.digest, "target_digest": target.digest}:
        return None
    return Correspondence(**told, distance_mm=float(arrays.pop("distance_mm")), **arrays)
