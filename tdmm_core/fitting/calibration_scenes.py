"""Pictures of known faces: random people, lights, lenses and moves of a morphable model, drawn and shown to the landmark network.

What the network sees here is what calibration learns from. Who moves how is `calibration_people`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tdmm_core.fitting.calibration_people import random_person
from tdmm_core.fitting.landmarks import Landmarker
from tdmm_core.fitting.pictures import COLUMNS, PICTURE_PX, Scenes
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.rendering.renderer import render
from tdmm_core.runtime.progress import SILENT, Progress
from tdmm_core.runtime.seeding import stream

STRIDE = 12
"Every so many frames one is shown to the network: neighbours would teach little more."
_NOTHING = np.zeros((PICTURE_PX, PICTURE_PX, 3), np.uint8)


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
    return Scenes(**dict(zip(COLUMNS, columns, strict=True)))


def joined(parts: Sequence[Scenes]) -> Scenes:
    """Scenes of several ranges of people as one."""
    return Scenes(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS})


def _see_person(model: MorphableModel, landmarker: Landmarker, frames: int, who: tuple[int, int]) -> Iterator[tuple[np.ndarray, ...]]:
    motion, look = random_person(model, frames * STRIDE, stream(who[0], "calibration", who[1]))
    motion, person = motion[::STRIDE], np.array(who[1])
    for i, picture in enumerate(render(model, motion, look=look)):
        seen = landmarker.see(picture)
        if seen is not None:
            yield person, motion.expression[i], motion.shape, motion.global_orient[i], motion.transl[i], np.array(look.camera.focal_px), *seen
