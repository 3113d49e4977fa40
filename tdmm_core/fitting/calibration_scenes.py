"""Pictures of known faces: random people, expressions and poses of a morphable model, drawn and shown to the landmark network.

What the network sees here is what calibration learns from and what the fitting tests are measured on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.fitting.landmarks import Landmarker
from tdmm_core.morphable.model import MorphableModel, neutral_motion
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render
from tdmm_core.runtime.seeding import stream

PICTURE_PX = 320
_SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
"Opposite moves rather than two sides of one."
_SKINS = ((0.86, 0.68, 0.58), (0.93, 0.78, 0.70), (0.66, 0.48, 0.38), (0.45, 0.31, 0.24))


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenes:
    """N pictures in which a face was found, with what is true of each."""

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


def random_person(model: MorphableModel, frames: int, rng: np.random.Generator) -> tuple[FaceMotion, Look]:
    """Unrelated frames of one person before one camera."""
    focal = PICTURE_PX * float(np.exp(rng.uniform(np.log(1.0), np.log(2.5))))
    camera = Camera(focal_px=focal, principal_point_px=(PICTURE_PX / 2, PICTURE_PX / 2), image_size_px=(PICTURE_PX, PICTURE_PX))
    distance = 0.26 * focal / (PICTURE_PX * rng.uniform(0.65, 1.0, frames))
    transl = np.stack([*(rng.uniform(-0.12, 0.12, (2, frames)) * distance * PICTURE_PX / focal), -distance], axis=1)
    motion = replace(
        neutral_motion(model, frames),
        expression=random_expressions(model, frames, rng),
        shape=rng.normal(0, 0.8, model.num_shape).clip(-2, 2),
        global_orient=np.radians(rng.normal(0, (9, 15, 7), (frames, 3)).clip(-32, 32)),
        transl=transl,
    )
    look = Look(
        camera=camera,
        supersampling=1,
        skin=_SKINS[int(rng.integers(len(_SKINS)))],
        key_direction=(float(rng.uniform(-0.8, 0.8)), float(rng.uniform(0.2, 0.8)), 0.75),
        ambient=float(rng.uniform(0.4, 0.65)),
    )
    return motion, look


def random_expressions(model: MorphableModel, frames: int, rng: np.random.Generator) -> np.ndarray:
    """(T, E) mixtures of a few units, most of them alike on both sides; one frame in ten is neutral."""
    names = model.expression_names
    twin = [names.index(mirrored(n)) for n in names]
    result = np.zeros((frames, len(names)))
    for row in result:
        if rng.random() < 0.1:
            continue
        for unit in rng.choice(len(names), int(rng.integers(1, 7)), replace=False):
            row[unit] = rng.beta(1.4, 1.2)
            if names[unit] not in _SIDEWAYS and rng.random() < 0.75:
                row[twin[unit]] = row[unit]
    _keep_possible(result, names)
    return result


def mirrored(name: str) -> str:
    """The unit of the other side: `eyeBlinkLeft` for `eyeBlinkRight`; others are their own."""
    swapped = {"Left": "Right", "Right": "Left"}
    return next((name.removesuffix(side) + other for side, other in swapped.items() if name.endswith(side)), name)


def _keep_possible(rows: np.ndarray, names: tuple[str, ...]) -> None:
    """Lips close only as far as the jaw opens, and eyes look one way at a time."""
    at = names.index
    rows[:, at("mouthClose")] = np.minimum(rows[:, at("mouthClose")], rows[:, at("jawOpen")])
    for left, right in zip(_SIDEWAYS[::2], _SIDEWAYS[1::2], strict=True):
        rows[:, at(right)] *= rows[:, at(left)] == 0
    for side, other in (("Left", "Right"), ("Right", "Left")):
        rows[:, at(f"eyeLookIn{side}")] *= rows[:, at(f"eyeLookIn{other}")] == 0
        rows[:, at(f"eyeLookOut{side}")] = rows[:, at(f"eyeLookIn{other}")]
        rows[:, at(f"eyeLookUp{side}")] *= rows[:, at(f"eyeLookDown{side}")] == 0


def see_scenes(model: MorphableModel, landmarker: Landmarker, *, people: int, frames: int, seed: int) -> Scenes:
    """Draw `people` times `frames` pictures and keep those in which the network finds a face."""
    rows = [row for person in range(people) for row in _see_person(model, landmarker, frames, stream(seed, "calibration", person))]
    columns = (np.stack(column) for column in zip(*rows, strict=True))
    names = ("expression", "shape", "rotation", "transl", "focal_px", "points_px", "scores", "network_rotations")
    return Scenes(**dict(zip(names, columns, strict=True)))


def _see_person(model: MorphableModel, landmarker: Landmarker, frames: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, ...]]:
    motion, look = random_person(model, frames, rng)
    for i, picture in enumerate(render(model, motion, look=look)):
        seen = landmarker.see(picture)
        if seen is not None:
            yield motion.expression[i], motion.shape, motion.global_orient[i], motion.transl[i], np.array(look.camera.focal_px), *seen
