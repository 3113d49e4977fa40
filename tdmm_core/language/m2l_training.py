"""What is trained for Motion2Language: the language model opened for it, its network and its batches, and how the result is kept.

Knows neither files of motion nor the training loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.language.m2l_dataset import Example, M2LBatches
from tdmm_core.language.m2l_grounding import ground
from tdmm_core.language.m2l_model import M2LAbout, save_model
from tdmm_core.language.m2l_network import M2LNetwork, MotionWords
from tdmm_core.language.m2l_prompting import PromptWriter
from tdmm_core.language.m2l_score import M2LScore, score
from tdmm_core.language.motion_words import near_words, word_features
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.textmodels import adapter
from tdmm_core.textmodels.causal import CausalModel, load_causal

_NEAR = 8
"Near codes that stand in for one another in training."
_NEIGHBOURS = 4096
"Ordinary words, the commonest, among which the new ones start."


def language_model(config: M2LConfig, name: str | None, *, gguf: Path | None) -> CausalModel:
    """The language model that is to be taught: frozen weights in the precision of the training, trained ones always in float32."""
    if config.tuning != "full" and config.training.zero_stage == 3:
        raise InputError(
            "training.zero_stage 3: expected 0, 1 or 2 for tuning adapter or merged, whose frozen weights are not split; or m2l.tuning=full"
        )
    half = config.training.precision == "bf16" and config.tuning != "full"
    return load_causal(name, gguf=gguf, dtype=torch.bfloat16 if half else torch.float32)


def _told(examples: Sequence[Example], writer: PromptWriter) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of each clip the word numbers of its frames' first codes, and the word pieces of all its answers."""
    motions = [e.codes[:: writer.stride, 0].astype(np.int64) for e in examples]
    longest = max(len(a) for e in examples for a in (*e.answers, e.label)) + 1
    said = [np.concatenate([writer.answer(a, longest=longest)[:-1] for a in (*e.answers, e.label) if a]) for e in examples]
    return motions, said


class M2LTraining:
    """A Motion2Language model in the making."""

    def __init__(
        self, model: CausalModel, about: M2LAbout, examples: dict[str, list[Example]], vectors: np.ndarray, *, config: M2LConfig, seed: int
    ) -> None:
        """`vectors` (K, D): the face that each code stands for, in numbers of one unit."""
        self.model, self.about, self.config = model, about, config
        features = word_features(vectors, about.vocabulary)
        writer = PromptWriter(model, about.vocabulary, prompting=about.prompting, stride=about.frame_stride)
        near = near_words(vectors, about.vocabulary, count=_NEAR)
        self.batches = M2LBatches(examples, writer, config, near=near, seed=seed)
        neighbours = model.network.get_input_embeddings().weight[:_NEIGHBOURS].detach()
        words = MotionWords(features, neighbours, hidden=config.word_hidden, rate=config.word_rate, seed=derive_seed(seed, "words"))
        motions, said = _told(examples["train"], writer)
        grounding = ground(motions, said, features, steps=config.grounding_steps, seed=derive_seed(seed, "grounding"))
        if grounding is not None:
            words.begin(grounding.meanings(model.network.get_input_embeddings().weight.detach(), words.middle))
        if config.tuning == "full":
            model.network.requires_grad_(True)
        else:
            adapter.attach(model, rank=config.lora_rank, alpha=config.lora_alpha, seed=derive_seed(seed, "adapter"))
        self.network = M2LNetwork(model, words, whole=config.tuning == "full")

    def score(self) -> M2LScore:
        """Figures of the held-out clips, with the weights as they are now."""
        self.network.eval()
        return score(self.network, self.batches, dtype=torch.bfloat16 if self.config.training.precision == "bf16" else None)

    def save(self, folder: Path) -> None:
        """Write the model into an existing folder. The plain forms use the language model up."""
        with torch.no_grad():
            rows = self.network.words()
        if self.config.training.precision == "bf16":
            self.model.network.to(torch.bfloat16) if self.config.tuning == "full" else None
        save_model(folder, self.model, rows, self.about)
