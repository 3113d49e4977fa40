"""Pictures of known faces: random people, lights, lenses and moves of a morphable model, drawn and shown to the landmark network.

What the network sees here is what calibration learns from. Who moves how is `calibration_people`'s matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from tdmm_core.fitting.calibration_people import random_person
from tdmm_core.fitting.landmarks import Landmarker
from tdmm_core.fitting.pictures import COLUMNS, PICTURE_PX, Scenes
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.performance.lexicon import lexicon_digest
from tdmm_core.rendering.renderer import render
from tdmm_core.runtime.progress import SILENT, Progress
from tdmm_core.runtime.seeding import stream

STRIDE = 12
"Every so many frames one is shown to the network: neighbours would teach little more."
_LOT = 40
"People whose pictures are kept in one file."
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


def kept_scenes(model: MorphableModel, network: Path, folder: Path, *, people: int, frames: int, seed: int, progress: Progress = SILENT) -> Scenes:
    """As `see_scenes`, some people at a time, each lot kept in a file of `folder`: an interrupted run goes on, and another one draws nothing.

    The files are of this lexicon, face model, network, number of frames and seed. They do not notice a change in how actors act, people look or
    pictures are drawn: remove them then.
    """
    network_digest = hashlib.sha256(network.read_bytes()).hexdigest()
    edition = hashlib.sha256(f"{lexicon_digest()} {model.digest} {network_digest} {frames} {seed} {STRIDE}".encode()).hexdigest()[:12]
    parts, place = [], folder / f"pictures-{edition}"
    place.mkdir(parents=True, exist_ok=True)
    progress.start("drawing", people, "person")
    for first in range(0, people, _LOT):
        lot = range(first, min(first + _LOT, people))
        path = place / f"{lot.start:05d}-{lot.stop:05d}.npz"
        if not path.exists():
            _keep(path, see_scenes(model, network, people=lot, frames=frames, seed=seed))
        with np.load(path, allow_pickle=False) as stored:
            parts.append(Scenes(**{name: stored[name] for name in COLUMNS}))
        progress.advance(len(lot))
    progress.finish()
    return joined(parts)


def _keep(path: Path, scenes: Scenes) -> None:
    part = path.with_suffix(".part.npz")
    np.savez(part, **vars(scenes))
    part.replace(path)


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
