"""A fitted face beside its film: the picture, the mesh laid over it, and the mesh alone.

Owns how fits are shown to be judged by eye; knows nothing of files and of how the fit was made.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import BRIDGED, HELD, FaceMotion
from tdmm_core.rendering.look import Colour, Look
from tdmm_core.rendering.renderer import render
from tdmm_core.rendering.scene import Face

_KEY: Colour = (1.0, 0.0, 1.0)
_OPACITY = 0.6
_GROUND = (46, 50, 56)
_STATUS = {BRIDGED: ("bridged", (255, 190, 60)), HELD: ("held", (255, 90, 80))}
_PLAIN = (225, 230, 235)
_LEAST_PX = 16


def side_by_side(model: Face, motion: FaceMotion, camera: Camera, pictures: Iterable[np.ndarray], *, height_px: int = 360) -> Iterator[np.ndarray]:
    """(h, 3 w, 3) uint8 for each of T frames: film, overlay, mesh. `pictures` (H, W, 3) are the film's, one for each frame of the motion.

    Frames in which no face was seen say so: bridged or held.
    """
    small = scaled(camera, height_px)
    times = motion.source_time_s if motion.source_time_s is not None else np.arange(motion.num_frames) / motion.fps
    meshes = render(_whole(model), motion, look=_look(small))
    for picture, mesh, time_s, status in zip(pictures, meshes, times, motion.status, strict=False):
        film = resized(picture, small.image_size_px)
        word, colour = _STATUS.get(int(status), ("", _PLAIN))
        panels = (film, overlaid(film, mesh), on_ground(mesh))
        yield captioned(np.concatenate(panels, axis=1), f"{time_s:.2f} s  {word}", colour)


def scaled(camera: Camera, height_px: int) -> Camera:
    """The same view at another height, even in both directions."""
    width, height = camera.image_size_px
    share = height_px / height
    size = (max(_LEAST_PX, round(width * share / 2) * 2), max(_LEAST_PX, round(height_px / 2) * 2))
    x, y = camera.principal_point_px
    return Camera(focal_px=camera.focal_px * share, principal_point_px=(x * share, y * share), image_size_px=size)


def _look(camera: Camera) -> Look:
    return Look(camera=camera, supersampling=1, background_top=_KEY, background_bottom=_KEY)


def _whole(model: Face) -> Face:
    """The same face without a neck that fades into the ground: here the ground is a key, not a colour."""
    return replace(model, appearance={name: value for name, value in model.appearance.items() if name != "fade"})  # type: ignore[type-var]


def _covered(mesh: np.ndarray) -> np.ndarray:
    """(h, w, 1) bool: where a rendered picture shows the mesh and not the key colour."""
    red, green, blue = (mesh[..., i].astype(int) for i in range(3))
    return ~((red > 120) & (blue > 120) & (green < 40))[..., None]


def overlaid(film: np.ndarray, mesh: np.ndarray) -> np.ndarray:
    """The mesh, half transparent, over the film."""
    mixed = film * (1 - _OPACITY) + mesh * _OPACITY
    return np.where(_covered(mesh), mixed, film).astype(np.uint8)


def on_ground(mesh: np.ndarray) -> np.ndarray:
    """The mesh alone, the key colour replaced by a dark ground."""
    return np.where(_covered(mesh), mesh, np.array(_GROUND, np.uint8))


def fit_strip(model: Face, motion: FaceMotion, camera: Camera, pictures: Sequence[np.ndarray], *, size_px: tuple[int, int]) -> np.ndarray:
    """(h, 2 n w, 3): for each of n frames of a motion the film and the overlay, each fitted into `size_px` (width, height)."""
    small = scaled(camera, size_px[1])
    cells = []
    for picture, mesh in zip(pictures, render(_whole(model), motion, look=_look(small)), strict=True):
        film = resized(picture, small.image_size_px)
        cells += [into(film, size_px), into(overlaid(film, mesh), size_px)]
    return np.concatenate(cells, axis=1)


def resized(picture: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """A picture at another size (width, height)."""
    from PIL import Image

    return np.asarray(Image.fromarray(picture).resize(size_px, Image.Resampling.BILINEAR))


def into(picture: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """The picture's middle at a given size (width, height), on dark ground where it is smaller."""
    result = np.full((size_px[1], size_px[0], 3), _GROUND, np.uint8)
    spans = []
    for have, want in zip(picture.shape[:2], (size_px[1], size_px[0]), strict=True):
        length = min(have, want)
        spans.append((slice((want - length) // 2, (want - length) // 2 + length), slice((have - length) // 2, (have - length) // 2 + length)))
    result[spans[0][0], spans[1][0]] = picture[spans[0][1], spans[1][1]]
    return result


def captioned(picture: np.ndarray, text: str, colour: tuple[int, int, int] = _PLAIN) -> np.ndarray:
    """The picture with a line of text in its upper left corner, on a dark strip."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(picture)
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    pen.rectangle((0, 0, 12 + pen.textlength(text, font=font), 20), fill=(20, 22, 26))
    pen.text((6, 2), text, fill=colour, font=font)
    return np.asarray(image)
