"""A face's colours as pictures that any viewer can lay on: skin with lips and brows, eyes with an iris, mouth, teeth, tongue.

Owns the pictures and which triangles they belong to; the colours themselves are the renderer's. Knows no file format.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np

from tdmm_core.morphable.model import MorphableModel
from tdmm_core.rendering.look import Colour, Look
from tdmm_core.rendering.scene import LIPS_SHARE, MATERIALS, MOUTH, SCLERA, TEETH, TONGUE

EYE_SIZE_PX = 256
EYE_REACH = 0.9
"tan of half the angle that the picture of an eye spans to either side."
PUPIL_SHARE = 0.40
PLAIN_PX = 4
_PARTS = {"skin": 0, "eyes": 1, "mouth": 2, "teeth": 3, "tongue": 4}
_MATERIAL_PART = {0: "skin", 5: "skin", 1: "eyes", 2: "mouth", 3: "teeth", 4: "tongue"}
_ROUGHNESS = {"skin": 0.6, "eyes": 0.12, "mouth": 0.7, "teeth": 0.3, "tongue": 0.5}


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Triangles of one material with their picture."""

    name: str
    triangles: np.ndarray
    "(F, 3) int32."
    coordinates: np.ndarray
    "(V, 2) float32 in the picture, u to the right, v down, 0 to 1."
    picture: bytes
    "PNG."
    roughness: float
    double_sided: bool


def face_parts(model: MorphableModel, look: Look) -> tuple[Part, ...]:
    """The parts of a face model; one plain part where it says nothing of how it looks."""
    material = np.array([MATERIALS.get(name, 0) for name in model.region_names], np.uint8)[model.triangle_region]
    part_of = np.array([_PARTS[_MATERIAL_PART[int(m)]] for m in material])
    centre = np.full((model.num_vertices, 2), 0.5, np.float32)
    pictures = {"skin": _skin(model, look), "eyes": _eye(model, look), "mouth": _plain(MOUTH), "teeth": _plain(TEETH), "tongue": _plain(TONGUE)}
    coordinates = {"skin": _skin_coordinates(model), "eyes": _eye_coordinates(model)}
    return tuple(
        Part(
            name=name,
            triangles=model.triangles[part_of == number],
            coordinates=coordinates.get(name, centre),
            picture=_png(pictures[name]),
            roughness=_ROUGHNESS[name],
            double_sided=name == "mouth",
        )
        for name, number in _PARTS.items()
        if (part_of == number).any()
    )


def _skin(model: MorphableModel, look: Look) -> np.ndarray:
    """(h, w, 3) uint8 sRGB."""
    paint = model.appearance.get("paint")
    if paint is None:
        return _plain(look.skin)
    share = paint.astype(np.float32) / 255  # lips, brows, blush
    skin = np.array(look.skin, np.float32)
    lips = np.array(look.lips or [a * b for a, b in zip(LIPS_SHARE, look.skin, strict=True)], np.float32)
    channel = np.arange(3)
    colour = skin * (1 - share[..., 2:] * (0.01 + 0.08 * channel - 0.015 * channel**2))
    colour += (lips - colour) * share[..., :1] * 0.85
    colour += (np.array(look.brows, np.float32) - colour) * share[..., 1:2]
    return np.round(colour.clip(0, 1) * 255).astype(np.uint8)


def _skin_coordinates(model: MorphableModel) -> np.ndarray:
    """(V, 2): from the front; what does not face it takes the edge of the picture, which is bare skin."""
    if "uv" not in model.appearance:
        return np.full((model.num_vertices, 2), 0.5, np.float32)
    inside = model.appearance["uv"].astype(np.float32).clip(0, 1)
    away = model.appearance["front"] <= 0.01
    sideways = np.stack([np.where(inside[:, 0] < 0.5, 0.0, 1.0), inside[:, 1]], axis=1)
    return np.where(away[:, None], sideways, inside).astype(np.float32)


def _eye(model: MorphableModel, look: Look) -> np.ndarray:
    """(EYE_SIZE_PX, EYE_SIZE_PX, 3) uint8 sRGB: white, iris with fibres and a dark rim, pupil; in stereographic projection about the axis."""
    iris_rad = float(np.radians(np.ravel(model.appearance.get("iris_deg", 24.0))[0]))
    place = (np.arange(EYE_SIZE_PX) + 0.5) / EYE_SIZE_PX * 2 - 1
    x, y = np.meshgrid(place * EYE_REACH, -place * EYE_REACH)
    radius = 2 * np.arctan(np.hypot(x, y)) / iris_rad
    around = np.arctan2(y, x)
    fibres = 0.5 + 0.5 * np.sin(around * 23 + 2 * np.sin(around * 7)) * np.sin(around * 41 + 1.3)
    glow = 0.85 + 0.2 * fibres * _step(PUPIL_SHARE, 0.6, radius) + 0.25 * (1 - _step(PUPIL_SHARE, 0.75, radius))
    shade = (glow * (1 - 0.5 * _step(0.66, 0.98, radius)) * (1 - 0.95 * (1 - _step(PUPIL_SHARE - 0.05, PUPIL_SHARE + 0.05, radius))))[..., None]
    inside = (1 - _step(0.93, 1.03, radius))[..., None]
    colour = np.array(SCLERA) * (1 - inside) + np.array(look.iris) * shade * inside
    return np.round(colour.clip(0, 1) * 255).astype(np.uint8)


def _eye_coordinates(model: MorphableModel) -> np.ndarray:
    direction = model.appearance.get("eye_direction")
    if direction is None:
        return np.full((model.num_vertices, 2), 0.5, np.float32)
    x, y, z = direction.astype(np.float32).T
    scale = 1 / (EYE_REACH * np.maximum(1 + z, 0.05))
    return np.stack([0.5 + 0.5 * x * scale, 0.5 - 0.5 * y * scale], axis=1).clip(0, 1).astype(np.float32)


def _step(low: float, high: float, value: np.ndarray) -> np.ndarray:
    t = ((value - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)


def _plain(colour: Colour) -> np.ndarray:
    return np.broadcast_to(np.round(np.array(colour) * 255).astype(np.uint8), (PLAIN_PX, PLAIN_PX, 3))


def _png(picture: np.ndarray) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, "PNG", optimize=True)
    return stream.getvalue()
