"""The embedded generator: performs a planned clip on the open head and films it, with identity, camera, light and colours of its own.

Knows no artifact; what it is given is a plan's clip, what it returns are motions and a video file.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tdmm_core.domain.clip import Camera, CorpusClip, MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import TdmmError
from tdmm_core.morphable.model import MorphableModel, identity
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.actor import draw_actor
from tdmm_core.performance.envelopes import smooth_noise
from tdmm_core.performance.perform import perform
from tdmm_core.rendering.look import Look
from tdmm_core.runtime.seeding import stream
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import PlannedClip
from tdmm_core.synthesis.subjects import COMPLEXIONS

BACKEND = "scripted"

_SKINS = ((0.93, 0.78, 0.70), (0.88, 0.70, 0.60), (0.80, 0.61, 0.49), (0.70, 0.51, 0.38), (0.53, 0.36, 0.26), (0.36, 0.24, 0.18))
"One for each complexion, sRGB."
_IRISES = ((0.30, 0.45, 0.55), (0.34, 0.44, 0.30), (0.42, 0.30, 0.18), (0.25, 0.17, 0.12), (0.40, 0.45, 0.48))
_BROWS = ((0.16, 0.12, 0.10), (0.27, 0.19, 0.15), (0.42, 0.31, 0.20), (0.33, 0.31, 0.30))


@dataclass(frozen=True, kw_only=True)
class Take:
    """A performance as it is filmed."""

    motion: FaceMotion
    "With the subject's shape and the head's place before the camera."
    look: Look
    camera: Camera


def act(planned: PlannedClip, config: SynthConfig) -> FaceMotion:
    """The true motion of a clip: the subject's manner and shape, `transl` zero."""
    script = planned.clip.script
    assert script is not None
    motion = perform(script, seed=planned.seed, actor=draw_actor(planned.subject.seed), fps=config.fps)
    shape = planned.subject.shape(load_open_head().num_shape, config.identity_spread)
    return replace(motion, shape=shape)


def stage(planned: PlannedClip, config: SynthConfig) -> Take:
    """The performance placed before a camera, in a light."""
    model, motion = load_open_head(), act(planned, config)
    rng = stream(planned.seed, "camera")
    size = (config.image_width_px, config.image_height_px)
    # From a wide lens close by (about 50 degrees) to a long one far away (about 20).
    focal_px = float(min(size) * rng.uniform(1.1, 2.8))
    camera = Camera(focal_px=focal_px, principal_point_px=(size[0] / 2, size[1] / 2), image_size_px=size)
    placed = replace(motion, transl=_places(model, motion, camera, rng))
    return Take(motion=placed, look=_look(planned, config, camera), camera=camera)


