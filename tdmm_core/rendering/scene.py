"""What stays the same over a film: the mesh's materials and attributes, colours and lights as flat rows, the lens and the backdrop.

Owns the translation from a `Look` and a face to what the numba kernels take; knows nothing of motion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.rendering.look import Colour, Look

MATERIALS = {"skin": 0, "lips": 0, "brows": 0, "sclera": 1, "iris": 1, "mouth_cavity": 2, "teeth": 3, "tongue": 4, "eye_cavity": 5}
"Region of a face model -> what `shade` paints it with."
SCLERA: Colour = (0.93, 0.91, 0.89)
MOUTH: Colour = (0.36, 0.13, 0.12)
TEETH: Colour = (0.93, 0.90, 0.84)
TONGUE: Colour = (0.74, 0.38, 0.37)
LIPS_SHARE = (0.86, 0.62, 0.69)
"Colour of lips, as a share of the skin's, where the look leaves it open."
BRIGHTNESS_LEVELS = 4096


class Face(Protocol):
    """What the renderer asks of a face model."""

    triangles: np.ndarray
    triangle_region: np.ndarray
    region_names: tuple[str, ...]
    appearance: Mapping[str, np.ndarray]
    template: np.ndarray

    def posed_geometry(self, motion: FaceMotion) -> np.ndarray: ...


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A mesh as the kernels take it."""

    triangles: np.ndarray
    "(F, 3) int32."
    material: np.ndarray
    "(F,) uint8, values of MATERIALS."
    attributes: np.ndarray
    "(V, 9) float32, columns as the first of `shade.COLUMNS`."
    paint: np.ndarray
    "(h, w, 3) uint8: lips, brows, blush."
    iris_rad: float
    occlusion_units: np.ndarray | None
    "(E, V) float32: what each unit adds to the occlusion column."

    def occlusion(self, expression: np.ndarray) -> np.ndarray:
        """(T, V) float32, 0 (closed in) to 1 (open to all light), for expressions (T, E)."""
        resting = np.broadcast_to(self.attributes[:, 3], (len(expression), len(self.attributes)))
        if self.occlusion_units is None:
            return resting
        return np.clip(resting + expression @ self.occlusion_units, 0, 1).astype(np.float32)


def surface_of(face: Face) -> Surface:
    """The surface of a face model; what its appearance lacks is left plain."""
    count, look = len(face.template), face.appearance
    attributes = _plain_attributes(count)
    if "uv" in look:
        attributes[:, 0:2], attributes[:, 2] = look["uv"], look["front"]
    for column, name in ((3, "occlusion"), (4, "liner"), (5, "fade")):
        if name in look:
            attributes[:, column] = look[name].astype(np.float32)
    if "eye_direction" in look:
        attributes[:, 6:9] = look["eye_direction"]
    material = np.array([MATERIALS.get(name, 0) for name in face.region_names], np.uint8)[face.triangle_region]
    units = look.get("occlusion_units")
    backing = look.get("mouth_backing", np.zeros((0, 3), np.int32))
    return Surface(
        triangles=np.ascontiguousarray(np.concatenate([face.triangles, backing])),
        material=np.concatenate([material, np.full(len(backing), MATERIALS["mouth_cavity"], np.uint8)]),
        attributes=attributes,
        paint=look.get("paint", np.zeros((2, 2, 3), np.uint8)),
        iris_rad=float(np.radians(np.ravel(look.get("iris_deg", 24.0))[0])),
        occlusion_units=None if units is None else units.astype(np.float32),
    )


def plain_surface(triangles: np.ndarray, num_vertices: int) -> Surface:
    """Any mesh, all of one plain material."""
    return Surface(
        triangles=triangles,
        material=np.zeros(len(triangles), np.uint8),
        attributes=_plain_attributes(num_vertices),
        paint=np.zeros((2, 2, 3), np.uint8),
        iris_rad=0.4,
        occlusion_units=None,
    )


def _plain_attributes(count: int) -> np.ndarray:
    attributes = np.zeros((count, 9), np.float32)
    attributes[:, 3] = attributes[:, 5] = attributes[:, 8] = 1
    return attributes


def palette_of(look: Look) -> np.ndarray:
    """(8, 3) float32 linear colours, rows as `shade.PALETTE_ROWS`."""
    lips = look.lips or tuple(share * c for share, c in zip(LIPS_SHARE, look.skin, strict=True))
    rows = (look.skin, lips, look.brows, look.iris, SCLERA, MOUTH, TEETH, TONGUE)
    return linear(np.array(rows, np.float32))


def lights_of(look: Look) -> np.ndarray:
    """(4, 3) float32, rows as `shade.LIGHT_ROWS`; the fill comes from the key's other side, lower and more from the front.

    The lamp that the eyes mirror stands lower than the key, else the lid would hide it and the eye look dead.
    """
    key = np.array(look.key_direction, np.float32)
    key /= np.linalg.norm(key)
    fill = np.array([-key[0], 0.25 * key[1], max(abs(key[2]), 0.4)], np.float32)
    fill /= np.linalg.norm(fill)
    lamp = np.array([0.8 * key[0], 0.42 * key[1], max(key[2], 0.3) + 0.2], np.float32)
    lamp /= np.linalg.norm(lamp)
    return np.stack([key, fill, lamp, np.array([look.key_intensity, look.fill_intensity, look.ambient], np.float32)])


def lens_of(camera: Camera, samples: int, iris_rad: float) -> np.ndarray:
    """(5,) float32: focal length, centre column and row in samples; iris radius; picture width in pixels."""
    (x, y), width = camera.principal_point_px, camera.image_size_px[0]
    return np.array([camera.focal_px * samples, x * samples, y * samples, iris_rad, width], np.float32)


def backdrop_of(look: Look, height: int) -> np.ndarray:
    """(H, 3) float32 linear: the background of each row."""
    t = ((np.arange(height) + 0.5) / height)[:, None]
    return linear(np.array(look.background_top) * (1 - t) + np.array(look.background_bottom) * t).astype(np.float32)


def linear(srgb: np.ndarray) -> np.ndarray:
    """sRGB 0 to 1 to linear light, the same shape."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def tone_table() -> np.ndarray:
    """(BRIGHTNESS_LEVELS,) uint8: linear light 0 to 2 to sRGB bytes, highlights rolled off softly above 0.8."""
    light = np.linspace(0, 2, BRIGHTNESS_LEVELS)
    rolled = np.where(light <= 0.7, light, 0.7 + 0.3 * (1 - np.exp(-(light - 0.7) / 0.3)))
    srgb = np.where(rolled <= 0.0031308, rolled * 12.92, 1.055 * rolled ** (1 / 2.4) - 0.055)
    return np.round(srgb.clip(0, 1) * 255).astype(np.uint8)
