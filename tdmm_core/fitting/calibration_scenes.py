"""Pictures of known faces: random people, lights, lenses and moves of a morphable model, drawn and shown to the landmark network.

What the network sees here is what calibration learns from. Who moves how is `calibration_people`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdmm_core.fitting.calibration_people import PICTURE_PX, random_person
from tdmm_core.fitting.landmarks import Landmarker
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.rendering.renderer import render
from tdmm_core.runtime.progress import SILENT, Progress
from tdmm_core.runtime.seeding import stream

_COLUMNS = ("person", "expression", "shape", "rotation", "transl", "focal_px", "points_px", "scores", "network_rotations")
STRIDE = 12
"Every so many frames one is shown to the network: neighbours would teach little more."
_NOTHING = np.zeros((PICTURE_PX, PICTURE_PX, 3), np.uint8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenes:
    """N pictures in which a face was found, with what is true of each."""

    person: np.ndarray
    "(N,) whose face it is."
    expression: np.ndarray
    "(N, E)"
    shape: np.ndarray
    "(N, S)"
    rotation: np.ndarray
    "(N, 3) axis-angle, radians."
    transl: np.ndarray
    "(N, 3) metres."
    focal_px: np.ndarray
    "(N,)"
    points_px: np.ndarray
    "(N, 478, 2)"
    scores: np.ndarray
    "(N, 52)"
    network_rotations: np.ndarray
    "(N, 3, 3)"

    def __len__(self) -> int:
        return len(self.expression)

    def __getitem__(self, pictures: slice) -> Scenes:
        """Some of the pictures."""
        return Scenes(**{name: getattr(self, name)[pictures] for name in _COLUMNS})


def see_scenes(model: MorphableModel, network: Path, *, people: range, frames: int, seed: int, progress: Progress = SILENT) -> Scenes:
    """Show `frames` pictures of each of some people to the network, as a clip of their own, and keep those in which it finds a face.

    A person follows from the seed and the own number alone, so ranges may be drawn apart and joined.
    """
    rows = []
    progress.start("drawing", len(people), "person")
    with Landmarker(network) as landmarker:
        for person in people:
            # A picture of nothing makes the network forget the face before.
            landmarker.see(_NOTHING)
            rows += _see_person(model, landmarker, frames, (seed, person))
            progress.advance()
    progress.finish()
    columns = (np.stack(column) for column in zip(*rows, strict=True))
    return Scenes(**dict(zip(_COLUMNS, columns, strict=True)))


def joined(parts: Sequence[Scenes]) -> Scenes:
    """Scenes of several ranges of people as one."""
    return Scenes(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS})


def _see_person(model: MorphableModel, landmarker: Landmarker, frames: int, who: tuple[int, int]) -> Iterator[tuple[np.ndarray, ...]]:
    motion, look = random_person(model, frames * STRIDE, stream(who[0], "calibration", who[1]))
    motion, person = motion[::STRIDE], np.array(who[1])
    for i, picture in enumerate(render(model, motion, look=look)):
        seen = landmarker.see(picture)
        if seen is not None:
            yield person, motion.expression[i], motion.shape, motion.global_orient[i], motion.transl[i], np.array(look.camera.focal_px), *seen
