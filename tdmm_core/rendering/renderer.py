"""Pictures of a face in motion: frames come one at a time, so that a long film needs no more memory than a short one.

Owns framing and the way from linear light to bytes; `scene` holds what stays the same, `draw` the numba kernels. Equal input gives
equal frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.mesh import Mesh
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.scene import (
    Face,
    Surface,
    backdrop_of,
    lens_of,
    lights_of,
    palette_of,
    plain_surface,
    surface_of,
    tone_table,
)

DISTANCE_M = 0.95
"From the camera to what automatic framing puts in the middle, for a head of usual size."
HEAD_MARGIN, MESH_MARGIN = 1.08, 1.15
"Framed height, as a share of the height of what is shown."
USUAL_HEIGHT_M = 0.285
BLOCK = 32
"Frames that are posed at a time."


def render(model: Face, motion: FaceMotion, *, look: Look | None = None) -> Iterator[np.ndarray]:
    """Frames (H, W, 3) uint8 sRGB of a motion of a face model, one for each of its T frames.

    Without a camera in `look` the head is framed by itself: its median place comes to the middle, and moves about it are kept.
    With one, the world is what the motion's `transl` says: a head in front of the camera has a negative z.
    Raises InputError when the motion is of another face model.
    """
    look = look or Look()
    offset, height = np.zeros(3), USUAL_HEIGHT_M
    if look.camera is None:
        low, high = _extent(model, motion)
        height = HEAD_MARGIN * float(high[1] - low[1])
        offset = -np.median(motion.transl, axis=0) - _middle(low, high, height)
    painter = _Painter(surface_of(model), look, height)
    for start in range(0, motion.num_frames, BLOCK):
        part = motion[start : start + BLOCK]
        vertices = model.posed_geometry(part) + offset.astype(np.float32)
        occlusion = painter.surface.occlusion(part.expression)
        for frame in range(part.num_frames):
            yield painter.picture(vertices[frame], occlusion[frame])


def render_mesh(mesh: Mesh, *, look: Look | None = None) -> np.ndarray:
    """One picture (H, W, 3) uint8 sRGB of any mesh, all in the skin's colour; without a camera in `look` it is framed by itself."""
    look = look or Look()
    if len(mesh.vertices) == 0:
        raise InputError("mesh: expected at least one vertex, got none")
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    size = float(np.max(high - low)) or 1.0
    surface = plain_surface(mesh.triangles, len(mesh.vertices))
    painter = _Painter(surface, look, MESH_MARGIN * size)
    offset = np.zeros(3) if look.camera else -_middle(low, high, MESH_MARGIN * size)
    return painter.picture(mesh.vertices + offset.astype(np.float32), surface.attributes[:, 3])


def _extent(model: Face, motion: FaceMotion) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest corner (3,) of the person's face at rest, metres."""
    first = motion[:1]
    still = np.zeros((1, 3), np.float32)
    rest = replace(first, expression=np.zeros_like(first.expression), global_orient=still, transl=still)
    vertices = model.posed_geometry(rest)[0]
    return vertices.min(axis=0), vertices.max(axis=0)


def _middle(low: np.ndarray, high: np.ndarray, framed_height_m: float) -> np.ndarray:
    """(3,) the point that comes to the world's origin, so that what lies between the corners stands in the middle at framing distance."""
    return (low + high) / 2 + np.array([0, 0, DISTANCE_M * framed_height_m / USUAL_HEIGHT_M])


class _Painter:
    """Draws posed vertices of one surface with one look."""

    def __init__(self, surface: Surface, look: Look, framed_height_m: float) -> None:
        camera = look.camera or _framing(look, framed_height_m)
        self.surface = surface
        self._attributes = surface.attributes.copy()
        self._tables = (surface.paint, palette_of(look), lights_of(look))
        self._lens = lens_of(camera, look.supersampling, surface.iris_rad)
        self._backdrop = backdrop_of(look, camera.image_size_px[1])
        self._samples = look.supersampling

    def picture(self, vertices: np.ndarray, occlusion: np.ndarray) -> np.ndarray:
        """(H, W, 3) uint8 of vertices (V, 3) in the camera's frame."""
        from tdmm_core.rendering.draw import draw, to_bytes

        attributes = self._attributes
        attributes[:, 3] = occlusion
        surface = (self.surface.triangles, self.surface.material, attributes)
        light = draw(np.ascontiguousarray(vertices, np.float32), surface, self._tables, self._lens, self._backdrop, self._samples)
        return to_bytes(light, _tones())


@cache
def _tones() -> np.ndarray:
    return tone_table()


def _framing(look: Look, framed_height_m: float) -> Camera:
    """A camera that shows `framed_height_m` over the picture's smaller side, at the distance where automatic framing puts things."""
    width, height = look.width_px, look.height_px
    distance = DISTANCE_M * framed_height_m / USUAL_HEIGHT_M
    return Camera(
        focal_px=min(width, height) / framed_height_m * distance, principal_point_px=(width / 2, height / 2), image_size_px=(width, height),
    )  # fmt: skip
