"""What the motion tokenizer sees of a face model: chosen vertices and their weights; knows no network.

The paper quantises "reconstructed facial geometry" instead of parameters, so that different coefficients of one look share a code. Vertices
are linear in the expression, so geometry enters as a fixed matrix: `metric` turns an expression into coordinates
whose length is the weighted root mean square displacement of the chosen vertices in mm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.morphable.model import MorphableModel


@dataclass(frozen=True, kw_only=True)
class FaceGeometry:
    """The part of a face model that training looks at."""

    basis_mm: np.ndarray
    "(E, v, 3) float32, displacement of each chosen vertex by each expression unit, mm."
    weights: np.ndarray
    "(v,) float32, sum 1: the share of the face (and more of lips and lids) that each vertex stands for."

    def loss_basis(self) -> np.ndarray:
        """(E, 3v) float32, mm: the basis with the weights in it, so that an L1 sum is a weighted mean over vertices."""
        weighted = self.basis_mm * self.weights[None, :, None]
        return weighted.reshape(len(weighted), -1)

    def metric(self) -> np.ndarray:
        """(E, E) float32, the symmetric root of the weighted Gram matrix: |expression @ metric| is the RMS displacement in mm."""
        basis = self.basis_mm.astype(np.float64)
        # G[a, b] = sum_v w[v] * (basis[a, v] . basis[b, v])
        gram = np.einsum("v,avc,bvc->ab", self.weights.astype(np.float64), basis, basis)
        values, vectors = np.linalg.eigh(gram)
        return ((vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T).astype(np.float32)


def face_geometry(model: MorphableModel, *, num_vertices: int, lips_weight: float, lids_weight: float) -> FaceGeometry:
    """Choose vertices of the `face` mask that lie apart, and weigh each by the part of the face nearest to it.

    `lips_weight` and `lids_weight` are the extra share of those masks beside the whole face's share of 1.
    """
    face = np.flatnonzero(model.masks["face"])
    if face.size == 0:
        raise InputError(f"face model {model.name}: expected a `face` mask with vertices, got an empty one")
    basis = model.expression_basis.astype(np.float32) * 1000.0
    share = _share(model, "face", face) + lips_weight * _share(model, "lips", face) + lids_weight * _share(model, "lids", face)
    chosen, nearest = spread_points(model.template[face].astype(np.float64), min(num_vertices, face.size))
    weights = np.bincount(nearest, weights=share, minlength=chosen.size)
    return FaceGeometry(
        basis_mm=np.ascontiguousarray(basis[:, face[chosen]]),
        weights=(weights / weights.sum()).astype(np.float32),
    )


def spread_points(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Farthest point sampling of (N, 3): indices of the chosen (count,), and for each point the nearest chosen one (N,)."""
    chosen = np.zeros(count, np.int64)
    chosen[0] = np.argmax(points[:, 2])
    distance = np.linalg.norm(points - points[chosen[0]], axis=1)
    nearest = np.zeros(len(points), np.int64)
    for i in range(1, count):
        chosen[i] = np.argmax(distance)
        new = np.linalg.norm(points - points[chosen[i]], axis=1)
        closer = new < distance
        nearest[closer], distance[closer] = i, new[closer]
    return chosen, nearest


def _share(model: MorphableModel, mask: str, vertices: np.ndarray) -> np.ndarray:
    inside = model.masks[mask][vertices].astype(np.float64)
    return inside / max(inside.sum(), 1.0)
