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
    gist_frames: int = 8
    """Frames that one word sums up which a small network says of all their codes (4, 8, 16 or 32); 0 shows the language model the codes themselves, a
    word each, as plain models (tuning merged or full) must. On a CPU reading is what costs: 8 makes 16 words of five seconds."""
    gist_width: int = 192
    "Width of that network, a multiple of 48."
    gist_layers: int = 3
    "Attention layers of that network, 1 or more."
    num_layers: int = 12
    "How many of the language model's layers are kept, half its first and half its last; 0 keeps all. Fewer learn and speak in proportion faster."
    frame_stride: int = 1
    "Every how many frames one is shown where codes are words of their own, 1 or more; at 25 frames a second 3 still meets a blink of five frames."
    max_frames: int = 250
    "Longest stretch read at once, frames; longer motion is read in windows."
    prompting: Prompting = "plain"
    "How motion and question are laid out: `plain`, one after the other, or `chat`, in the model's own chat template."
    code_noise: float = 0.05
    "Mean share of codes replaced by near ones in training, so that fitted motion is read as well; 0 to 0.5."
    answers: Answers = "plainest"
    "Which of a clip's sentences are learned: always the plainest statement, which is learned soonest, or any of its statements (the paper)."
    description_share: float = 0.4
    "Share of training examples that ask for a description, 0 to 1; the others ask of everything else that is known of a clip, evenly."
    still_share: float = 0.06
    "Share of training examples that show a clip in which nothing happens, where there are any, 0 to 1; they are rarer in a corpus than in life."
    max_answer_length: int = 96
    "Longest answer learned, word pieces; longer ones are cut."
    apprentice: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            steps=2400,
            batch_size=32,
            learning_rate=1.5e-3,
            warmup_steps=100,
            weight_decay=0.01,
            precision="fp32",
            validate_every=300,
            checkpoint_every=300,
        )
    )
    "The loop in which the network of `gist_frames` learns to read, before the language model is there; unused where that is 0."
    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(
            steps=600,
            batch_size=16,
            learning_rate=2e-3,
            warmup_steps=40,
            weight_decay=0.0,
            precision="fp32",
            validate_every=100,
            checkpoint_every=100,
        )
    )
    "The training loop."

    def __post_init__(self) -> None:
        for name, choices in (("tuning", Tuning), ("prompting", Prompting), ("answers", Answers)):
            if getattr(self, name) not in get_args(choices):
                raise InputError(f"{name}: expected one of {', '.join(get_args(choices))}, got {getattr(self, name)!r}")
        if self.gist_frames not in (0, 4, 8, 16, 32):
            raise InputError(f"gist_frames: expected 0, 4, 8, 16 or 32, got {self.gist_frames}")
        if self.gist_frames and self.tuning != "adapter":
            how = "set m2l.gist_frames=0, and m2l.num_layers=0 to keep all layers"
            raise InputError(f"tuning {self.tuning}: a plain model reads codes as words of their own; {how}")
        if self.gist_width % 48 or self.gist_width < 48:
            raise InputError(f"gist_width: expected a multiple of 48, got {self.gist_width}")
        for name in ("lora_rank", "frame_stride", "max_frames", "max_answer_length", "gist_layers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        for name in ("lora_alpha", "word_rate"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name}: expected a number above 0, got {getattr(self, name)}")
        for name in ("word_hidden", "grounding_steps", "num_layers"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        for name, high in (("code_noise", 0.5), ("description_share", 1.0), ("still_share", 1.0)):
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
