"""A minute's worth of evidence that the network learns to obey: word decides code set, its order decides the order, length is kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from l2m_cases import NUM_CODES, token_clip

from tdmm_core.language.config import AnimateConfig, L2MConfig
from tdmm_core.language.l2m_dataset import L2MBatches, split_examples
from tdmm_core.language.l2m_network import L2MNetwork
from tdmm_core.language.l2m_objective import L2MObjective
from tdmm_core.language.sampling import Request, sample_codes
from tdmm_core.textmodels.words import load_words

CODES_OF = {"smile": range(0, 10), "frown": range(10, 20), "wink": range(20, 30)}


def motion(first: str, second: str, rng: np.random.Generator) -> np.ndarray:
    """Half of the codes from the first word's set, half from the second's."""
    half = int(rng.integers(6, 11))
    return np.r_[rng.choice(CODES_OF[first], half), rng.choice(CODES_OF[second], half)]


@pytest.fixture(scope="module")
def trained() -> L2MNetwork:
    rng = np.random.default_rng(0)
    pairs = [(a, b) for a in CODES_OF for b in CODES_OF]
    clips = [token_clip(motion(a, b, rng), f"a {a}, then a {b}", id=f"{a}-{b}-{i}") for i in range(40) for a, b in pairs]
    config = L2MConfig(width=32, num_layers=2, num_text_layers=1, num_heads=2, feed_forward=64, max_frames=24, max_text_length=12, code_noise=0.05)
    torch.manual_seed(0)
    net = L2MNetwork(config, num_codes=NUM_CODES, text_dim=256)
    data = L2MBatches(split_examples(clips, config), load_words(), config, num_codes=NUM_CODES, seed=0)
    objective = L2MObjective(net)
    optimizer = torch.optim.AdamW(objective.parameters(), lr=5e-3)
    for step in range(300):
        for group in optimizer.param_groups:
            group["lr"] = 5e-3 * (1 - step / 300)
        loss = objective(data.train(step))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


def performed(net: L2MNetwork, prompt: str, frames: int | None, seed: int = 0) -> np.ndarray:
    (words,) = load_words().encode([prompt])
    return sample_codes(net, [Request(words=words, seed=seed, num_frames=frames)], AnimateConfig(guidance=1.5), min_frames=4)[0]


@pytest.mark.parametrize(("first", "second"), [("smile", "frown"), ("frown", "smile"), ("wink", "smile")])
def test_words_and_their_order_decide_the_codes(trained: L2MNetwork, first: str, second: str) -> None:
    codes = np.concatenate([performed(trained, f"a {first}, then a {second}", 16, seed)[[2, 3, 4, 11, 12, 13]] for seed in range(5)]).reshape(5, 2, 3)
    assert np.isin(codes[:, 0], CODES_OF[first]).mean() > 0.9
    assert np.isin(codes[:, 1], CODES_OF[second]).mean() > 0.9


def test_the_turn_follows_the_length_asked_for(trained: L2MNetwork) -> None:
    """Half of 12 and half of 20: only the length token can tell when the second word's codes begin."""
    turns = []
    for frames in (12, 20):
        codes = [performed(trained, "a smile, then a frown", frames, seed) for seed in range(12)]
        turns.append(np.mean([np.isin(c, CODES_OF["smile"]).sum() for c in codes]))
    assert turns[1] - turns[0] > 1.5
    assert turns == pytest.approx([6, 10], abs=2.5)


def test_a_free_length_ends_where_the_clips_do(trained: L2MNetwork) -> None:
    """Clips have 12 to 20 frames."""
    lengths = np.array([len(performed(trained, "a wink, then a smile", None, seed)) for seed in range(20)])
    assert 12 <= np.median(lengths) <= 20 and np.mean((lengths >= 11) & (lengths <= 22)) >= 0.8
    assert len(set(lengths.tolist())) > 2
