"""The gist: what it says of a motion hangs on that motion alone, the apprentice teaches it, and a saved model says the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from m2l_cases import GIST, SENTENCES, loop, run, token_clip, training

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import DescribeConfig, M2LConfig
from tdmm_core.language.m2l_dataset import side_by_side
from tdmm_core.language.m2l_decoding import answer
from tdmm_core.language.m2l_gist import GistEncoder, GistShape
from tdmm_core.language.m2l_model import load_model
from tdmm_core.language.m2l_prompting import DESCRIBE


def encoder(frames: int = 8, *, levels: int = 1) -> GistEncoder:
    shape = GistShape(num_codewords=24 * levels, frames=frames, width=48, num_layers=2, max_frames=80, dim=32, num_pieces=10)
    made = GistEncoder(shape, features=torch.randn(24 * levels, 5), seed=1)
    made.speak(torch.randn(100, 32), torch.arange(10))
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.05 * torch.randn_like(weight))  # a norm that starts at nothing hides what is padded
    return made.eval()


@pytest.mark.parametrize("frames", [4, 8, 16, 32])
def test_a_motion_has_a_word_for_each_stretch_and_whatever_stands_beside_it_does_not_matter(frames: int) -> None:
    made, rng = encoder(frames, levels=2), np.random.default_rng(0)
    motions = [np.stack([rng.integers(0, 24, n), rng.integers(24, 48, n)], axis=1) for n in (1, 31, 32, 33, 80)]
    with torch.no_grad():
        together = made(side_by_side(motions))
        for motion, row in zip(motions, together, strict=True):
            alone = made(side_by_side([motion]))[0]
            assert len(alone) == made.shape.words_of(len(motion)) == -(-len(motion) // frames)
            assert torch.allclose(alone, row[: len(alone)], atol=1e-5)


def test_the_order_of_codes_is_heard_and_each_level_too() -> None:
    made = encoder(levels=2)
    motion = np.stack([np.arange(16), 24 + np.arange(16)], axis=1)
    with torch.no_grad():
        told, turned, other = (made(side_by_side([m]))[0] for m in (motion, motion[::-1], motion * [1, 0] + [0, 24]))
    assert (told - turned).abs().max() > 1e-3 and (told - other).abs().max() > 1e-3


def test_a_saved_encoder_needs_no_features() -> None:
    made = encoder()
    again = GistEncoder(made.shape)
    again.load_state_dict(made.tensors())
    codes = torch.randint(0, 24, (2, 20, 1))
    with torch.no_grad():
        assert torch.allclose(made(codes), again(codes), atol=1e-5)


def test_what_the_apprentice_taught_is_heard_by_the_language_model(tmp_path: Path) -> None:
    made = training(GIST)
    assert made.apprentice is not None
    taught = loop(made, made.apprentice, GIST.apprentice)
    assert np.mean(taught[-8:]) < 0.5 * taught[0]
    made.begin_language()
    losses = loop(made, made.network, GIST.training)
    assert np.mean(losses[-10:]) < 0.8 < losses[0]
    score = made.score()
    assert score.loss is not None and score.loss_of_other_motion is not None and score.loss < 0.6 * score.loss_of_other_motion
    made.save(tmp_path)
    again = load_model(tmp_path)
    assert again.gist is not None and again.word_ids == [] and len(again.model.network.model.layers) == 1
    motions = [token_clip(k, 900 + i, length=20 + i).tokens.codes for i, k in enumerate(["smile", "frown", "smile"])]
    told = answer(again, motions, DESCRIBE[0], DescribeConfig())
    assert told == [SENTENCES[k] for k in ("smile", "frown", "smile")]
    assert [answer(again, [m], DESCRIBE[0], DescribeConfig())[0] for m in motions] == told


def test_equal_seeds_start_equally_and_the_frozen_stays() -> None:
    a, b, c = training(GIST), training(GIST), training(GIST, seed=1)
    same = [torch.equal(x, y) for x, y in zip(a.network.words.parameters(), b.network.words.parameters(), strict=True)]
    other = [torch.equal(x, y) for x, y in zip(a.network.words.parameters(), c.network.words.parameters(), strict=True)]
    assert all(same) and not all(other)
    short = replace(GIST, apprentice=replace(GIST.apprentice, steps=2), training=replace(GIST.training, steps=2))
    made = training(short)
    frozen = {n: w.clone() for n, w in made.model.network.named_parameters() if not w.requires_grad}
    run(made)
    assert all(torch.equal(w, frozen[n]) for n, w in made.model.network.named_parameters() if n in frozen)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"tuning": "full"}, "gist_frames=0"),
        ({"gist_frames": 5}, "4, 8, 16"),
        ({"gist_width": 100}, "multiple of 48"),
        ({"gist_layers": 0}, "1 or more"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict, what: str) -> None:
    with pytest.raises(InputError, match=what):
        M2LConfig(**changes)
