"""What colour each seen point has: skin, lips, brows, living eyes and a dark mouth under a soft light, in numba.

Owns the light and colour formulas, in linear light; knows nothing of visibility, motion or files. Colours and lights come as flat rows
(`PALETTE_ROWS`, `LIGHT_ROWS`), vertex attributes as columns (`ATTRIBUTES`), since numba knows no dataclasses.
"""

from __future__ import annotations

import numpy as np
from numba import njit

PALETTE_ROWS = ("skin", "lips", "brows", "iris", "sclera", "mouth", "teeth", "tongue")
LIGHT_ROWS = ("key_direction", "fill_direction", "intensities")
"Directions toward the lights in the world; key, fill and ambient strength."
ATTRIBUTES = ("u", "v", "front", "occlusion", "liner", "fade", "eye_x", "eye_y", "eye_z")
SKIN, EYE, MOUTH, TEETH, TONGUE, EYE_CAVITY = 0, 1, 2, 3, 4, 5
"What a triangle is made of."
PUPIL_SHARE = 0.40
"Radius of the pupil, as a share of the iris'."


@njit(cache=True, nogil=True)
def _step(low: float, high: float, value: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@njit(cache=True, nogil=True)
def _paint(paint: np.ndarray, u: float, v: float, channel: int) -> float:
    """Bilinear look-up of a channel (0 to 1); u to the right, v down, both 0 to 1."""
    height, width = paint.shape[:2]
    x, y = min(max(u * width - 0.5, 0.0), width - 1.001), min(max(v * height - 0.5, 0.0), height - 1.001)
    column, row = int(x), int(y)
    fx, fy = x - column, y - row
    top = paint[row, column, channel] * (1 - fx) + paint[row, column + 1, channel] * fx
    bottom = paint[row + 1, column, channel] * (1 - fx) + paint[row + 1, column + 1, channel] * fx
    return (top * (1 - fy) + bottom * fy) / 255.0


@njit(cache=True, nogil=True)
def _gloss(normal: tuple, view: tuple, light: tuple, power: float) -> float:
    """Blinn-Phong: cosine between the normal and the half vector, to a power."""
    hx, hy, hz = view[0] + light[0], view[1] + light[1], view[2] + light[2]
    length = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
    cosine = (normal[0] * hx + normal[1] * hy + normal[2] * hz) / length
    return cosine**power if cosine > 0 else 0.0


@njit(cache=True, nogil=True)
def _cosine(normal: tuple, light: np.ndarray) -> float:
    return normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2]


@njit(cache=True, nogil=True)
def skin_colour(a: np.ndarray, normal: tuple, view: tuple, paint: np.ndarray, palette: np.ndarray, lights: np.ndarray, out: np.ndarray) -> None:
    """Skin with lips, brows, blush and lash line; light wraps further round in red than in blue, as it does under real skin."""
    front = a[2]
    lips = _paint(paint, a[0], a[1], 0) * front
    brows = _paint(paint, a[0], a[1], 1) * front
    blush = _paint(paint, a[0], a[1], 2) * front
    occlusion = a[3]
    key, fill, strength = _cosine(normal, lights[0]), _cosine(normal, lights[1]), lights[2]
    sky = 0.72 + 0.28 * normal[1]
    shine = _gloss(normal, view, (lights[0, 0], lights[0, 1], lights[0, 2]), 22.0) * 0.055
    shine += lips * _gloss(normal, view, (lights[0, 0], lights[0, 1], lights[0, 2]), 60.0) * 0.16
    grazing = 1.0 - max(normal[0] * view[0] + normal[1] * view[1] + normal[2] * view[2], 0.0)
    rim = 0.10 * grazing**4
    for k in range(3):
        wrap = 0.34 - 0.12 * k
        colour = palette[0, k]
        colour *= 1.0 - blush * (0.02 + 0.16 * k - 0.03 * k * k)
        colour += (palette[1, k] - colour) * lips * 0.85
        colour += (palette[2, k] - colour) * brows
        colour *= 1.0 - 0.72 * a[4]
        # crevices keep some red: light that enters skin comes out red
        closed = occlusion ** (0.85 + 0.22 * k)
        direct = max((key + wrap) / (1.0 + wrap), 0.0) * strength[0] * (0.45 + 0.55 * closed)
        second = max((fill + wrap) / (1.0 + wrap), 0.0) * strength[1] * (0.45 + 0.55 * closed)
        out[k] = colour * (direct + second + strength[2] * sky * closed) + (shine * strength[0] * (1 - brows) + rim * strength[2]) * occlusion


