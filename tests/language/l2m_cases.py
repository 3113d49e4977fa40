"""Small networks, clips and requests that the tests of Language2Motion share."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from tdmm_core.domain.clip import Clip, TokenClip
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.language.config import L2MConfig
from tdmm_core.language.l2m_network import L2MNetwork
from tdmm_core.language.sampling import Request

NUM_CODES, TEXT_DIM = 50, 24
CONFIG = L2MConfig(width=32, num_layers=3, num_text_layers=2, num_heads=4, feed_forward=48, max_frames=40, max_text_length=12)


@lru_cache(maxsize=2)
def network(conditioning: str = "words") -> L2MNetwork:
    """Random weights, made large enough that words and codes clearly move the logits."""
    torch.manual_seed(0)
    config = L2MConfig(**{**vars(CONFIG), "conditioning": conditioning})
    with torch.inference_mode(False), torch.no_grad():
        made = L2MNetwork(config, num_codes=NUM_CODES, text_dim=TEXT_DIM).eval()
        made.readout.turn.weight.copy_(0.5 * torch.randn(32, 32))
        made.start.add_(torch.randn_like(made.start))
        made.summary.add_(torch.randn_like(made.summary))
    return made


def words(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng([length, seed]).standard_normal((length, TEXT_DIM)).astype(np.float32)


def request(length: int, *, seed: int = 0, num_frames: int | None = 20) -> Request:
    return Request(words=words(length, seed), seed=seed, num_frames=num_frames)


def token_clip(codes: np.ndarray, prompt: str = "a smile", *, id: str = "a", split: str = "train", **tokens: object) -> TokenClip:
    made = MotionTokens(codes=np.reshape(codes, (len(codes), -1)), num_codes=NUM_CODES, tokenizer_digest="t", **tokens)
    return TokenClip(clip=Clip(id=id, prompt=prompt, paraphrases=(), split=split), tokens=made)
