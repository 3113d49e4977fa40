"""One picture of one posed mesh: what is seen, the samples that need a colour, their colours, and the mean of each pixel's samples.

Owns the way between visibility and colour, and the soft shadow that lids and lips cast on what lies behind them; the formulas are in
`raster` and `shade`. Passes over flat lists of samples, since numba is quick where a loop only indexes arrays.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.rendering.kernel import kernel
from tdmm_core.rendering.raster import project, vertex_normals, visible
from tdmm_core.rendering.shade import EYE, EYE_CAVITY, SKIN, shade

NUM_ATTRIBUTES = 9
NUM_RAYS, NUM_STEPS = 8, 6
EYE_REACH_M, MOUTH_REACH_M = 0.006, 0.010
"How far from the edge of the skin its soft shadow reaches, on the eye and in the mouth."
SMOOTH_SHARE = np.float32(0.004)
"Difference of 1 / distance within a pixel, as a share, above which its samples are coloured one by one."


def draw(
    vertices: np.ndarray, surface: tuple, tables: tuple, lens: np.ndarray, backdrop: np.ndarray, samples: int
) -> np.ndarray:  # fmt: skip
    """(H, W, 3) float32 linear light of vertices (V, 3) in the camera's frame.

    `surface`: triangles, material, attributes; `tables`: paint, palette, lights; `lens`: focal length, centre column and row in samples,
    iris radius (rad), width in pixels; `backdrop` (H, 3) linear; `samples` along each side of a pixel.
    """
    triangles, material, attributes = surface
    height, width = len(backdrop), int(lens[4])
    screen = project(vertices, lens[0], lens[1], lens[2])
    normals = vertex_normals(vertices, triangles)
    owner = np.empty((height * samples, width * samples), np.int32)
    nearest = np.empty(owner.shape, np.float32)
    visible(screen, triangles, owner, nearest)
    places, weights = choose(owner, nearest, material, samples)
    known = gather(places, owner, screen, (triangles, normals, attributes), lens)
    kinds, openness = surroundings(places, owner, nearest, material, lens[0])
    colours = shade(known, kinds, openness, tables, float(lens[3]))
    return resolve(places, weights, known[:, 5], colours, backdrop, (width, samples))


@kernel
def choose(owner: np.ndarray, nearest: np.ndarray, material: np.ndarray, samples: int) -> tuple:
    """The samples to colour: (N, 3) int32 row, column and width in samples, and (N,) float32 share of the pixel.

    Where all samples of a pixel lie on one stretch of skin, one sample at its centre stands for them.
    """
    height, width = owner.shape
    count = 0
    places = np.empty((np.count_nonzero(owner >= 0), 3), np.int32)
    weights = np.empty(len(places), np.float32)
    share = np.float32(1.0 / (samples * samples))
    for top in range(0, height, samples):
        for left in range(0, width, samples):
            low, high, mixed = np.float32(1e9), np.float32(0.0), samples == 1
            for y in range(top, top + samples):
                for x in range(left, left + samples):
                    t = owner[y, x]
                    if t < 0 or material[t] != SKIN:
                        mixed = True
                    else:
                        low, high = min(low, nearest[y, x]), max(high, nearest[y, x])
            if not mixed and high - low < SMOOTH_SHARE * high:
                places[count, 0], places[count, 1], places[count, 2] = top, left, samples
                weights[count] = 1.0
                count += 1
                continue
            for y in range(top, top + samples):
                for x in range(left, left + samples):
                    if owner[y, x] >= 0:
                        places[count, 0], places[count, 1], places[count, 2] = y, x, 1
                        weights[count] = share
                        count += 1
    return places[:count], weights[:count]


@kernel
def gather(places: np.ndarray, owner: np.ndarray, screen: np.ndarray, mesh: tuple, lens: np.ndarray) -> np.ndarray:
    """(N, 15) float32 columns as `shade.COLUMNS`: attributes and normals between the corners, perspective-correct, and the way to the camera."""
    triangles, normals, attributes = mesh
    known = np.empty((len(places), NUM_ATTRIBUTES + 6), np.float32)
    half = np.float32(0.5)
    for i in range(len(places)):
        row, column, size = places[i, 0], places[i, 1], places[i, 2]
        x, y = column + half * size, row + half * size
        t = owner[row, column]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by, cx, cy = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1], screen[c, 0], screen[c, 1]
        wa = ((bx - x) * (cy - y) - (by - y) * (cx - x)) * screen[a, 2]
        wb = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) * screen[b, 2]
        wc = ((ax - x) * (by - y) - (ay - y) * (bx - x)) * screen[c, 2]
        total = wa + wb + wc
        wa, wb, wc = wa / total, wb / total, wc / total
        for k in range(NUM_ATTRIBUTES):
            known[i, k] = wa * attributes[a, k] + wb * attributes[b, k] + wc * attributes[c, k]
        nx = wa * normals[a, 0] + wb * normals[b, 0] + wc * normals[c, 0]
        ny = wa * normals[a, 1] + wb * normals[b, 1] + wc * normals[c, 1]
        nz = wa * normals[a, 2] + wb * normals[b, 2] + wc * normals[c, 2]
        length = np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-12)
        known[i, 9], known[i, 10], known[i, 11] = nx / length, ny / length, nz / length
        vx, vy = (lens[1] - x) / lens[0], (y - lens[2]) / lens[0]
        length = np.sqrt(vx * vx + vy * vy + 1)
        known[i, 12], known[i, 13], known[i, 14] = vx / length, vy / length, 1 / length
    return known


@kernel
def surroundings(places: np.ndarray, owner: np.ndarray, nearest: np.ndarray, material: np.ndarray, focal: float) -> tuple:
    """(N,) uint8 what each sample is made of, and (N,) float32 how open it lies: 1 everywhere but on the eye and in the mouth."""
    kinds = np.empty(len(places), np.uint8)
    openness = np.ones(len(places), np.float32)
    for i in range(len(places)):
        row, column = places[i, 0], places[i, 1]
        kind = material[owner[row, column]]
        kinds[i] = kind
        if kind != SKIN and kind != EYE_CAVITY:
            metres = EYE_REACH_M if kind == EYE else MOUTH_REACH_M
            openness[i] = _openness(owner, material, row, column, max(focal * nearest[row, column] * metres, 2.0))
    return kinds, openness


@kernel
def _openness(owner: np.ndarray, material: np.ndarray, row: int, column: int, reach: float) -> float:
    """0 to 1: how far off the skin's edge is within `reach` samples; the edge above counts most, as light comes from above."""
    height, width = owner.shape
    total, weights = 0.0, 0.0
    for ray in range(NUM_RAYS):
        angle = 2 * np.pi * (ray + 0.5) / NUM_RAYS
        dx, dy = np.cos(angle), -np.sin(angle)
        weight = 1.0 - 0.9 * dy
        found = 1.0
        for step in range(1, NUM_STEPS + 1):
            distance = step * reach / NUM_STEPS
            x, y = int(column + dx * distance + 0.5), int(row + dy * distance + 0.5)
            if x < 0 or y < 0 or x >= width or y >= height:
                break
            t = owner[y, x]
            if t >= 0 and material[t] == SKIN:
                found = (step - 1) / NUM_STEPS
                break
        total += weight * found
        weights += weight
    return total / weights


