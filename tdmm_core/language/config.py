"""Settings of Language2Motion: the network, how it is trained, how motion is sampled. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from tdmm_core.errors import InputError
from tdmm_core.training.config import TrainingConfig

Conditioning = Literal["words", "sentence"]


@dataclass(frozen=True, kw_only=True)
class L2MConfig:
    """Everything that decides a Language2Motion model besides its tokens and its text encoder."""

    conditioning: Conditioning = "words"
    "What the motion sees of the prompt: `words`, one vector a word piece (the paper), or `sentence`, their mean (its ablation)."
    width: int = 192
    "D, width of every vector inside; a multiple of 2 x num_heads."
    num_layers: int = 4
    "Blocks of the motion transformer, 1 or more."
    num_text_layers: int = 2
    "Blocks of the text encoder before it, 0 or more."
    num_heads: int = 4
    "Attention heads of both."
    feed_forward: int = 512
    "Hidden width of the gated feed-forward."
    max_frames: int = 250
    "Longest motion, frames; longer clips are cut."
    max_text_length: int = 128
    "Longest prompt, word pieces; longer sentences are cut in training."
    condition_dropout: float = 0.1
    "Share of training clips that are shown without their sentence, for guidance; 0 to 1."
    length_dropout: float = 0.3
    "Share of training clips whose length is not told, so that the model learns to end by itself; 0 to 1."
    word_dropout: float = 0.05
    "Share of word pieces left out of a training sentence; 0 to 1."
    word_noise: float = 0.1
    "Noise on the word vectors in training, as a share of their own spread; 0 or more."
    code_noise: float = 0.1
    "Mean share of codes replaced by others in what the model reads in training, so that it recovers from its own errors; 0 to 0.5."
    ahead: tuple[int, ...] = (8, 30)
    "In training the network also says the codes this many frames after the next one, 1 or more each: they cannot be copied, only read in the prompt."
    ahead_weight: float = 0.3
    "Weight of each of these beside the next code, 0 to 10."
    training: TrainingConfig = field(default_factory=lambda: TrainingConfig(steps=1400, batch_size=24, learning_rate=2e-3))
    "The training loop."

    def __post_init__(self) -> None:
        object.__setattr__(self, "ahead", tuple(self.ahead))
        if self.conditioning not in get_args(Conditioning):
            raise InputError(f"conditioning: expected one of {', '.join(get_args(Conditioning))}, got {self.conditioning!r}")
        for name in ("width", "num_layers", "num_heads", "feed_forward", "max_frames", "max_text_length"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if self.num_text_layers < 0:
            raise InputError(f"num_text_layers: expected 0 or more, got {self.num_text_layers}")
        if self.width % (2 * self.num_heads):
            raise InputError(f"width: expected a multiple of 2 x num_heads = {2 * self.num_heads}, got {self.width}")
        for name in ("condition_dropout", "length_dropout", "word_dropout"):
            _within(name, getattr(self, name), 0, 1)
        _within("code_noise", self.code_noise, 0, 0.5)
        _within("ahead_weight", self.ahead_weight, 0, 10)
        if any(frames < 1 for frames in self.ahead):
            raise InputError(f"ahead: expected frames of 1 or more, got {list(self.ahead)}")
        _within("word_noise", self.word_noise, 0, 10)


@dataclass(frozen=True, kw_only=True)
class AnimateConfig:
    """How motion is sampled. These settings are stored with every motion and printed with every score."""

    temperature: float = 1.0
    "Sharpness of the draw: 0 always takes the likeliest code, 1 draws as learned; 0 to 5."
    top_k: int = 0
    "Draw among this many likeliest codes; 0 for all."
    top_p: float = 0.99
    """Draw among the likeliest codes that together have this probability; above 0, to 1. A face holds most codes for many frames, so a low value
    keeps it from ever leaving one."""
    guidance: float = 3.0
    "How much the prompt outweighs the model's motion without a prompt: 1 is none; 0 to 20."
    min_seconds: float = 1.0
    "Shortest motion when no length is asked for, seconds."
    batch_size: int = 16
    """Motions sampled side by side; 1 or more. More are faster together and a little slower alone; at one size, a motion is the same to the last bit
    whatever else is sampled."""

    def __post_init__(self) -> None:
        _within("temperature", self.temperature, 0, 5)
        _within("guidance", self.guidance, 0, 20)
        _within("min_seconds", self.min_seconds, 0, 3600)
        if self.top_k < 0:
            raise InputError(f"top_k: expected 0 (all) or more, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p: expected above 0, to 1, got {self.top_p}")
        if self.batch_size < 1:
            raise InputError(f"batch_size: expected 1 or more, got {self.batch_size}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{name}: expected {low} to {high}, got {value}")
