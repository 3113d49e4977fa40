"""What is trained for Motion2Language: the language model opened for it, its network and its batches, and how the result is kept.

Knows neither files of motion nor the training loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_apprentice import Apprentice
from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.language.m2l_dataset import M2LBatches
from tdmm_core.language.m2l_examples import Example
from tdmm_core.language.m2l_gist import GistEncoder
from tdmm_core.language.m2l_grounding import ground, telling_pieces
from tdmm_core.language.m2l_model import M2LAbout, save_model
from tdmm_core.language.m2l_network import M2LNetwork, MotionWords
from tdmm_core.language.m2l_prompting import PromptWriter
from tdmm_core.language.m2l_score import M2LScore, score
from tdmm_core.language.motion_words import near_words, word_features
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.textmodels import adapter
from tdmm_core.textmodels.causal import CausalModel, keep_layers, load_causal

_ANY = 10_000
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


def _pieces_of(examples: Sequence[Example], writer: PromptWriter) -> list[np.ndarray]:
    """Of each clip the word pieces of everything that is answered of it."""
    pieces = cache(lambda answer: np.unique(writer.answer(answer, longest=_ANY)))  # "Yes." is said of every clip
    return [np.unique(np.concatenate([pieces(a.answer) for a in e.asked])) for e in examples]


def _words_of(examples: Sequence[Example], writer: PromptWriter) -> list[np.ndarray]:
    """Of each clip the word numbers of its frames' first codes."""
    return [e.codes[:: writer.stride, 0].astype(np.int64) for e in examples]


class M2LTraining:
    """A Motion2Language model in the making."""

    def __init__(
        self, model: CausalModel, about: M2LAbout, examples: dict[str, list[Example]], vectors: np.ndarray, *, config: M2LConfig, seed: int
    ) -> None:
        """`vectors` (K, D): the face that each code stands for, in numbers of one unit."""
        self.model, self.config, self.seed = model, config, seed
        keep_layers(model, config.num_layers)
        writer = PromptWriter(model, about.vocabulary, prompting=about.prompting, stride=about.frame_stride, gist_frames=about.gist_frames)
        near = near_words(vectors, about.vocabulary, count=_NEAR)
        self.batches = M2LBatches(examples, writer, config, near=near, seed=seed)
        features = word_features(vectors, about.vocabulary)
        said = _pieces_of(examples["train"], writer)
        self.apprentice: Apprentice | None = None
        if config.gist_frames:
            telling = found if len(found := telling_pieces(said)) else np.unique(np.concatenate(said))
            about = replace(about, gist_pieces=len(telling))
            shown: MotionWords | GistEncoder = self._gist(about, features, said, telling)
        else:
            shown = self._words(features, _words_of(examples["train"], writer), said)
        self.about = about
        if config.tuning == "full":
            model.network.requires_grad_(True)
        else:
            adapter.attach(model, rank=config.lora_rank, alpha=config.lora_alpha, seed=derive_seed(seed, "adapter"))
        self.network = M2LNetwork(model, shown, whole=config.tuning == "full")

    def _gist(self, about: M2LAbout, features: np.ndarray, said: Sequence[np.ndarray], telling: np.ndarray) -> GistEncoder:
        """The encoder, and the apprentice from which it learns to read."""
        embeddings = self.model.network.get_input_embeddings().weight.detach()
        known = torch.from_numpy(features[: about.vocabulary.num_codewords] * features.shape[1] ** 0.5)
        encoder = GistEncoder(about.gist_shape(self.model.dim), features=known, seed=derive_seed(self.seed, "gist"))
        encoder.speak(embeddings, torch.from_numpy(telling))
        sayable = torch.from_numpy(np.unique(np.concatenate(said)))
        self.apprentice = Apprentice(encoder, embeddings, sayable, seed=derive_seed(self.seed, "apprentice"))
        return encoder

    def _words(self, features: np.ndarray, motions: Sequence[np.ndarray], said: Sequence[np.ndarray]) -> MotionWords:
        """Motion words, with a first meaning."""
        config, embeddings = self.config, self.model.network.get_input_embeddings().weight.detach()
        words = MotionWords(
            features, embeddings[:_NEIGHBOURS], hidden=config.word_hidden, rate=config.word_rate, seed=derive_seed(self.seed, "words")
        )
        grounding = ground(motions, said, features, steps=config.grounding_steps, seed=derive_seed(self.seed, "grounding"))
        if grounding is not None:
            words.begin(grounding.meanings(embeddings, words.middle))
        return words

    def begin_language(self) -> None:
        """Called when the apprentice has taught the gist: from now on `network` is trained."""
        if isinstance(self.network.words, GistEncoder):
            self.network.words.settle()
            self.apprentice = None

    def score(self) -> M2LScore:
        """Figures of the held-out clips, with the weights as they are now."""
        self.network.eval()
        return score(self.network, self.batches, dtype=torch.bfloat16 if self.config.training.precision == "bf16" else None)

    def save(self, folder: Path) -> None:
        """Write the model into an existing folder. The plain forms use the language model up."""
        shown = self.network.words
        if isinstance(shown, MotionWords):
            with torch.no_grad():
                shown = shown()
        if self.config.training.precision == "bf16":
            self.model.network.to(torch.bfloat16) if self.config.tuning == "full" else None
        save_model(folder, self.model, shown, self.about)
