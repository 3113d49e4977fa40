"""What colour each sample has: skin, lips, brows, living eyes and a dark mouth under a soft light, in numba.

Owns the light and colour formulas, in linear light; knows nothing of visibility, motion or files. Colours and lights come as flat rows
(`PALETTE_ROWS`, `LIGHT_ROWS`), what is known of a sample as a row of columns (`COLUMNS`), since numba knows no dataclasses.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.rendering.kernel import kernel

PALETTE_ROWS = ("skin", "lips", "brows", "iris", "sclera", "mouth", "teeth", "tongue")
LIGHT_ROWS = ("key_direction", "fill_direction", "eye_lamp_direction", "intensities")
"Directions toward the lights in the world; key, fill and ambient strength."
COLUMNS = (
    "u",
    "v",
    "front",
    "occlusion",
    "liner",
    "fade",
    "eye_x",
    "eye_y",
    "eye_z",
    "normal_x",
    "normal_y",
    "normal_z",
    "view_x",
    "view_y",
    "view_z",
)
"The first nine are attributes of vertices; the normal and the direction toward the camera have length 1."
SKIN, EYE, MOUTH, TEETH, TONGUE, EYE_CAVITY = 0, 1, 2, 3, 4, 5
"What a triangle is made of."
PUPIL_SHARE = 0.40
"Radius of the pupil, as a share of the iris'."


@kernel
def shade(samples: np.ndarray, kinds: np.ndarray, openness: np.ndarray, tables: tuple, iris_rad: float) -> np.ndarray:
    """(N, 3) float32 linear colours of samples (N, 15), of what they are made and how open they lie (N,); `tables`: paint, palette, lights."""
    paint, palette, lights = tables
    colours = np.empty((len(samples), 3), np.float32)
    for i in range(len(samples)):
        if kinds[i] == SKIN or kinds[i] == EYE_CAVITY:
            _skin(samples, i, paint, palette, lights, colours)
        elif kinds[i] == EYE:
            _eye(samples, i, openness[i], iris_rad, palette, lights, colours)
        else:
            _mouth(samples, i, kinds[i], openness[i], palette, lights, colours)
    return colours


@kernel
def _step(low: float, high: float, value: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    t = min(max((value - low) / (high - low), 0.0), 1.0)
    return t * t * (3.0 - 2.0 * t)


@kernel
def _paint(paint: np.ndarray, u: float, v: float, channel: int) -> float:
    """Bilinear look-up of a channel, 0 to 1; u to the right, v down, both 0 to 1."""
    height, width = paint.shape[0], paint.shape[1]
    x, y = min(max(u * width - 0.5, 0.0), width - 1.001), min(max(v * height - 0.5, 0.0), height - 1.001)
    column, row = int(x), int(y)
    fx, fy = x - column, y - row
    top = paint[row, column, channel] * (1 - fx) + paint[row, column + 1, channel] * fx
    bottom = paint[row + 1, column, channel] * (1 - fx) + paint[row + 1, column + 1, channel] * fx
    return (top * (1 - fy) + bottom * fy) / 255.0


@kernel
def _cosine(s: np.ndarray, i: int, lights: np.ndarray, light: int) -> float:
    """Cosine between a sample's normal and the way to a light."""
    return s[i, 9] * lights[light, 0] + s[i, 10] * lights[light, 1] + s[i, 11] * lights[light, 2]


@kernel
def _gloss(s: np.ndarray, i: int, lights: np.ndarray, light: int, doublings: int) -> float:
    """Blinn-Phong: cosine between the normal and the half vector, squared `doublings` times."""
    hx, hy, hz = s[i, 12] + lights[light, 0], s[i, 13] + lights[light, 1], s[i, 14] + lights[light, 2]
    dot = s[i, 9] * hx + s[i, 10] * hy + s[i, 11] * hz
    if dot <= 0:
        return 0.0
    shine = dot / np.sqrt(hx * hx + hy * hy + hz * hz)
    for _ in range(doublings):
        shine *= shine
    return shine


