"""Batches: what is trained on, what is spoilt, and that a step's batch needs no history."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from l2m_cases import CONFIG, NUM_CODES, token_clip

from tdmm_core.errors import InputError
from tdmm_core.language.config import L2MConfig
from tdmm_core.language.l2m_dataset import L2MBatches, example_of, plain_batches, split_examples
from tdmm_core.language.l2m_network import IGNORED, L2MNetwork
from tdmm_core.language.l2m_score import score
from tdmm_core.textmodels.words import load_words
from tdmm_core.training.config import TrainingConfig

CLEAN = replace(CONFIG, condition_dropout=0.0, length_dropout=0.0, word_dropout=0.0, word_noise=0.0, code_noise=0.0)


def batches(num_clips: int = 10, config: L2MConfig = CLEAN, *, batch_size: int = 4, seed: int = 0) -> L2MBatches:
    rng = np.random.default_rng(0)
    config = replace(config, training=TrainingConfig(batch_size=batch_size))
    clips = [token_clip(np.r_[i, rng.integers(0, NUM_CODES, rng.integers(5, 30))], f"prompt number {i}", id=str(i)) for i in range(num_clips)]
    clips += [token_clip(np.arange(8), "held out", id="v", split="validation")]
    return L2MBatches(split_examples(clips, config), load_words(), config, num_codes=NUM_CODES, seed=seed)


def test_held_frames_are_cut_at_the_ends_and_not_scored_inside() -> None:
    example = example_of(token_clip(np.arange(8), status=[2, 2, 0, 1, 2, 0, 0, 2]), CONFIG)
    assert example is not None and example.codes.tolist() == [2, 3, 4, 5, 6]
    assert example.scored.tolist() == [True, True, False, True, True]
    assert not example.ended
    assert example_of(token_clip(np.arange(3), status=[2, 2, 2]), CONFIG) is None
    assert example_of(token_clip(np.arange(3), " "), CONFIG) is None


def test_a_clip_longer_than_the_model_is_cut_and_not_ended() -> None:
    example = example_of(token_clip(np.arange(41)), CONFIG)
    assert example is not None and len(example.codes) == 40 and not example.ended
    exact = example_of(token_clip(np.arange(40)), CONFIG)
    assert exact is not None and len(exact.codes) == 40 and exact.ended


def test_more_than_one_code_a_frame_is_refused() -> None:
    with pytest.raises(InputError, match="one code a frame, got 2"):
        example_of(token_clip(np.zeros((4, 2))), CONFIG)


def test_nothing_to_train_on_is_said() -> None:
    with pytest.raises(InputError, match="split train"):
        split_examples([token_clip(np.arange(4), split="test")], CONFIG)


def test_targets_are_the_codes_then_the_end_then_nothing() -> None:
    batch = batches().train(0)
    for codes, targets, length in zip(batch["codes"], batch["targets"], batch["lengths"].tolist(), strict=True):
        assert torch.equal(codes[:length], targets[:length])
        assert targets[length] == NUM_CODES and (targets[length + 1 :] == IGNORED).all()
    assert batch["codes"].shape[1] == int(batch["lengths"].max())


def test_a_batch_is_a_function_of_step_and_seed() -> None:
    fresh = batches(config=CONFIG).train(7)
    used = batches(config=CONFIG)
    for part in range(7):
        used.train(part)
    again = used.train(7)
    assert all(torch.equal(fresh[name], again[name]) for name in fresh)
    other = batches(config=CONFIG, seed=1).train(7)
    assert any(fresh[n].shape != other[n].shape or not torch.equal(fresh[n], other[n]) for n in fresh)


def test_each_clip_once_an_epoch() -> None:
    data = batches(12, batch_size=6)
    for epoch in range(2):
        seen = [int(first) for part in (2 * epoch, 2 * epoch + 1) for first in data.train(part)["codes"][:, 0]]
        assert sorted(seen) == list(range(12))


def test_two_processes_see_together_what_one_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = batches(config=CONFIG).train(5)
    monkeypatch.setenv("WORLD_SIZE", "2")
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        share = batches(config=CONFIG).train(5)
        mine = slice(2 * rank, 2 * rank + 2)
        assert torch.equal(share["lengths"], whole["lengths"][mine])
        frames = share["codes"].shape[1]
        assert torch.equal(share["codes"], whole["codes"][mine, :frames])
        assert torch.equal(share["targets"], whole["targets"][mine, : frames + 1])
        pieces = share["words"].shape[1]
        assert torch.equal(share["words"], whole["words"][mine, -pieces:])


def test_shares_of_what_is_spoilt() -> None:
    config = replace(CONFIG, condition_dropout=0.2, length_dropout=0.4, word_dropout=0.0, word_noise=0.0, code_noise=0.15)
    data = batches(10, config, batch_size=10)
    hidden, untold, spoilt, places = 0, 0, 0, 0
    for step in range(60):
        batch = data.train(step)
        hidden += int((~batch["word_mask"].any(1)).sum())
        untold += int((batch["lengths"] == 0).sum())
        counted = batch["targets"][:, :-1] < NUM_CODES
        counted &= batch["targets"][:, :-1] != IGNORED
        spoilt += int(((batch["codes"] != batch["targets"][:, :-1]) & counted).sum())
        places += int(counted.sum())
    assert hidden / 600 == pytest.approx(0.2, abs=0.06)
    assert untold / 600 == pytest.approx(0.4, abs=0.07)
    assert spoilt / places == pytest.approx(0.15, abs=0.03)


def test_one_of_the_sentences_is_drawn() -> None:
    clip = token_clip(np.arange(6), "one")
    clip = replace(clip, clip=replace(clip.clip, paraphrases=("two words", "here are three words")))
    config = replace(CLEAN, training=TrainingConfig(batch_size=1))
    data = L2MBatches(split_examples([clip], config), load_words(), config, num_codes=NUM_CODES, seed=0)
    assert {int(data.train(s)["word_mask"].sum()) for s in range(20)} == {1, 2, 4}


def test_validation_is_not_spoilt_and_can_go_without_text() -> None:
    data = batches(config=CONFIG)
    (batch,) = data.validation(4)
    (without,) = plain_batches(data.examples["validation"], data.vectors, num_codes=NUM_CODES, batch_size=4, with_text=False)
    assert torch.equal(batch["codes"][0], torch.arange(8)) and batch["lengths"].tolist() == [0]
    assert batch["word_mask"].all() and not without["word_mask"].any()
    assert torch.equal(batch["targets"], without["targets"])


def test_a_score_is_the_mean_over_all_places_and_knows_its_floors() -> None:
    clips = [token_clip(np.array(codes), f"prompt {i}", split="validation") for i, codes in enumerate([[1, 1, 1, 2, 2], [3, 3, 4]])]
    examples = [example_of(clip, CONFIG) for clip in clips]
    net = L2MNetwork(CONFIG, num_codes=NUM_CODES, text_dim=256).eval()
    together, apart = score(net, examples, load_words()), [score(net, [e], load_words()) for e in examples]
    assert together.repeat_accuracy == pytest.approx((2 + 1 + 1) / (6 + 4))
    for name in ("loss", "loss_without_prompt", "token_accuracy"):
        assert getattr(together, name) == pytest.approx((6 * getattr(apart[0], name) + 4 * getattr(apart[1], name)) / 10, rel=1e-4)
    assert together.loss != together.loss_without_prompt
    assert score(net, [], load_words()).loss is None
