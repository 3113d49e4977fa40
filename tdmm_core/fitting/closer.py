"""A closer look where the whole picture shows no face: around the place where one was last, and now and then at every part of the picture.

The network finds faces on a small copy of the picture, where a face of a twentieth of its width is a speck; in a part of the picture it is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from tdmm_core.fitting.landmarks import Landmarker, Sighting
from tdmm_core.morphable.rotations import axis_angle_to_matrix

_FIRST_WAIT, _MOST_WAIT = 8, 400
"Pictures from one search of all parts to the next: as long as nothing is found the wait doubles."
_PATIENCE = 15
"Pictures for which a face is looked for where it was last."
_AROUND = 1.6
"Half the side of that part, in face sizes."
_PARTS = (2, 3, 5)
"The picture is searched in parts of a half, a third and a fifth of its height, which overlap by half."
_LEAST_PX = 64
_NETWORK_VIEW_RAD = np.radians(63.0)
"Height of view of the camera that the network supposes."

Window = tuple[int, int, int, int]
"Left, top, right, bottom."


class CloserLook:
    """Looks again at pictures in which no face was found; a context manager, since it may open the network."""

    def __init__(self, path: Path, *, confidence: float) -> None:
        self._path, self._confidence = path, confidence
        self._network: Landmarker | None = None
        self._last: Window | None = None
        self._missed = self._waited = 0
        self._wait = 0

    def __enter__(self) -> CloserLook:
        return self

    def __exit__(self, *error: object) -> None:
        if self._network is not None:
            self._network.__exit__(None, None, None)

    def remember(self, faces: tuple[Sighting, ...], size_px: tuple[int, int]) -> None:
        """Where the whole picture showed a face."""
        self._last, self._missed = _window_around(faces[0].points_px, size_px), 0

    def look(self, frame: np.ndarray) -> tuple[Sighting, ...]:
        """A face in an (H, W, 3) picture that showed none at first sight, or nothing."""
        windows: list[Window] = []
        if self._last is not None and self._missed < _PATIENCE:
            windows = [self._last]
            self._missed += 1
        else:
            self._waited += 1
            if self._waited > self._wait:
                windows = list(_parts(frame.shape[1], frame.shape[0]))
                self._waited, self._wait = 0, min(max(2 * self._wait, _FIRST_WAIT), _MOST_WAIT)
        for window in windows:
            face = self._look_at(frame, window)
            if face is not None:
                self._wait = _FIRST_WAIT
                self.remember((face,), (frame.shape[1], frame.shape[0]))
                return (face,)
        return ()

    def _look_at(self, frame: np.ndarray, window: Window) -> Sighting | None:
        if self._network is None:
            self._network = Landmarker(self._path, confidence=self._confidence, video=False)
        left, top, right, bottom = window
        faces = self._network.see_all(frame[top:bottom, left:right])
        if not faces:
            return None
        points = faces[0].points_px + np.array([left, top], np.float32)
        part, whole = (right - left, bottom - top), (frame.shape[1], frame.shape[0])
        turn = _ray_turn(points.mean(0), whole) @ _ray_turn(faces[0].points_px.mean(0), part).T
        return replace(faces[0], points_px=points, rotation=(turn @ faces[0].rotation).astype(np.float32))


def _ray_turn(point_px: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """(3, 3) the turn from straight ahead to the ray through a point, in the camera that the network takes for granted.

    A head seen in a part of the picture is turned by the rays' difference from the same head in the whole picture.
    """
    focal = size_px[1] / 2 / np.tan(_NETWORK_VIEW_RAD / 2)
    ray = np.array([(point_px[0] - size_px[0] / 2) / focal, (size_px[1] / 2 - point_px[1]) / focal, -1.0])
    angle = np.arctan2(np.hypot(ray[0], ray[1]), 1.0)
    axis = np.array([ray[1], -ray[0], 0.0]) / max(float(np.hypot(ray[0], ray[1])), 1e-12)
    return axis_angle_to_matrix(axis * angle)


def _window_around(points_px: np.ndarray, size_px: tuple[int, int]) -> Window:
    low, high = points_px.min(0), points_px.max(0)
    reach = max(_AROUND * float((high - low).max()), _LEAST_PX / 2)
    middle, size = (low + high) / 2, np.array(size_px)
    first, last = np.clip(middle - reach, 0, size - 1).astype(int), np.clip(middle + reach + 1, 1, size).astype(int)
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _parts(width: int, height: int) -> Iterator[Window]:
    """Squares over the whole picture, large ones first; none below what a face needs."""
    for count in _PARTS:
        side = min(height, width) // count
        if side < _LEAST_PX:
            return
        for top in _starts(height, side):
            for left in _starts(width, side):
                yield left, top, left + side, top + side


def _starts(length: int, side: int) -> list[int]:
    """Begins of overlapping stretches of `side` that cover `length`."""
    steps = max(1, -(-2 * (length - side) // side))
    return [round(i * (length - side) / steps) for i in range(steps + 1)] if length > side else [0]
