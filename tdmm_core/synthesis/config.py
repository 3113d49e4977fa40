"""Settings of the corpus: how many clips, of what, by whom. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

from tdmm_core.errors import InputError
from tdmm_core.synthesis.generator_config import GeneratorConfig


@dataclass(frozen=True, kw_only=True)
class SynthConfig:
    """What a corpus consists of; equal settings and seed give an equal corpus."""

    num_clips: int = 6000
    "Number of clips, at least 1. Labels are drawn evenly."
    min_duration_s: float = 3.0
    "Shortest clip, seconds, at least 1.5."
    max_duration_s: float = 6.0
    "Longest clip, seconds, at most 30."
    fps: float = 25.0
    "Frames per second of motion and video, 10 to 60."
    num_paraphrases: int = 5
    "Sentences beside the prompt, 0 to 12."
    single_share: float = 0.4
    "Share of clips with one event, 0 to 1; the five shares add up to 1."
    sequence_share: float = 0.3
    "Share of clips with two or three events one after another."
    combination_share: float = 0.185
    "Share of clips with events at the same time, alone or before another."
    mixture_share: float = 0.1
    "Share of clips in which up to five facial actions overlap freely: they cover the faces between the labels."
    still_share: float = 0.015
    "Share of clips in which nothing happens."
    micro_share: float = 0.1
    "Share of single expressions that last less than half a second, 0 to 1."
    held_share: float = 0.3
    "Share of clips whose last event is held to the last frame, 0 to 1; the others return to rest."
    min_intensity: float = 0.22
    "Weakest event, 0 to 1."
    max_intensity: float = 1.0
    "Strongest event, 0 to 1, at least 0.5."
    validation_share: float = 0.05
    "Share of clips, of subjects and of sentences kept for validation, 0 to 0.5."
    test_share: float = 0.05
    "Share kept for test, 0 to 0.5."
    num_subjects: int = 0
    "Number of subjects; 0 takes one for about 30 clips, at least 12."
    identity_spread: float = 1.0
    "Standard deviation of the shape coefficients, 0 to 2."
    image_width_px: int = 416
    "Width of the videos, 64 to 4096, even."
    image_height_px: int = 416
    "Height of the videos, 64 to 4096, even."
    supersampling: int = 1
    "Samples along each side of a pixel, 1 to 4."
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    "The text-to-video generator's own; the embedded one has none."

    def __post_init__(self) -> None:
        for name in ("num_clips", "num_paraphrases", "num_subjects", "supersampling"):
            low = 1 if name in ("num_clips", "supersampling") else 0
            if getattr(self, name) < low:
                raise InputError(f"synth {name}: expected at least {low}, got {getattr(self, name)}")
        if self.num_paraphrases > 12:
            raise InputError(f"synth num_paraphrases: expected at most 12, got {self.num_paraphrases}")
        if not 1.5 <= self.min_duration_s <= self.max_duration_s <= 30:
            raise InputError(
                f"synth durations: expected 1.5 <= min_duration_s <= max_duration_s <= 30, got {self.min_duration_s} and {self.max_duration_s}"
            )
        if not 10 <= self.fps <= 60:
            raise InputError(f"synth fps: expected 10 to 60, got {self.fps}")
        for name in (*self._shares(), "micro_share", "held_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"synth {name}: expected 0 to 1, got {getattr(self, name)}")
        total = sum(getattr(self, name) for name in self._shares())
        if abs(total - 1) > 1e-6:
            raise InputError(f"synth: expected {', '.join(self._shares())} to add up to 1, got {total:.4f}")
        self._check_ranges()

    @staticmethod
    def _shares() -> tuple[str, ...]:
        return ("single_share", "sequence_share", "combination_share", "mixture_share", "still_share")

    def _check_ranges(self) -> None:
        if not (0 <= self.min_intensity < self.max_intensity <= 1 and self.max_intensity >= 0.5):
            raise InputError(f"synth intensities: expected 0 <= min < max <= 1 and max >= 0.5, got {self.min_intensity} and {self.max_intensity}")
        for name in ("validation_share", "test_share"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise InputError(f"synth {name}: expected 0 to 0.5, got {getattr(self, name)}")
        if self.validation_share + self.test_share >= 1:
            raise InputError("synth: expected validation_share and test_share to leave clips for training")
        if not 0 <= self.identity_spread <= 2:
            raise InputError(f"synth identity_spread: expected 0 to 2, got {self.identity_spread}")
        for name in ("image_width_px", "image_height_px"):
            value = getattr(self, name)
            if not 64 <= value <= 4096 or value % 2:
                raise InputError(f"synth {name}: expected an even number from 64 to 4096, got {value}")
        if self.supersampling > 4:
            raise InputError(f"synth supersampling: expected 1 to 4, got {self.supersampling}")
