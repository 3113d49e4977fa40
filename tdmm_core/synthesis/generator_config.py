"""Settings of a text-to-video generator. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, fields

from tdmm_core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """How videos are asked for; None takes the backend's own, see `known`. Equal settings and seed give an equal video on one machine."""

    width_px: int | None = None
    "Width of the picture, 16 to 4096."
    height_px: int | None = None
    "Height of the picture, 16 to 4096."
    num_frames: int | None = None
    "Frames of a clip; diffusers' Wan and its like take 4k + 1. With `fps` it decides how long the scripts are, 1.5 to 30 s."
    fps: float | None = None
    "Frames per second of the video, 10 to 60."
    steps: int | None = None
    "Denoising steps, 1 to 1000."
    guidance: float | None = None
    "Strength of the prompt, 0 to 30; that of the high-noise steps where a model has two halves."
    low_noise_guidance: float | None = None
    "Strength of the prompt in the low-noise steps of a model of two halves, 0 to 30."
    flow_shift: float | None = None
    "Shift of the noise schedule, above 0 to 30."
    negative_prompt: str | None = None
    "What must not be seen."
    batch_size: int = 32
    "Clips that one start of a launcher makes with one seed, at least 1."
    timeout_s: float | None = None
    "Seconds after which a clip is given up and recorded as failed, above 0."

    def __post_init__(self) -> None:
        limits = {
            "width_px": (16, 4096), "height_px": (16, 4096), "num_frames": (1, 2000), "fps": (10, 60), "steps": (1, 1000),
            "guidance": (0, 30), "low_noise_guidance": (0, 30), "flow_shift": (1e-6, 30), "batch_size": (1, 100_000), "timeout_s": (1e-3, 1e7),
        }  # fmt: skip
        assert set(limits) == {f.name for f in fields(self)} - {"negative_prompt"}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"synth generator.{name}: expected {low:g} to {high:g}, got {value:g}")
