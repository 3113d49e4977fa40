"""Motions to code, made here: smooth events of a few units each, blinks, a turning head, on the open head."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.tokenization.autoencoder import MotionAutoencoder
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.geometry import face_geometry
from tdmm_core.tokenization.space import MotionSpace
from tdmm_core.tokenization.tokenizer import MotionTokenizer
from tdmm_core.training.config import TrainingConfig


def a_motion(seed: int, num_frames: int = 60) -> FaceMotion:
    """Events and head turns whose kinds are few, so that a small codebook can learn them."""
    random = np.random.default_rng(seed)
    model = load_open_head()
    time = np.arange(num_frames)[:, None]
    faces = np.random.default_rng(0).random((6, model.num_expression)) * (np.random.default_rng(1).random((6, model.num_expression)) < 0.1)
    centres, widths = random.uniform(0, num_frames, (2, 3)), random.uniform(4, 12, (2, 3))
    bumps = [np.exp(-(((time - c) / w) ** 2)) for c, w in zip(centres, widths, strict=True)]  # (T, 3)
    expression = np.clip(bumps[0] @ faces[random.integers(0, 6, 3)] * random.uniform(0.5, 1.0), 0, 1)
    orient = bumps[1] * random.normal(0, 0.2, 3)
    still = neutral_motion(model, num_frames)
    return FaceMotion(
        expression=expression,
        expression_names=still.expression_names,
        global_orient=orient,
        transl=still.transl,
        face_model=still.face_model,
        face_model_digest=still.face_model_digest,
    )


def small_config(**changes: object) -> TokenizerConfig:
    """A network that trains in seconds."""
    training = TrainingConfig(steps=60, batch_size=8, learning_rate=2e-3, warmup_steps=5, validate_every=30, checkpoint_every=10)
    settings = {
        "num_codes": 64, "encoder_width": 32, "decoder_width": 32, "encoder_dilations": (1, 2), "decoder_dilations": (1, 2),
        "num_vertices": 60, "window_frames": 32, "mirror_share": 0.0, "borrow_share": 0.0, "blend_share": 0.0, "training": training,
    }  # fmt: skip
    return TokenizerConfig(**(settings | changes))


def an_autoencoder(config: TokenizerConfig, seed: int = 0) -> MotionAutoencoder:
    """A network whose context counts: corrections are random instead of zero, code vectors are features of frames."""
    torch.manual_seed(seed)
    model = load_open_head()
    network = MotionAutoencoder(model.num_expression, config)
    network.features.set_metric(torch.from_numpy(face_geometry(model, num_vertices=60, lips_weight=0.5, lids_weight=0.5).metric))
    for part in (network.encoder, network.decoder):
        torch.nn.init.normal_(part.correction.leave.weight, std=0.1)
        for block in part.correction.blocks:
            torch.nn.init.normal_(block.mix.weight, std=0.1)
    motions = [a_motion(s) for s in range(8)]
    tokenizer_rows = torch.from_numpy(np.concatenate([m.expression for m in motions]))
    turned = torch.eye(3)[:, :2].T.reshape(1, 6) + 0.1 * torch.randn(len(tokenizer_rows), 6)
    network.quantizer.fill(network.features(tokenizer_rows, turned), seed=seed)
    return network


@pytest.fixture(scope="session")
def config() -> TokenizerConfig:
    return small_config()


@pytest.fixture(scope="session")
def tokenizer(config: TokenizerConfig) -> MotionTokenizer:
    """Untrained, yet every part of it matters."""
    return MotionTokenizer(an_autoencoder(config), config, MotionSpace.of(a_motion(0)))
