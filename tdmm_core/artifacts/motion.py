"""The `motion` artifact: clips with their face motion, from `fit`, `synth` and `animate` alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cached_property
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.clips import clip_values, plain, read_clip
from tdmm_core.artifacts.columns import ArtifactFile
from tdmm_core.artifacts.rows import Row
from tdmm_core.artifacts.schema import MOTION
from tdmm_core.artifacts.writer import ArtifactWriter
from tdmm_core.domain.clip import Camera, Clip, FitQuality, MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError

_QUALITY = tuple(f.name for f in fields(FitQuality))
_NAN = float("nan")


class MotionFile(ArtifactFile):
    """An open motion artifact: a ClipSource of MotionClip; `motion` and `clip` read one half alone, which is faster."""

    schema = MOTION

    def __getitem__(self, index: int) -> MotionClip:
        index = self._index(index)
        text, number = self.columns.text, self.columns.numbers
        return MotionClip(
            clip=read_clip(self.columns, index),
            motion=self.motion(index),
            source=text("source", index),
            source_digest=text("source_digest", index),
            source_fps=plain(number("source_fps")[index]),  # type: ignore[arg-type]
            camera=self._camera(index),
            quality=FitQuality(**{n: plain(number(n)[index]) for n in _QUALITY}),
            status=text("status", index),  # type: ignore[arg-type]
            error=text("error", index),
        )

    def __iter__(self) -> Iterator[MotionClip]:
        return (self[i] for i in range(len(self)))

    def clip(self, index: int) -> Clip:
        """What is said of a clip, without its motion."""
        return read_clip(self.columns, self._index(index))

    def motion(self, index: int) -> FaceMotion | None:
        """The motion of a clip; None where it failed. Raises InputError where its numbers are damaged."""
        index = self._index(index)
        if not self.lengths[index]:
            return None
        terms = {c.name: self.columns.frames(c.name, index) for c in MOTION.frames}
        try:
            return FaceMotion(shape=self.columns.numbers("shape")[index], **self._shared, **terms)  # type: ignore[arg-type]
        except InputError as e:
            raise InputError(f"{self.path}: clip {self.columns.text('id', index)!r} is damaged: {e}") from e

    @property
    def lengths(self) -> np.ndarray:
        """(C,) frames of each clip, 0 where it failed."""
        return self.columns.numbers("length")

    @property
    def splits(self) -> np.ndarray:
        """(C,) split of each clip."""
        return self.columns.texts("split")

    @property
    def statuses(self) -> np.ndarray:
        """(C,) status of each clip."""
        return self.columns.texts("status")

    @property
    def sources(self) -> np.ndarray:
        """(C,) what each motion came from: a file's name, or the generator that performed it."""
        return self.columns.texts("source")

    @property
    def frame_status(self) -> np.ndarray:
        """(N,) status of the frames of all clips."""
        return self.columns.all_frames("status")

    @property
    def fps(self) -> float:
        return self._shared["fps"]  # type: ignore[return-value]

    @property
    def face_model(self) -> str:
        return self._shared["face_model"]  # type: ignore[return-value]

    @property
    def face_model_digest(self) -> str:
        return self._shared["face_model_digest"]  # type: ignore[return-value]

    @property
    def expression_names(self) -> tuple[str, ...]:
        return self._shared["expression_names"]  # type: ignore[return-value]

    @cached_property
    def _shared(self) -> dict[str, object]:
        return {name: self.columns.shared(name) for name in MOTION.shared}

    def _camera(self, index: int) -> Camera | None:
        focal = plain(self.columns.numbers("focal_px")[index])
        if np.isnan(focal):
            return None
        point, size = (self.columns.numbers(n)[index].tolist() for n in ("principal_point_px", "image_size_px"))
        return Camera(focal_px=focal, principal_point_px=tuple(point), image_size_px=tuple(size))


class MotionWriter(ArtifactWriter[MotionClip]):
    """Writes a motion artifact, see ArtifactWriter. All its clips share fps, face model and expression names."""

    schema = MOTION

    def _row(self, item: MotionClip) -> Row:
        motion, camera = item.motion, item.camera
        values = clip_values(item.clip) | {
            "length": motion.num_frames if motion else 0,
            "source": item.source,
            "source_digest": item.source_digest,
            "source_fps": item.source_fps,
            "shape": motion.shape if motion else np.zeros(0, np.float32),
            "focal_px": camera.focal_px if camera else _NAN,
            "principal_point_px": camera.principal_point_px if camera else (_NAN, _NAN),
            "image_size_px": camera.image_size_px if camera else (0, 0),
            **{name: getattr(item.quality, name) for name in _QUALITY},
            "status": item.status,
            "error": item.error,
        }
        if motion is None:
            return Row(values=values)
        shared = {
            "fps": motion.fps,
            "face_model": motion.face_model,
            "face_model_digest": motion.face_model_digest,
            "expression_names": list(motion.expression_names),
        }
        return Row(values=values, frames=motion.frame_terms(), shared=shared)


def open_motion(path: Path | str) -> MotionFile:
    """Open a motion artifact to read. Raises InputError with what the file is instead."""
    return MotionFile(path)
