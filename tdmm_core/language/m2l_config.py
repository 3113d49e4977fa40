"""Settings of Motion2Language: how a language model learns to read motion, and how it is asked. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from tdmm_core.errors import InputError
from tdmm_core.training.config import TrainingConfig

Tuning = Literal["adapter", "merged", "full"]
Prompting = Literal["plain", "chat"]
Answers = Literal["plainest", "any"]


@dataclass(frozen=True, kw_only=True)
class M2LConfig:
    """Everything that decides a Motion2Language model besides its tokens and its language model."""

    tuning: Tuning = "adapter"
    "What is trained and kept: `adapter`, low-rank parts and motion words alone; `merged`, the same folded into a plain model; `full`, every weight."
    lora_rank: int = 8
    "Rank of the low-rank parts, 1 or more; `full` has none."
    lora_alpha: float = 16.0
    "Strength of the low-rank parts: they are multiplied by this over their rank; above 0."
    word_rate: float = 3.0
    "How many times faster the motion words learn than the rest; above 0."
    word_hidden: int = 128
    "Hidden width of the network that turns a code's pose into its word's embedding; 0 leaves a linear map."
    grounding_steps: int = 600
    "Steps of a small fit of codes to word pieces, by which motion words start near what their faces mean; 0 starts them anywhere."
    frame_stride: int = 3
    "Every how many frames one is read, 1 or more; at 25 frames a second 3 still meets a blink of five frames."
    max_frames: int = 250
    "Longest stretch read at once, frames; longer motion is read in windows."
    prompting: Prompting = "plain"
    "How motion and question are laid out: `plain`, one after the other, or `chat`, in the model's own chat template."
    code_noise: float = 0.05
    "Mean share of codes replaced by near ones in training, so that fitted motion is read as well; 0 to 0.5."
    answers: Answers = "plainest"
    "Which of a clip's sentences are learned: always the plainest statement, which is learned soonest, or any of its statements (the paper)."
    naming_share: float = 0.15
    "Share of training examples that ask for the clip's label instead of a description, 0 to 1."
    max_answer_length: int = 96
    "Longest answer learned, word pieces; longer ones are cut."
    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            steps=600,
            batch_size=16,
            learning_rate=1e-3,
            warmup_steps=40,
            weight_decay=0.0,
            precision="bf16",
            validate_every=100,
            checkpoint_every=100,
        )
    )
    "The training loop."

    def __post_init__(self) -> None:
        for name, choices in (("tuning", Tuning), ("prompting", Prompting), ("answers", Answers)):
            if getattr(self, name) not in get_args(choices):
                raise InputError(f"{name}: expected one of {', '.join(get_args(choices))}, got {getattr(self, name)!r}")
        for name in ("lora_rank", "frame_stride", "max_frames", "max_answer_length"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        for name in ("lora_alpha", "word_rate"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name}: expected a number above 0, got {getattr(self, name)}")
        for name in ("word_hidden", "grounding_steps"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        for name, high in (("code_noise", 0.5), ("naming_share", 1.0)):
            if not 0 <= getattr(self, name) <= high:
                raise InputError(f"{name}: expected 0 to {high}, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class DescribeConfig:
    """How a motion is asked about."""

    max_words: int = 80
    "Longest answer, word pieces; 1 or more."
    temperature: float = 0.0
    "Sharpness of the draw: 0 always takes the likeliest word, 1 draws as learned; 0 to 5."
    batch_size: int = 8
    "Motions read side by side; 1 or more."

    def __post_init__(self) -> None:
        for name in ("max_words", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if not 0 <= self.temperature <= 5:
            raise InputError(f"temperature: expected 0 to 5, got {self.temperature}")
