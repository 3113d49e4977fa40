"""What was seen in a whole clip: every face of every frame, and where the picture was cut.

Owns the memory of it, 4 KB a frame and face. Whose faces they are is `people`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.fitting.closer import CloserLook
from tdmm_core.fitting.cuts import Thumbnails
from tdmm_core.fitting.landmarks import NUM_LANDMARKS, NUM_SCORES, SCORE_NAMES, FaceLandmarks, Landmarker, Sighting

_USUAL_FRAMES = 256
_STEADY = 0.035
"Share of its size by which a face moves from frame to frame at most if it goes on."


@dataclass(frozen=True, kw_only=True, eq=False)
class Sightings:
    """All faces of N frames: the first of each frame in `first`, the others of the frames that have several in `others`."""

    first: FaceLandmarks
    others: tuple[tuple[int, Sighting], ...]
    "Frame and face, in the order of frames."


def watch(
    landmarker: Landmarker, frames: Iterable[tuple[float, np.ndarray]], *, closer: CloserLook | None = None, expected_frames: int = _USUAL_FRAMES
) -> Sightings:
    """Walk (time in seconds, picture) pairs; a picture whose time did not advance is the one before and is skipped.

    With `closer`, pictures that show no face are looked at again in parts. Raises InputError when there is no picture at all.
    """
    rows, others, thumbnails = _Rows(expected_frames), [], Thumbnails()
    size = (0, 0)
    for time_s, frame in frames:
        if rows.times and time_s - rows.times[-1] < 1e-3:
            continue
        size = (frame.shape[1], frame.shape[0])
        thumbnails.add(frame)
        faces = landmarker.see_all(frame)
        if closer is not None:
            faces = _again(closer, faces, frame)
        others += [(len(rows.times), face) for face in faces[1:]]
        rows.add(time_s, faces[0] if faces else None)
    if not rows.times:
        raise InputError("fitting: expected at least one frame, got none")
    return Sightings(first=rows.landmarks(size, thumbnails.shots(rows.goes_on)), others=tuple(others))


def _again(closer: CloserLook, faces: tuple[Sighting, ...], frame: np.ndarray) -> tuple[Sighting, ...]:
    if not faces:
        return closer.look(frame)
    closer.remember(faces, (frame.shape[1], frame.shape[0]))
    return faces


class _Rows:
    """Arrays that grow in place; room that no frame has filled yet costs no memory."""

    def __init__(self, room: int) -> None:
        self.times: list[float] = []
        self._columns = [np.empty((max(room, 1), *shape), np.float32) for shape in ((NUM_LANDMARKS, 2), (NUM_SCORES,), (3, 3))]

    def add(self, time_s: float, face: Sighting | None) -> None:
        row = len(self.times)
        self.times.append(time_s)
        values = (face.points_px, face.scores, face.rotation) if face else (np.nan,) * 3
        for column, value in zip(self._columns, values, strict=True):
            if row == len(column):
                column.resize((2 * row, *column.shape[1:]), refcheck=False)
            column[row] = value

    def goes_on(self, row: int) -> bool:
        """Whether the first face of a frame lies almost where it lay in the frame before."""
        now, before = self._columns[0][row], self._columns[0][row - 1]
        size = float(np.ptp(before, axis=0).mean())
        return bool(np.linalg.norm(now - before, axis=-1).mean() < _STEADY * size)

    def landmarks(self, size_px: tuple[int, int], shots: np.ndarray) -> FaceLandmarks:
        count = len(self.times)
        points, scores, rotations = (column[:count] for column in self._columns)
        return FaceLandmarks(
            times_s=np.asarray(self.times),
            points_px=points,
            scores=scores,
            score_names=SCORE_NAMES,
            rotations=rotations,
            size_px=size_px,
            shots=shots,
        )