@kernel
def resolve(places: np.ndarray, weights: np.ndarray, fade: np.ndarray, colours: np.ndarray, backdrop: np.ndarray, size: tuple) -> np.ndarray:
    """(H, W, 3) float32: the backdrop, and over it each pixel's samples by their share and opacity. `size`: width, samples along a side."""
    width, samples = size
    picture = np.empty((len(backdrop), width, 3), np.float32)
    for row in range(len(backdrop)):
        for column in range(width):
            for k in range(3):
                picture[row, column, k] = backdrop[row, k]
    for i in range(len(places)):
        row, column = places[i, 0] // samples, places[i, 1] // samples
        opacity = weights[i] * fade[i]
        for k in range(3):
            picture[row, column, k] += (colours[i, k] - backdrop[row, k]) * opacity
    return picture


@kernel
def to_bytes(light: np.ndarray, tones: np.ndarray) -> np.ndarray:
    """Linear light (H, W, 3) to bytes through a table that spans 0 to 2."""
    out = np.empty(light.shape, np.uint8)
    scale = np.float32((len(tones) - 1) / 2)
    for row in range(light.shape[0]):
        for column in range(light.shape[1]):
            for k in range(3):
                out[row, column, k] = tones[min(max(int(light[row, column, k] * scale + np.float32(0.5)), 0), len(tones) - 1)]
    return out
