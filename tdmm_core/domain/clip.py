"""Clips: what is said of a stretch of face, and what each stage holds of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeVar, get_args, runtime_checkable

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError

Split = Literal["train", "validation", "test"]
ClipStatus = Literal["planned", "done", "failed"]
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What travels with a clip through every artifact: its name, what happens in it and how that is put in words."""

    id: str
    script: Script | None = None
    "None for footage: such clips are trained on by their captions alone."
    prompt: str = ""
    "One sentence."
    paraphrases: tuple[str, ...] = ()
    "Other sentences of the same meaning."
    label: str = ""
    "The clip's main label, by which a corpus is balanced."
    category: str = ""
    subject_id: str = ""
    split: Split = "train"
    licence: str = ""

    def __post_init__(self) -> None:
        if not self.id or "/" in self.id:
            raise InputError(f"clip id: expected a name without '/', got {self.id!r}")
        if self.split not in get_args(Split):
            raise InputError(f"clip {self.id}: expected split train, validation or test, got {self.split!r}")


@dataclass(frozen=True, kw_only=True)
class CorpusClip:
    """A row of a corpus: a clip, how its video was asked for, and where it lies."""

    clip: Clip
    subject: str = "{}"
    "JSON: the attributes that the generator was given."
    backend: str = "scripted"
    model: str = ""
    model_revision: str = ""
    settings: str = "{}"
    "JSON: steps, guidance, negative prompt, size."
    seed: int = 0
    video: str = ""
    "Path relative to the corpus file; empty where there is none."
    source_digest: str = ""
    "SHA-256 of the video file."
    fps: float = 25.0
    num_frames: int = 0
    status: ClipStatus = "planned"
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """A pinhole camera that looks along -z with y up; image y runs down."""

    focal_px: float
    principal_point_px: tuple[float, float]
    image_size_px: tuple[int, int]
    "Width, height."


@dataclass(frozen=True, kw_only=True)
class FitQuality:
    """How well a fit went; NaN where it does not apply."""

    detection_rate: float = float("nan")
    "Share of frames in which a face was found."
    reprojection_px: float = float("nan")
    "Mean landmark distance, pixels of the source."
    reprojection_share: float = float("nan")
    "The same as a share of the distance between the eyes."
    jitter_mm: float = float("nan")
    "Mean vertex acceleration, mm/frame^2, head pose removed."
    num_bridged: int = 0
    num_held: int = 0


@dataclass(frozen=True, kw_only=True)
class MotionClip:
    """A clip with its motion; a failed clip has none, and says why."""

    clip: Clip
    motion: FaceMotion | None
    source: str = ""
    "Video or file that the motion came from."
    source_digest: str = ""
    source_fps: float = float("nan")
    camera: Camera | None = None
    quality: FitQuality = field(default_factory=FitQuality)
    status: ClipStatus = "done"
    error: str = ""

    def __post_init__(self) -> None:
        if (self.motion is None) != (self.status == "failed"):
            raise InputError(f"clip {self.clip.id}: expected a motion exactly when it did not fail, got status {self.status!r}")


@dataclass(frozen=True, kw_only=True)
class TokenClip:
    """A clip with its codes."""

    clip: Clip
    tokens: MotionTokens


@runtime_checkable
class ClipSource(Protocol[T_co]):
    """Clips that can be counted, read one at a time and walked; an open artifact or a list both serve."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> T_co: ...
    def __iter__(self) -> Iterator[T_co]: ...
