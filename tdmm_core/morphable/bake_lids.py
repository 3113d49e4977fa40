"""Closes the eyelids without a spike: the source's blink overshoots, and at the outer corner the upper lid pokes out past the lower one.

Owns the correction of the two blink units; knows nothing of the rest. Positions in metres, `side` "L" or "R".
"""

from __future__ import annotations

import numpy as np

from tdmm_core.morphable.bake_gaze import eye_centre
from tdmm_core.morphable.bake_mesh import Layout

MARGIN_RING = 2
"The ring of skin vertices, counted from the eye's opening, that is the lid's edge."
OVERLAP_M = 0.0003
"How far the closed upper lid reaches over the lower one's edge."
CLEARANCE_M = 0.0011
"Least height of the closed lid's skin above the eyeball; half closed it dips by half of it, since units move along straight lines."
COLUMN_M = 0.0012
"Width over which neighbouring columns of the lid share their factor."


def repaired_blink(layout: Layout, blink: np.ndarray, side: str, rings: list[np.ndarray]) -> np.ndarray:
    """(V, 3): the blink unit with each column of the lid shortened until edge meets edge, and its skin kept above the eyeball.

    `rings`: skin vertices by their distance from the opening, in rings.
    """
    out = blink.copy()
    for _ in range(3):
        columns, factors = _shortening(layout.vertices, out, rings[MARGIN_RING])
        out *= _spread(columns, factors, layout.vertices[:, 0])[:, None]
    out = _on_one_line(layout, out, rings)
    return _above_eyeball(layout, out, side, rings)


def _shortening(vertices: np.ndarray, blink: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each vertex of the upper lid's edge: its x, and the share of its way down after which it meets the lower edge."""
    upper = margin[blink[margin, 1] < -0.0012]
    lower = np.setdiff1d(margin, upper)
    closed = vertices[lower] + blink[lower]
    order = np.argsort(closed[:, 0])
    shares = np.linspace(0, 1.3, 261)
    path = vertices[upper, None] + shares[None, :, None] * blink[upper, None]  # (U, 261, 3)
    line = np.interp(path[..., 0], closed[order, 0], closed[order, 1]) - OVERLAP_M
    below = path[..., 1] <= line
    factors = np.where(below.any(axis=1), shares[below.argmax(axis=1)], 1.0)
    return vertices[upper, 0], factors.clip(0.3, 1.15)


def _on_one_line(layout: Layout, blink: np.ndarray, rings: list[np.ndarray]) -> np.ndarray:
    """Bring both edges of the closed lid onto one smooth curve; the skin of each lid follows its own edge, less and less further out."""
    out = blink.copy()
    margin = rings[MARGIN_RING]
    closed = layout.vertices + blink
    lower = margin[blink[margin, 1] > -0.0012]
    curve = np.polynomial.Polynomial.fit(closed[lower, 0], closed[lower, 1], 4)
    for is_upper in (True, False):
        edge = margin[(blink[margin, 1] <= -0.0012) == is_upper]
        drop = curve(closed[edge, 0]) - is_upper * OVERLAP_M - closed[edge, 1]
        for ring, ids in enumerate(rings):
            own = ids[(blink[ids, 1] <= -0.0012) == is_upper]
            share = np.clip(1 - (ring - MARGIN_RING - 1) / 6, 0, 1)
            out[own, 1] += share * _spread(closed[edge, 0], drop, closed[own, 0])
    return out


def _spread(columns: np.ndarray, factors: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Factors of the edge's columns carried to any x, as a mean weighted by closeness."""
    distance = np.abs(x[:, None] - columns[None])
    nearest = distance.min(axis=1, keepdims=True)
    weights = np.exp(-0.5 * ((distance - nearest) / COLUMN_M) ** 2)
    return (weights * factors).sum(axis=1) / weights.sum(axis=1)


def _above_eyeball(layout: Layout, blink: np.ndarray, side: str, rings: list[np.ndarray]) -> np.ndarray:
    """Push closed skin that lies within the clearance straight out of the eyeball; inner rings of the rim a little less."""
    centre, radius = eye_centre(layout, side)
    out = blink.copy()
    for ring, ids in enumerate(rings[1:], start=1):
        least = radius + CLEARANCE_M * (0.45 if ring == 1 else 1.0)
        moving = ids[np.linalg.norm(blink[ids], axis=1) > 0.002]
        offset = layout.vertices[moving] + blink[moving] - centre
        height = np.linalg.norm(offset, axis=1, keepdims=True)
        out[moving] += offset / height * np.clip(least - height, 0, None)
    return out
