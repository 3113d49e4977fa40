"""A small language model, clips of two kinds of motion and what the tests of Motion2Language do with them."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "textmodels"))

from tiny_llama import write_tiny_llama

from tdmm_core.domain.clip import Clip, TokenClip
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.language.m2l_examples import split_examples
from tdmm_core.language.m2l_model import M2LAbout, reading_of
from tdmm_core.language.m2l_training import M2LTraining, language_model
from tdmm_core.training.config import TrainingConfig

NUM_CODES = 24
SENTENCES = {"smile": "The person smiles broadly.", "frown": "The person frowns a little."}
TRAINING = TrainingConfig(steps=80, batch_size=8, learning_rate=3e-3, warmup_steps=10)
CONFIG = M2LConfig(
    gist_frames=0, num_layers=0, frame_stride=2, max_frames=40, word_hidden=16, description_share=0.8, training=TRAINING
)  # fmt: skip
GIST = M2LConfig(
    gist_frames=4, gist_width=48, gist_layers=1, num_layers=1, max_frames=40, description_share=0.8,
    training=replace(TRAINING, steps=100, learning_rate=1e-2), apprentice=TrainingConfig(steps=60, batch_size=8, learning_rate=3e-3, warmup_steps=5),
)  # fmt: skip
"The same, with a gist in place of motion words and half the language model."


@cache
def tiny_llama() -> Path:
    """The folder of a random language model, made once a session."""
    return write_tiny_llama(Path(mkdtemp(prefix="tiny-llama-")))


def code_vectors() -> np.ndarray:
    """(K, 3): the first half of the codes smile, the second frowns, each in its own way."""
    side = np.where(np.arange(NUM_CODES) < NUM_CODES // 2, 1.0, -1.0)
    noise = np.random.default_rng(0).normal(0, 0.3, (NUM_CODES, 2))
    return np.column_stack([side, noise]).astype(np.float32)


def token_clip(kind: str, number: int, *, split: str = "train", length: int | None = None) -> TokenClip:
    """A clip whose codes are all of one kind."""
    rng = np.random.default_rng([number, kind == "smile"])
    first = 0 if kind == "smile" else NUM_CODES // 2
    codes = rng.integers(first, first + NUM_CODES // 2, (length or int(rng.integers(8, 30)), 1))
    clip = Clip(id=f"{kind}-{split}-{number}", prompt=SENTENCES[kind], label=kind, split=split)  # type: ignore[arg-type]
    return TokenClip(clip=clip, tokens=MotionTokens(codes=codes, num_codes=NUM_CODES, tokenizer_digest="t" * 64))


def clips(count: int = 40) -> list[TokenClip]:
    """Train clips of both kinds, and a few held-out ones."""
    train = [token_clip(kind, i) for i in range(count) for kind in SENTENCES]
    return train + [token_clip(kind, 1000 + i, split="validation") for i in range(6) for kind in SENTENCES]


def about(config: M2LConfig, model_name: str, digest: str) -> M2LAbout:
    return M2LAbout(
        base=model_name, base_digest=digest, num_codes=NUM_CODES, codes_per_frame=1, tokenizer_digest="t" * 64, fps=25.0,
        face_model="open-head-1", face_model_digest="f" * 64, **reading_of(config),
    )  # fmt: skip


def training(config: M2LConfig = CONFIG, *, seed: int = 0) -> M2LTraining:
    """A Motion2Language model in the making on the tiny language model."""
    model = language_model(config, str(tiny_llama()), gguf=None)
    return M2LTraining(model, about(config, model.name, model.digest), split_examples(clips(), config), code_vectors(), config=config, seed=seed)


def run(made: M2LTraining) -> list[float]:
    """A bare loop over the training's steps, the apprentice's before it; the losses."""
    if made.apprentice is not None:
        loop(made, made.apprentice, made.config.apprentice)
    made.begin_language()
    return loop(made, made.network, made.config.training)


def loop(made: M2LTraining, network: torch.nn.Module, settings: TrainingConfig) -> list[float]:
    """A bare loop over the steps of one network; the losses."""
    weights = [w for w in network.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.learning_rate, weight_decay=0.0)
    losses = []
    network.train()
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate_at(step)
        with torch.autocast("cpu", torch.bfloat16, enabled=settings.precision == "bf16"):
            measures = network(made.batches.train(step, batch_size=settings.batch_size))
        optimizer.zero_grad()
        measures["loss"].backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        losses.append(float(measures["loss"].detach()))
    network.eval()
    return losses


def variant(**changes: object) -> M2LConfig:
    return replace(CONFIG, **changes)