@njit(cache=True, nogil=True)
def eye_colour(
    a: np.ndarray, normal: tuple, view: tuple, shadow: float, iris_rad: float, palette: np.ndarray, lights: np.ndarray, out: np.ndarray
) -> None:
    """Eyeball: sclera, iris with fibres, limbal ring and pupil drawn from the direction in the eye's own frame; a wet highlight."""
    angle = np.arctan2(np.sqrt(a[6] * a[6] + a[7] * a[7]), a[8])
    radius = angle / iris_rad
    around = np.arctan2(a[7], a[6])
    fibres = 0.5 + 0.5 * np.sin(around * 23.0 + 2.0 * np.sin(around * 7.0)) * np.sin(around * 41.0 + 1.3)
    inside = 1.0 - _step(0.93, 1.03, radius)
    pupil = 1.0 - _step(PUPIL_SHARE - 0.05, PUPIL_SHARE + 0.05, radius)
    limbus = _step(0.66, 0.98, radius)
    glow = 0.72 + 0.38 * fibres * _step(PUPIL_SHARE, 0.6, radius) + 0.45 * (1.0 - _step(PUPIL_SHARE, 0.75, radius))
    key, fill, strength = _cosine(normal, lights[0]), _cosine(normal, lights[1]), lights[2]
    sky = 0.78 + 0.22 * normal[1]
    light = max((key + 0.4) / 1.4, 0.0) * strength[0] + max((fill + 0.4) / 1.4, 0.0) * strength[1] + strength[2] * sky
    # light falls through the cornea and brightens the iris on the side away from the lamp
    caustic = 1.0 + 0.5 * inside * (1 - pupil) * max(-(a[6] * lights[0, 0] + a[7] * lights[0, 1]) / np.sin(iris_rad), 0.0)
    spark = _gloss(normal, view, (lights[0, 0], lights[0, 1], lights[0, 2]), 900.0) * 1.6 * strength[0]
    spark += _gloss(normal, view, (lights[1, 0], lights[1, 1], lights[1, 2]), 500.0) * 0.35 * strength[1]
    corner = _step(0.35, 0.95, abs(a[6]))
    for k in range(3):
        white = palette[4, k] * (1.0 - corner * (0.06 + 0.14 * k - 0.02 * k * k))
        colour = palette[3, k] * glow * (1.0 - 0.72 * limbus) * caustic
        colour *= 1.0 - 0.97 * pupil
        out[k] = (white + (colour - white) * inside) * light * shadow + spark * (0.25 + 0.75 * shadow)


@njit(cache=True, nogil=True)
def mouth_colour(
    a: np.ndarray, kind: int, normal: tuple, view: tuple, shadow: float, palette: np.ndarray, lights: np.ndarray, out: np.ndarray
) -> None:
    """Cavity, teeth and tongue: they fall off into the dark, and what is wet shines."""
    row = 5 + (kind - MOUTH)
    key, strength = _cosine(normal, lights[0]), lights[2]
    facing = max(normal[0] * view[0] + normal[1] * view[1] + normal[2] * view[2], 0.0)
    light = (max((key + 0.5) / 1.5, 0.0) * strength[0] * 0.8 + strength[2] * 0.9) * (0.35 + 0.65 * facing)
    wet = 0.0 if kind == MOUTH else _gloss(normal, view, (lights[0, 0], lights[0, 1], lights[0, 2]), 45.0) * 0.16 * strength[0]
    dark = a[3] * shadow
    for k in range(3):
        out[k] = palette[row, k] * light * dark + wet * dark
