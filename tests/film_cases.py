"""Films of the open head whose truth is known, really encoded: any rate, codec, turn, sound and damage."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render
from tdmm_core.runtime.seeding import stream

MODEL = load_open_head()
NAMES = MODEL.expression_names
SIZE = 160
GROUND = np.array([150, 160, 170], np.uint8)
_SKINS = ((0.86, 0.68, 0.58), (0.45, 0.31, 0.24))


def jaw(times_s: np.ndarray) -> np.ndarray:
    """How far the mouth opens."""
    return 0.4 + 0.3 * np.sin(2 * np.pi * 1.25 * times_s)


def yaw(times_s: np.ndarray) -> np.ndarray:
    """How far the head turns to its left, radians."""
    return 0.22 * np.sin(2 * np.pi * 0.8 * times_s + 0.5)


def acted(times_s: np.ndarray, who: int = 0, turned_rad: float = 0.0) -> FaceMotion:
    """Somebody who opens the mouth and turns the head, at (T,) instants."""
    expression, orient = np.zeros((len(times_s), len(NAMES))), np.zeros((len(times_s), 3))
    expression[:, NAMES.index("jawOpen")] = jaw(times_s)
    orient[:, 1] = yaw(times_s) + turned_rad
    shape = 1.2 * stream(who, "somebody").normal(0, 1, MODEL.num_shape).clip(-1.8, 1.8)
    place = np.tile([0.0, -0.02, -0.62], (len(times_s), 1))
    return replace(neutral_motion(MODEL, len(times_s)), expression=expression, global_orient=orient, shape=shape, transl=place)


def filmed(motion: FaceMotion, who: int = 0, size: int = SIZE) -> list[np.ndarray]:
    """Pictures (size, size, 3) of it on a plain ground."""
    camera = Camera(focal_px=1.5 * size, principal_point_px=(size / 2, size / 2), image_size_px=(size, size))
    ground = tuple(float(g) / 255 for g in GROUND)
    look = Look(camera=camera, supersampling=1, skin=_SKINS[who % 2], background_top=ground, background_bottom=ground)
    return list(render(MODEL, motion, look=look))


@cache
def person(who: int, frames: int = 40) -> tuple[np.ndarray, ...]:
    """A second or two of somebody at 25 fps."""
    return tuple(filmed(acted(np.arange(frames) / 25, who), who))


def empty(height: int = SIZE, width: int = SIZE) -> np.ndarray:
    """A picture of nobody, with some texture as cameras see it."""
    noise = stream(0, "wall").integers(-6, 7, (height, width, 1))
    return np.clip(GROUND.astype(int) + noise, 0, 255).astype(np.uint8)


def encode(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    times_s: Sequence[float] | None = None,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    sound: bool = False,
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames at their times (25 fps by default), in whatever container the name's suffix says."""
    import av

    times = np.arange(len(frames)) / 25 if times_s is None else np.asarray(times_s)
    base = Fraction(1, 90_000)
    flags = {"movflags": "+faststart"} if path.suffix in (".mp4", ".mov") else {}
    with av.open(str(path), "w", options=flags) as container:
        stream = container.add_stream(codec, rate=Fraction(25) if times_s is None else Fraction(1000))
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        stream.options = {"crf": "16", "preset": "veryfast"} if options is None else options
        if times_s is not None:
            stream.time_base = stream.codec_context.time_base = base
        speaker = container.add_stream("aac", rate=16_000, layout="mono") if sound else None
        for i, (frame, time_s) in enumerate(zip(frames, times, strict=True)):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24").reformat(format=pix_fmt)
            picture.pts, picture.time_base = (i, Fraction(1, 25)) if times_s is None else (round(time_s * 90_000), base)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
        if speaker is not None:
            tone = np.sin(np.arange(16_000 * len(frames) // 25) / 9, dtype=np.float32)[None]
            sound_frame = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            sound_frame.sample_rate = 16_000
            container.mux(speaker.encode(sound_frame))
            container.mux(speaker.encode())
    return path


def turned(path: Path, out: Path, degrees: int) -> Path:
    """The same MP4 with a note that it is to be shown turned, as telephones write it: the track header's matrix."""
    data = bytearray(path.read_bytes())
    head = data.index(b"tkhd") + 4
    place = head + 4 + (20 if data[head] == 0 else 32) + 16
    a, b, c, d = {90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    data[place : place + 36] = struct.pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    out.write_bytes(data)
    return out


def lag_ms(values: np.ndarray, times_s: np.ndarray, truth: Callable[[np.ndarray], np.ndarray]) -> float:
    """By how much (T,) values come late of a curve, whatever their scale: the shift of best correlation, milliseconds."""
    shifts = np.arange(-0.08, 0.0801, 0.0005)
    inner = slice(4, -4)
    scores = [np.corrcoef(truth(times_s - shift)[inner], values[inner])[0, 1] for shift in shifts]
    return float(1000 * shifts[int(np.argmax(scores))])
