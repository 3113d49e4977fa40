"""One picture of one posed mesh: visibility, then the colour of each sample, then the mean of each pixel's samples.

Owns the loop over samples and the soft shadow that lids and lips cast on what lies behind them; the formulas are in `raster` and `shade`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tdmm_core.rendering.raster import project, vertex_normals, visible
from tdmm_core.rendering.shade import EYE, EYE_CAVITY, SKIN, eye_colour, mouth_colour, skin_colour

NUM_RAYS = 8


@njit(cache=True, nogil=True)
def _openness(owner: np.ndarray, material: np.ndarray, row: int, column: int, reach: int) -> float:
    """0 to 1: how far the skin's edge is, seen from a sample on the eye or in the mouth; the edge above counts most, as light comes from above."""
    height, width = owner.shape
    total, weights = 0.0, 0.0
    for ray in range(NUM_RAYS):
        angle = 2 * np.pi * (ray + 0.5) / NUM_RAYS
        dx, dy = np.cos(angle), -np.sin(angle)
        weight = 1.0 + 0.9 * np.sin(angle)
        found = 1.0
        for step in range(1, 7):
            distance = step * reach / 6.0
            x, y = int(column + dx * distance + 0.5), int(row + dy * distance + 0.5)
            if x < 0 or y < 0 or x >= width or y >= height:
                break
            t = owner[y, x]
            if t >= 0 and material[t] == SKIN:
                found = (step - 1) / 6.0
                break
        total += weight * found
        weights += weight
    return total / weights


@njit(cache=True, nogil=True)
def _mix(weights: tuple, rows: np.ndarray, corners: np.ndarray, out: np.ndarray) -> None:
    for k in range(rows.shape[1]):
        out[k] = weights[0] * rows[corners[0], k] + weights[1] * rows[corners[1], k] + weights[2] * rows[corners[2], k]


@njit(cache=True, nogil=True)
def _weights(screen: np.ndarray, corners: np.ndarray, x: float, y: float) -> tuple:
    """Perspective-correct barycentric weights of a point of the screen, and its 1 / distance."""
    a, b, c = corners
    ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area * screen[a, 2]
    wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area * screen[b, 2]
    wc = ((ax - x) * (by - y) - (ay - y) * (bx - x)) / area * screen[c, 2]
    inverse = wa + wb + wc
    return (wa / inverse, wb / inverse, wc / inverse), inverse


@njit(cache=True, nogil=True)
def _unit(x: float, y: float, z: float) -> tuple:
    length = np.sqrt(x * x + y * y + z * z) + 1e-12
    return (x / length, y / length, z / length)


@njit(cache=True, nogil=True)
def draw(
    vertices: np.ndarray,
    triangles: np.ndarray,
    material: np.ndarray,
    attributes: np.ndarray,
    paint: np.ndarray,
    palette: np.ndarray,
    lights: np.ndarray,
    lens: np.ndarray,
    backdrop: np.ndarray,
    samples: int,
) -> np.ndarray:
    """(H, W, 3) float32 linear light. `lens`: focal, centre x, centre y in pixels of a sample, iris radius (rad); `backdrop` (H, 3) linear."""
    height, width = backdrop.shape[0], int(lens[4])
    screen = project(vertices, lens[0], lens[1], lens[2])
    normals = vertex_normals(vertices, triangles)
    owner = np.empty((height * samples, width * samples), np.int32)
    nearest = np.empty((height * samples, width * samples), np.float32)
    visible(screen, triangles, owner, nearest)
    picture = np.empty((height, width, 3), np.float32)
    normal, here, colour = np.empty(3, np.float32), np.empty(attributes.shape[1], np.float32), np.empty(3, np.float32)
    share = 1.0 / (samples * samples)
    for row in range(height):
        for column in range(width):
            total = np.zeros(3, np.float32)
            for s in range(samples * samples):
                y, x = row * samples + s // samples, column * samples + s % samples
                t = owner[y, x]
                fade = np.float32(0.0)
                if t >= 0:
                    corners = triangles[t]
                    weights, inverse = _weights(screen, corners, x + 0.5, y + 0.5)
                    _mix(weights, normals, corners, normal)
                    _mix(weights, attributes, corners, here)
                    facing = _unit(normal[0], normal[1], normal[2])
                    view = _unit(-(x + 0.5 - lens[1]) / lens[0], (y + 0.5 - lens[2]) / lens[0], 1.0)
                    kind = material[t]
                    if kind in (SKIN, EYE_CAVITY):
                        skin_colour(here, facing, view, paint, palette, lights, colour)
                    else:
                        reach = max(int(lens[0] * inverse * (0.006 if kind == EYE else 0.010)), 2)
                        shadow = _openness(owner, material, y, x, reach)
                        if kind == EYE:
                            eye_colour(here, facing, view, 0.42 + 0.58 * shadow, lens[3], palette, lights, colour)
                        else:
                            mouth_colour(here, kind, facing, view, 0.35 + 0.65 * shadow, palette, lights, colour)
                    fade = here[5]
                for k in range(3):
                    behind = backdrop[row, k]
                    total[k] += behind + (colour[k] - behind) * fade
            for k in range(3):
                picture[row, column, k] = total[k] * share
    return picture
