"""The people that calibration looks at: how a random person is built, moves, is lit and filmed. Draws and detects nothing.

Some act what the lexicon names, with a manner and a resting face of their own; others wander between random mixtures of units, so that no
combination is unheard of. All turn their heads farther than actors do.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script
from tdmm_core.fitting.pictures import PICTURE_PX
from tdmm_core.morphable.model import MorphableModel, neutral_motion
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from tdmm_core.performance.actor import draw_actor
from tdmm_core.performance.anatomy import settle
from tdmm_core.performance.envelopes import smooth_noise
from tdmm_core.performance.lexicon import Label, load_lexicon
from tdmm_core.performance.perform import perform
from tdmm_core.performance.units import INDEX, mirrored
from tdmm_core.rendering.look import Look

FPS = 25.0
_SIDEWAYS = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")
"Opposite moves rather than two sides of one."
_ACTS_SHARE = 0.65
_HOLD_S = 0.36
"How long somebody who wanders takes from one mixture of units to the next."
_SKINS = ((0.36, 0.24, 0.18), (0.62, 0.44, 0.33), (0.86, 0.68, 0.58), (0.95, 0.80, 0.72))
"From dark to light, sRGB; a person's lies between two neighbours."
_HAIR = ((0.10, 0.08, 0.07), (0.55, 0.42, 0.30))
_IRIS = ((0.18, 0.10, 0.08), (0.50, 0.55, 0.58))


def random_person(model: MorphableModel, frames: int, rng: np.random.Generator) -> tuple[FaceMotion, Look]:
    """Frames of one person before one camera, `FPS` a second. Needs a model whose expression is the 52 units."""
    camera = _camera(rng)
    move = _acts if rng.random() < _ACTS_SHARE else _wanders
    motion = replace(move(model, frames, rng), shape=rng.normal(0, 1, model.num_shape).clip(-2.2, 2.2))
    turned = _turned(motion.global_orient, rng)
    focal, share = camera.focal_px / PICTURE_PX, rng.uniform(0.6, 1.0)
    times = np.arange(frames) / FPS
    # 0.26 m of head fill that share of the picture.
    distance = 0.26 * focal / share * np.exp(0.06 * smooth_noise(rng, times, 1, 0.1, 0.5)[:, 0])
    aside = rng.uniform(-0.12, 0.12, 2) + 0.02 * smooth_noise(rng, times, 2, 0.1, 0.5)
    transl = np.concatenate([aside * (distance / focal)[:, None], -distance[:, None]], axis=1)
    return replace(motion, global_orient=turned, transl=transl), random_look(camera, rng)


def _camera(rng: np.random.Generator) -> Camera:
    focal = PICTURE_PX * float(np.exp(rng.uniform(np.log(1.0), np.log(3.0))))
    return Camera(focal_px=focal, principal_point_px=(PICTURE_PX / 2, PICTURE_PX / 2), image_size_px=(PICTURE_PX, PICTURE_PX))


def random_look(camera: Camera, rng: np.random.Generator) -> Look:
    """A light and colours."""
    skin = _between(_SKINS, rng)
    ground = rng.uniform(0.15, 0.9) * (1 + rng.uniform(-0.15, 0.15, 3))
    angle = rng.uniform(-1.3, 1.3)
    return Look(
        camera=camera,
        supersampling=2 if rng.random() < 0.15 else 1,
        key_direction=(float(np.sin(angle)), float(rng.uniform(-0.1, 1.0)), float(np.cos(angle))),
        key_intensity=float(rng.uniform(0.45, 1.2)),
        fill_intensity=float(rng.uniform(0.05, 0.5)),
        ambient=float(rng.uniform(0.25, 0.7)),
        skin=_colour(skin * rng.uniform(0.92, 1.06, 3)),
        lips=_colour(skin * np.array([0.9, 0.65, 0.66]) * rng.uniform(0.85, 1.15)),
        brows=_colour(_between(_HAIR, rng)),
        iris=_colour(_between(_IRIS, rng)),
        background_top=_colour(ground * rng.uniform(0.8, 1.1)),
        background_bottom=_colour(ground * rng.uniform(0.6, 1.0)),
    )


def _between(colours: tuple[tuple[float, float, float], ...], rng: np.random.Generator) -> np.ndarray:
    place = rng.uniform(0, len(colours) - 1)
    low = min(int(place), len(colours) - 2)
    return np.array(colours[low]) + (place - low) * (np.array(colours[low + 1]) - np.array(colours[low]))


def _colour(rgb: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = np.clip(rgb, 0.02, 0.98).tolist()
    return red, green, blue


def _turned(acted: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T, 3) the acted head pose upon a slow wander over the poses a camera meets, axis-angle, within 40 degrees."""
    times = np.arange(len(acted)) / FPS
    spread = np.radians(rng.choice([0.3, 1.0]) * np.array([8.0, 14.0, 6.0]))
    slow = spread * (0.6 * rng.normal(0, 1, 3) + 0.8 * smooth_noise(rng, times, 3, 0.05, 0.3))
    both = matrix_to_axis_angle(axis_angle_to_matrix(slow) @ axis_angle_to_matrix(acted.astype(np.float64)))
    most = np.radians(40)
    return both * np.minimum(1, most / np.maximum(np.linalg.norm(both, axis=1, keepdims=True), 1e-9))


def _acts(model: MorphableModel, frames: int, rng: np.random.Generator) -> FaceMotion:
    """One to four labels, overlapping freely, by an actor of this person's own."""
    duration_s = frames / FPS
    labels = list(load_lexicon().labels.values())
    events = [_event(labels[int(rng.integers(len(labels)))], duration_s, rng) for _ in range(int(rng.integers(1, 5)))]
    seed = int(rng.integers(2**62))
    acted = perform(Script(events=tuple(events), duration_s=duration_s), seed=seed, actor=draw_actor(seed), fps=FPS)
    return acted[:frames]


def _event(label: Label, duration_s: float, rng: np.random.Generator) -> Event:
    start_s = rng.uniform(0, 0.5 * duration_s)
    return Event(
        kind=label.kind,
        label=label.name,
        start_s=start_s,
        end_s=min(duration_s, start_s + rng.uniform(0.25, 0.8) * duration_s),
        intensity=float(rng.uniform(0.25, 1.0)) if label.graded else 1.0,
        side=label.sides[int(rng.integers(len(label.sides)))],
        direction=label.directions[int(rng.integers(len(label.directions)))] if label.directions else "",
        count=int(rng.integers(1, 4)) if label.countable else 1,
    )


def _wanders(model: MorphableModel, frames: int, rng: np.random.Generator) -> FaceMotion:
    """From one random mixture of units to the next, upon a resting face."""
    motion = neutral_motion(model, frames, FPS)
    step = max(1, round(_HOLD_S * FPS))
    stops = random_expressions(model, frames // step + 2, rng)
    place = np.arange(frames) / step
    low, share = place.astype(int), (place % 1)[:, None]
    share = share * share * (3 - 2 * share)
    mixed = stops[low] * (1 - share) + stops[low + 1] * share
    order = [INDEX[name] for name in model.expression_names]
    units = np.zeros_like(mixed)
    units[:, order] = mixed
    rest = draw_actor(int(rng.integers(2**62))).rest
    return replace(motion, expression=settle(1 - (1 - rest) * (1 - units))[:, order])


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