@kernel
def _skin(s: np.ndarray, i: int, paint: np.ndarray, palette: np.ndarray, lights: np.ndarray, out: np.ndarray) -> None:
    """Skin with lips, brows, blush and lash line; light wraps further round in red than in blue, as it does under real skin."""
    lips, brows, blush = 0.0, 0.0, 0.0
    if s[i, 2] > 0.01:
        lips = _paint(paint, s[i, 0], s[i, 1], 0) * s[i, 2]
        brows = _paint(paint, s[i, 0], s[i, 1], 1) * s[i, 2]
        blush = _paint(paint, s[i, 0], s[i, 1], 2) * s[i, 2]
    occlusion = s[i, 3]
    key, fill = _cosine(s, i, lights, 0), _cosine(s, i, lights, 1)
    sky = 0.72 + 0.28 * s[i, 10]
    shine = _gloss(s, i, lights, 0, 4) * 0.05
    if lips > 0.01:
        shine += lips * _gloss(s, i, lights, 0, 6) * 0.16
    grazing = 1.0 - max(s[i, 9] * s[i, 12] + s[i, 10] * s[i, 13] + s[i, 11] * s[i, 14], 0.0)
    rim = 0.10 * (grazing * grazing) * (grazing * grazing)
    bare = (shine * lights[3, 0] * (1 - brows) + rim * lights[3, 2]) * occlusion
    for k in range(3):
        wrap = 0.34 - 0.12 * k
        colour = palette[0, k] * (1.0 - blush * (0.02 + 0.16 * k - 0.03 * k * k))
        colour += (palette[1, k] - colour) * lips * 0.85
        colour += (palette[2, k] - colour) * brows
        colour *= 1.0 - 0.72 * s[i, 4]
        # crevices keep some red: light that enters skin comes out red
        closed = occlusion * (1.0 + (1.0 - occlusion) * (0.22 - 0.22 * k))
        lamps = max((key + wrap) / (1.0 + wrap), 0.0) * lights[3, 0] + max((fill + wrap) / (1.0 + wrap), 0.0) * lights[3, 1]
        out[i, k] = colour * (lamps * (0.45 + 0.55 * closed) + lights[3, 2] * sky * closed) + bare


@kernel
def _eye(s: np.ndarray, i: int, openness: float, iris_rad: float, palette: np.ndarray, lights: np.ndarray, out: np.ndarray) -> None:
    """Eyeball: sclera, iris with fibres, limbal ring and pupil drawn from the direction in the eye's own frame; a wet highlight."""
    x, y, z = s[i, 6], s[i, 7], s[i, 8]
    radius = np.arctan2(np.sqrt(x * x + y * y), z) / iris_rad
    around = np.arctan2(y, x)
    fibres = 0.5 + 0.5 * np.sin(around * 23.0 + 2.0 * np.sin(around * 7.0)) * np.sin(around * 41.0 + 1.3)
    inside = 1.0 - _step(0.93, 1.03, radius)
    pupil = 1.0 - _step(PUPIL_SHARE - 0.05, PUPIL_SHARE + 0.05, radius)
    limbus = _step(0.66, 0.98, radius)
    glow = 0.72 + 0.38 * fibres * _step(PUPIL_SHARE, 0.6, radius) + 0.45 * (1.0 - _step(PUPIL_SHARE, 0.75, radius))
    key, fill = _cosine(s, i, lights, 0), _cosine(s, i, lights, 1)
    light = max((key + 0.4) / 1.4, 0.0) * lights[3, 0] + max((fill + 0.4) / 1.4, 0.0) * lights[3, 1] + lights[3, 2] * (0.78 + 0.22 * s[i, 10])
    # light falls through the cornea and brightens the iris on the side away from the lamp
    caustic = 1.0 + 0.5 * inside * (1 - pupil) * max(-(x * lights[0, 0] + y * lights[0, 1]) / np.sin(iris_rad), 0.0)
    spark = _step(0.40, 0.75, _gloss(s, i, lights, 2, 9)) * 0.9 * lights[3, 0]
    spark += _gloss(s, i, lights, 1, 9) * 0.30 * lights[3, 1]
    shadow = 0.42 + 0.58 * openness
    corner = _step(0.35, 0.95, abs(x))
    for k in range(3):
        white = palette[4, k] * (1.0 - corner * (0.06 + 0.14 * k - 0.02 * k * k))
        colour = palette[3, k] * glow * (1.0 - 0.72 * limbus) * caustic * (1.0 - 0.97 * pupil)
        out[i, k] = (white + (colour - white) * inside) * light * shadow + spark * (0.25 + 0.75 * shadow)


@kernel
def _mouth(s: np.ndarray, i: int, kind: int, openness: float, palette: np.ndarray, lights: np.ndarray, out: np.ndarray) -> None:
    """Cavity, teeth and tongue: they fall off into the dark, and what is wet shines."""
    facing = max(s[i, 9] * s[i, 12] + s[i, 10] * s[i, 13] + s[i, 11] * s[i, 14], 0.0)
    key = max((_cosine(s, i, lights, 0) + 0.5) / 1.5, 0.0)
    wet = 0.0 if kind == MOUTH else _gloss(s, i, lights, 0, 5) * 0.16 * lights[3, 0]
    if kind == TEETH:
        # flat light: the few triangles of the row of teeth would show as a crooked band
        light = (0.45 + 0.25 * key) * lights[3, 0] + lights[3, 2] * 0.75
        dark = (0.40 + 0.60 * np.sqrt(s[i, 3])) * (0.10 + 0.90 * np.sqrt(openness))
    else:
        least = 0.15 if kind == TONGUE else 0.0
        light = (key * lights[3, 0] * 0.8 + lights[3, 2] * 0.9) * (0.35 + 0.65 * facing)
        dark = (least + (1 - least) * np.sqrt(s[i, 3])) * (0.3 + 0.7 * openness)
    for k in range(3):
        out[i, k] = (palette[5 + kind - MOUTH, k] * light + wet) * dark
