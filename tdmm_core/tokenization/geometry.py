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

GROUPS = ("lids", "lips", "face")
"Masks in the order in which they claim their vertices: `face` takes what the others leave."
CHOSEN_SHARE = {"lids": 0.25, "lips": 0.25, "face": 0.5}
"How the chosen vertices are shared out, so that small parts are seen in detail."
UNIT_MM = 0.5
"Length that `metric` gives a whole unit beside what it moves: units that no vertex shows stay apart, and the way back is well conditioned."


@dataclass(frozen=True, kw_only=True)
class FaceGeometry:
    """The part of a face model that training looks at."""

    basis_mm: np.ndarray
    "(E, v, 3) float32, displacement of each chosen vertex by each expression unit, mm."
    weights: np.ndarray
    "(v,) float32, sum 1: the share of the face (and more of lips and lids) that each vertex stands for."
    metric: np.ndarray
    """(E, E) float32, symmetric: |expression @ metric| is the weighted RMS displacement of all vertices of the face in mm, with UNIT_MM times the
    length of the expression added in quadrature."""

    def loss_basis(self) -> np.ndarray:
        """(E, 3v) float32, mm: the basis with the weights in it, so that an L1 sum is a weighted mean over vertices."""
        weighted = self.basis_mm * self.weights[None, :, None]
        return weighted.reshape(len(weighted), -1)


def face_geometry(model: MorphableModel, *, num_vertices: int, lips_weight: float, lids_weight: float) -> FaceGeometry:
    """Choose vertices of the `face` mask that lie apart, and weigh each by what is nearest to it in its own part of the face.

    `lips_weight` and `lids_weight` are the extra share of those masks beside the whole face's share of 1.
    """
    face = np.flatnonzero(model.masks["face"])
    if face.size == 0:
        raise InputError(f"face model {model.name}: expected a `face` mask with vertices, got an empty one")
    share = _share(model, "face") + lips_weight * _share(model, "lips") + lids_weight * _share(model, "lids")
    share /= share.sum()
    chosen, weights = [], []
    left = model.masks["face"].copy()
    for group in GROUPS:
        members = np.flatnonzero(left & model.masks[group])
        left[members] = False
        if members.size:
            count = min(max(1, round(CHOSEN_SHARE[group] * num_vertices)), members.size)
            own, nearest = spread_points(model.template[members].astype(np.float64), count)
            chosen.append(members[own])
            weights.append(np.bincount(nearest, weights=share[members], minlength=count))
    return FaceGeometry(
        basis_mm=model.expression_basis[:, np.concatenate(chosen)].astype(np.float32) * 1000.0,
        weights=np.concatenate(weights).astype(np.float32),
        metric=_metric(model.expression_basis[:, face].astype(np.float64) * 1000.0, share[face]),
    )


def _metric(basis_mm: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The symmetric root of the Gram matrix of (E, n, 3) under (n,) weights, with UNIT_MM squared on its diagonal."""
    rows = (basis_mm * np.sqrt(weights)[None, :, None]).reshape(len(basis_mm), -1)
    # G[a, b] = sum_v w[v] (basis[a, v] . basis[b, v]) + UNIT_MM^2 [a = b]
    gram = rows @ rows.T + UNIT_MM**2 * np.eye(len(rows))
    values, vectors = np.linalg.eigh(gram)
    return ((vectors * np.sqrt(values)) @ vectors.T).astype(np.float32)


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


def _share(model: MorphableModel, mask: str) -> np.ndarray:
    inside = (model.masks[mask] & model.masks["face"]).astype(np.float64)
    return inside / max(inside.sum(), 1.0)
