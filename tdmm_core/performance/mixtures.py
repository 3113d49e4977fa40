"""A face as a mixture of a few labels' faces: sparse, non-negative, every unit weighed by how surely it is known. Knows no time.

How surely: actors differ by about a fifth in how strongly a unit answers, and units bring company along (`anatomy`), so a unit is less sure the
stronger it is and the stronger its usual companions are. With these weights fixed by the face itself, the fit of every set is linear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.performance.anatomy import reach
from tdmm_core.performance.units import UNITS

_FLOOR, _GAIN, _COMPANY = 0.06, 0.2, 0.45
"Standard deviations: of any unit, as a share of its strength, and as a share of what its neighbours can bring along."
_KEPT = 12
"Sets that are carried on."
_MOST = 4
"Labels in a mixture."
_LOOKED_AT = np.array([0.0 if u.startswith("eyeLook") else 1.0 for u in UNITS])


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """A set of labels' faces that explains a face."""

    rows: tuple[int, ...]
    "Rows of the patterns, in rising order."
    strengths: tuple[float, ...]
    misfit: float
    "Weighted sum of squares left over."


def mixtures(face: np.ndarray, patterns: np.ndarray, bounds: np.ndarray, known: np.ndarray) -> list[Mixture]:
    """The best mixtures of one to four patterns for a face (52,) above rest, and the empty one.

    `patterns` is (N, 52); `bounds` (N, 2) are the least and most of each; `known` (52,) is 1 for units that can be told from, less for others.
    A set is grown from the best smaller ones, which is exact enough where labels share few units, and quick.
    """
    sure = known * _LOOKED_AT / np.sqrt(_FLOOR**2 + (_GAIN * face) ** 2 + (_COMPANY * reach(face)) ** 2)
    x, p = face * sure, patterns * sure
    problem = _Problem(gram=p @ p.T, along=p @ x, bounds=bounds)
    whole = float(x @ x)
    found = [Mixture(rows=(), strengths=(), misfit=whole)]
    sets = np.zeros((1, 0), int)
    for _ in range(_MOST):
        sets, strengths, explained = _grown(sets, problem)
        found += [
            Mixture(rows=tuple(r), strengths=tuple(s), misfit=max(0.0, whole - e))
            for r, s, e in zip(sets.tolist(), strengths.tolist(), explained.tolist(), strict=True)
        ]
        if len(sets) == 0 or explained[0] > whole - 1.0:  # nothing left that another label could explain
            break
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class _Problem:
    """Least squares in its normal form."""

    gram: np.ndarray
    "(N, N)"
    along: np.ndarray
    "(N,)"
    bounds: np.ndarray
    "(N, 2)"


def _grown(sets: np.ndarray, problem: _Problem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best sets (K, n + 1) of one row more than `sets` (B, n), their strengths (K, n + 1) and what they explain (K,), best first.

    Least squares for every set and every row that may join it, by block elimination: what the row adds is what its own part, orthogonal to
    the set's, has in common with the face.
    """
    gram, along, (least, most) = problem.gram, problem.along, problem.bounds.T
    size_of_set = sets.shape[1]
    mixed = gram[sets]  # (B, n, N)
    inner = np.take_along_axis(mixed, np.broadcast_to(sets[:, None, :], (len(sets), size_of_set, size_of_set)), axis=2)
    inverse = np.linalg.inv(inner + 1e-6 * np.eye(size_of_set))
    alone = np.einsum("bij,bj->bi", inverse, along[sets])  # (B, n)
    shadow = inverse @ mixed  # (B, n, N)
    left = along - np.einsum("bi,bin->bn", alone, mixed)
    size = np.diag(gram) - (shadow * mixed).sum(axis=1)  # (B, N)
    strength = left / np.maximum(size, 1e-6)
    others = alone[:, :, None] - strength[:, None, :] * shadow  # (B, n, N)
    fits = (strength > least) & (strength < most) & (size > 1e-3)
    fits &= ((others > least[sets][:, :, None]) & (others < most[sets][:, :, None])).all(axis=1)
    explained = np.where(fits, (along[sets] * alone).sum(axis=1)[:, None] + left * strength, -np.inf)
    return _best(sets, explained, others, strength)


def _best(
    sets: np.ndarray, explained: np.ndarray, others: np.ndarray, strength: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """The best different sets, rows in rising order."""
    order = np.argsort(-explained, axis=None, kind="stable")[: _KEPT * (sets.shape[1] + 1)]
    base, extra = np.unravel_index(order[np.isfinite(explained.ravel()[order])], explained.shape)
    rows = np.concatenate([sets[base], extra[:, None]], axis=1)
    strengths = np.concatenate([others[base, :, extra], strength[base, extra][:, None]], axis=1)
    sorting = np.argsort(rows, axis=1)
    rows, strengths = np.take_along_axis(rows, sorting, axis=1), np.take_along_axis(strengths, sorting, axis=1)
    first = np.sort(np.unique(rows, axis=0, return_index=True)[1])[:_KEPT]
    return rows[first], strengths[first], explained[base, extra][first]
