"""Paint of the open head: lips, brows and blush on a picture of its front, and a dark line along the lids.

Owns where colour goes; which colours those are is the renderer's. The picture looks at the template from the front: u runs to +x, v down.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from tdmm_core.morphable.bake_mesh import Layout

SIZE = 512
LEFT_M, TOP_M, WIDTH_M = -0.08, 0.085, 0.16
"The square that the picture covers."
LIP_RING = 6
"The ring of skin vertices around the mouth where the red of the lips ends."
BROW = np.array([(0.0120, 0.0592, 0.0018), (0.0170, 0.0605, 0.0029), (0.0250, 0.0624, 0.0031), (0.0345, 0.0637, 0.0027),
                 (0.0420, 0.0627, 0.0020), (0.0490, 0.0595, 0.0011), (0.0535, 0.0564, 0.0004)])  # fmt: skip
"The left brow: x, y and half its thickness, metres, from the nose outward."
NUM_HAIRS = 900


def texture_coordinates(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """(V, 2) u and v, and (V,) how far a vertex faces the front: 0 on the back of the head, where the picture does not apply."""
    x, y, z = layout.vertices.T
    uv = np.stack([(x - LEFT_M) / WIDTH_M, (TOP_M - y) / WIDTH_M], axis=1)
    return uv.astype(np.float32), smooth(z, 0.040, 0.065).astype(np.float32)


def paint(layout: Layout, lip_rings: list[np.ndarray]) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8: lips, brows, blush."""
    channels = [_lips(layout, lip_rings[LIP_RING]), _brows(), _blush()]
    return np.round(np.stack(channels, axis=-1).clip(0, 1) * 255).astype(np.uint8)


def liner(layout: Layout, blink: np.ndarray, rings: list[np.ndarray]) -> np.ndarray:
    """(V,) strength of the lash line: along the upper lid's edge, and faintly along the lower one's."""
    out = np.zeros(len(layout.vertices), np.float32)
    for ring, upper, lower in ((1, 0.9, 0.25), (2, 1.0, 0.42), (3, 1.0, 0.12), (4, 0.65, 0.0), (5, 0.15, 0.0)):
        out[rings[ring]] = np.where(blink[rings[ring], 1] < -0.0012, upper, lower)
    return out


def neck_fade(layout: Layout) -> np.ndarray:
    """(V,) 1 on the head, 0 at the cut of the neck, so that it dissolves instead of ending."""
    return smooth(layout.vertices[:, 1], -0.106, -0.086).astype(np.float32)


def smooth(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = ((value - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)


def _pixels(points: np.ndarray, scale: int) -> list[tuple[float, float]]:
    return [((x - LEFT_M) / WIDTH_M * SIZE * scale, (TOP_M - y) / WIDTH_M * SIZE * scale) for x, y in points]


def _lips(layout: Layout, ring: np.ndarray) -> np.ndarray:
    """The area within a ring around the mouth, its outline rounded, its edge soft over about a millimetre."""
    from PIL import Image, ImageDraw
    from scipy.interpolate import splev, splprep

    outline = layout.vertices[ring, :2]
    centre = outline.mean(axis=0)
    outline = outline[np.argsort(np.arctan2(2.2 * (outline[:, 1] - centre[1]), outline[:, 0] - centre[0]))]
    spline, _ = splprep([*np.concatenate([outline, outline[:1]]).T], s=len(outline) * 2.5e-8, per=True)
    curve = np.stack(splev(np.linspace(0, 1, 400), spline), axis=1)
    picture = Image.new("L", (4 * SIZE, 4 * SIZE))
    ImageDraw.Draw(picture).polygon(_pixels(curve, 4), fill=255)
    area = np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX), np.float64) / 255
    return gaussian_filter(area, 0.0007 / WIDTH_M * SIZE)


def _brows() -> np.ndarray:
    """Both brows, drawn hair by hair over a soft ground; the hairs of the right mirror those of the left."""
    from PIL import Image, ImageDraw

    rng = np.random.default_rng(7)
    scale = 4
    hairs = np.zeros((SIZE * scale, SIZE * scale))
    along = np.sort(rng.uniform(0.0, 1.0, NUM_HAIRS))
    knots = np.linspace(0, 1, len(BROW))
    layers = 6
    for layer in range(layers):
        picture = Image.new("L", (SIZE * scale, SIZE * scale))
        pen = ImageDraw.Draw(picture)
        for t in along[layer::layers]:
            x, y, half = (np.interp(t, knots, BROW[:, k]) for k in range(3))
            across = rng.uniform(-1, 1)
            # hairs stand up near the nose and lie down along the brow further out; the lower ones rise, the upper ones fall
            angle = np.interp(t, [0, 0.15, 0.5, 1], [1.35, 0.85, 0.25, -0.45]) - 0.45 * across * np.interp(t, [0, 0.4, 1], [0.2, 1, 0.6])
            if rng.random() > np.interp(t, [0, 0.18, 1], [0.35, 1, 1]):
                continue
            length = rng.uniform(0.0035, 0.0062) * np.interp(t, [0, 0.2, 0.8, 1], [0.75, 1, 0.9, 0.6])
            root = np.array([x, y + 0.9 * half * across])
            tip = root + length * np.array([np.cos(angle), np.sin(angle)])
            middle = (root + tip) / 2 + 0.0003 * np.array([-np.sin(angle), np.cos(angle)])
            for mirror in ((1, 1), (-1, 1)):
                pen.line(_pixels(np.array([root, middle, tip]) * mirror, scale), fill=255, width=3)
        hairs = 1 - (1 - hairs) * (1 - 0.5 * np.asarray(picture, np.float64) / 255)
    fine = hairs.reshape(SIZE, scale, SIZE, scale).mean(axis=(1, 3))
    ground = gaussian_filter(fine, 0.0011 / WIDTH_M * SIZE)
    return (0.55 * fine + 0.60 * ground).clip(0, 0.94)


def _blush() -> np.ndarray:
    """Warmth of cheeks, nose tip and chin."""
    x = LEFT_M + (np.arange(SIZE) + 0.5) / SIZE * WIDTH_M
    y = TOP_M - (np.arange(SIZE) + 0.5) / SIZE * WIDTH_M
    x, y = np.meshgrid(x, y)
    spots = ((0.041, 0.004, 0.015, 0.75), (-0.041, 0.004, 0.015, 0.75), (0.0, 0.006, 0.009, 0.45), (0.0, -0.058, 0.011, 0.30))
    return sum(s * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * r**2)) for cx, cy, r, s in spots)