def _places(model: MorphableModel, motion: FaceMotion, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """(T, 3) float32, metres: the head centred at 60 to 82 % of the picture's smaller side, drifting by some millimetres."""
    face = identity(model, motion.shape)
    low, high = face.min(axis=0), face.max(axis=0)
    fill = rng.uniform(0.6, 0.82)
    side_px = min(camera.image_size_px)
    distance_m = camera.focal_px * float(high[1] - low[1]) / (fill * side_px)
    aside = rng.normal(0.0, 0.012, 2)
    centre = 0.5 * (low + high)
    base = np.array([aside[0] - centre[0], aside[1] - centre[1], -distance_m - centre[2]])
    times = np.arange(motion.num_frames) / motion.fps
    drift = smooth_noise(rng, times, 3, 0.1, 0.5) * np.array([0.003, 0.0015, 0.003])
    return (base + drift).astype(np.float32)


def _look(planned: PlannedClip, config: SynthConfig, camera: Camera) -> Look:
    rng, who = stream(planned.seed, "light"), stream(planned.subject.seed, "colours")
    skin = np.array(_SKINS[COMPLEXIONS.index(planned.subject.complexion)]) * who.uniform(0.94, 1.04)
    lips = skin * np.array([0.88, 0.62, 0.64]) * who.uniform(0.92, 1.08)
    angle, height = rng.uniform(-1.2, 1.2), rng.uniform(0.1, 0.9)
    ground = rng.uniform(0.25, 0.9) * (1.0 + rng.uniform(-0.12, 0.12, 3))
    return Look(
        width_px=config.image_width_px,
        height_px=config.image_height_px,
        camera=camera,
        supersampling=config.supersampling,
        key_direction=(float(np.sin(angle)), float(height), float(np.cos(angle))),
        key_intensity=float(rng.uniform(0.6, 1.05)),
        fill_intensity=float(rng.uniform(0.15, 0.4)),
        ambient=float(rng.uniform(0.35, 0.6)),
        skin=_colour(skin),
        lips=_colour(lips),
        brows=_colour(np.array(_BROWS[who.integers(len(_BROWS))])),
        iris=_colour(np.array(_IRISES[who.integers(len(_IRISES))])),
        background_top=_colour(ground * 1.08),
        background_bottom=_colour(ground * 0.8),
    )


def _colour(rgb: np.ndarray) -> tuple[float, float, float]:
    red, green, blue = np.clip(rgb, 0.02, 0.98).tolist()
    return red, green, blue


def film(take: Take, path: Path) -> str:
    """Render a take to an MP4 file and return the SHA-256 of its bytes. Raises InputError where it cannot be written."""
    from tdmm_core.rendering.renderer import render
    from tdmm_core.video.writer import write_video

    write_video(path, render(load_open_head(), take.motion, look=take.look), fps=take.motion.fps)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_motion(planned: PlannedClip, config: SynthConfig) -> MotionClip:
    """A clip's true motion without a video; where it cannot be made, a failed clip that says why."""
    try:
        return MotionClip(clip=planned.clip, motion=act(planned, config), source=BACKEND)
    except (TdmmError, ValueError, ArithmeticError) as e:
        return MotionClip(clip=planned.clip, motion=None, source=BACKEND, status="failed", error=_reason(e))


def make_video(planned: PlannedClip, config: SynthConfig, folder: Path) -> tuple[CorpusClip, MotionClip]:
    """A clip filmed to `folder/ID.mp4` and its true motion. What goes wrong with the clip is recorded in both.

    Raises TdmmError where the place cannot be written, since every other clip would fail too.
    """
    name = f"{planned.clip.id}.mp4"
    try:
        take = stage(planned, config)
        digest = film(take, folder / name)
    except (TdmmError, ValueError, ArithmeticError) as e:
        if isinstance(e.__cause__, OSError):
            raise
        return (
            CorpusClip(clip=planned.clip, subject=planned.subject.to_json(), seed=planned.seed, status="failed", error=_reason(e)),
            MotionClip(clip=planned.clip, motion=None, source=BACKEND, status="failed", error=_reason(e)),
        )
    video = f"{folder.name}/{name}"
    corpus = CorpusClip(
        clip=planned.clip,
        subject=planned.subject.to_json(),
        backend=BACKEND,
        model=take.motion.face_model,
        model_revision=take.motion.face_model_digest,
        settings=_settings(take),
        seed=planned.seed,
        video=video,
        source_digest=digest,
        fps=config.fps,
        num_frames=take.motion.num_frames,
        status="done",
    )
    truth = MotionClip(
        clip=planned.clip, motion=take.motion, source=video, source_digest=digest, source_fps=config.fps, camera=take.camera
    )  # fmt: skip
    return corpus, truth


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _settings(take: Take) -> str:
    """JSON: how a take was filmed."""
    look = take.look
    values = {
        "size": list(take.camera.image_size_px),
        "focal_px": round(take.camera.focal_px, 3),
        "supersampling": look.supersampling,
        "key_direction": [round(x, 4) for x in look.key_direction],
        "key_intensity": round(look.key_intensity, 4),
    }
    return json.dumps(values, sort_keys=True, separators=(",", ":"))
