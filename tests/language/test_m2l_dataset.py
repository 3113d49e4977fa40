"""Batches: what is asked and answered, that little is padded, and that a step's batch needs no history."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from m2l_cases import NUM_CODES, SENTENCES, clips, token_clip, training, variant

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_dataset import IGNORED, M2LBatches
from tdmm_core.language.m2l_examples import split_examples
from tdmm_core.language.m2l_prompting import DESCRIBE, NAME


@pytest.fixture(scope="module")
def batches() -> M2LBatches:
    return training(variant(code_noise=0.0)).batches


def told(batches: M2LBatches, batch: dict[str, torch.Tensor]) -> list[tuple[list[int], str, str]]:
    """Motion words, question and answer of each row, read back from the tensors."""
    rows = []
    model = batches.writer.model
    for text, motion, mask, targets in zip(*(batch[n] for n in ("text", "motion", "mask", "targets")), strict=True):
        wanted = targets[targets != IGNORED].tolist()
        words = text[(mask == 1) & (motion < 0)].tolist()
        spoken, answer = words[: len(words) - len(wanted) + 1], words[len(words) - len(wanted) + 1 :]
        assert answer == wanted[:-1] and wanted[-1] == model.end_id
        rows.append((motion[motion >= 0].tolist(), model.text(spoken), model.text(wanted)))
    return rows


def test_a_row_holds_its_clips_codes_a_question_and_its_answer(batches: M2LBatches) -> None:
    seen = set()
    for step in range(6):
        for motion, question, answer in told(batches, batches.train(step, batch_size=8)):
            start, *codes, end = motion
            assert (start, end) == (NUM_CODES, NUM_CODES + 1)
            kind = "smile" if codes[0] < NUM_CODES // 2 else "frown"
            assert all((c < NUM_CODES // 2) == (kind == "smile") for c in codes)
            assert (question in NAME and answer == kind) or (question in DESCRIBE and answer == SENTENCES[kind])
            seen.add(question)
    assert len(seen) >= 5


def test_every_stride_th_code_is_read_from_a_drawn_first_one(batches: M2LBatches) -> None:
    lengths = {len(e.codes) for e in batches.examples["train"]}
    for motion, _, _ in told(batches, batches.train(0, batch_size=8)):
        assert len(motion) - 2 in {-(-n // 2) for n in lengths} | {n // 2 for n in lengths}
    codes = np.arange(7)[:, None]
    prompt = batches.writer.prompt(codes, DESCRIBE[0], first=1)
    assert prompt.motion[prompt.motion >= 0].tolist()[1:-1] == [1, 3, 5]
    assert batches.writer.prompt(codes[:1], DESCRIBE[0], first=1).motion.max() == NUM_CODES + 1


def test_a_batch_needs_no_history_and_ranks_share_a_step(batches: M2LBatches) -> None:
    other = training(variant(code_noise=0.0)).batches
    for step in (5, 40, 0):
        assert all(
            torch.equal(a, b) for a, b in zip(batches.train(step, batch_size=8).values(), other.train(step, batch_size=8).values(), strict=True)
        )
    whole = sorted(tuple(m) for m, _, _ in told(batches, batches.train(3, batch_size=8)))
    assert whole != sorted(tuple(m) for m, _, _ in told(batches, batches.train(4, batch_size=8)))
    halves = [m for rank in (0, 1) for m, _, _ in told(batches, batches.train(3, batch_size=4, rank=rank, world_size=2))]
    assert sorted(map(tuple, halves)) == whole


def test_each_clip_comes_once_an_epoch_and_rows_beside_one_another_are_of_like_length() -> None:
    batches = training(variant(code_noise=0.0, frame_stride=1)).batches
    size = len(batches.examples["train"])
    seen = [tuple(m) for step in range(size // 8 * 16) for m, _, _ in told(batches, batches.train(step, batch_size=8))]
    counts = [seen.count(m) for m in set(seen)]
    assert len(counts) == size and set(counts) == {16}
    masks = [batches.train(step, batch_size=8)["mask"] for step in range(16)]
    padded = 1 - sum(int(m.sum()) for m in masks) / sum(m.numel() for m in masks)
    assert padded < 0.06


def test_noise_takes_near_codes_and_spares_the_words_around_them() -> None:
    batches = training(variant(code_noise=0.5, description_share=1.0)).batches
    changed = total = 0
    for step in range(8):
        for motion, _, answer in told(batches, batches.train(step, batch_size=8)):
            assert motion[0] == NUM_CODES and motion[-1] == NUM_CODES + 1
            wrong = [(c < NUM_CODES // 2) != (answer == SENTENCES["smile"]) for c in motion[1:-1]]
            changed, total = changed + sum(wrong), total + len(wrong)
    assert changed < 0.02 * total


def test_validation_shows_each_held_out_clip_once_and_the_floor_another_ones(batches: M2LBatches) -> None:
    right = [r for b in batches.validation(5) for r in told(batches, b)]
    wrong = [r for b in batches.validation(5, mismatched=True) for r in told(batches, b)]
    assert len(right) == 12 and {q for _, q, _ in right} == {DESCRIBE[0]}
    assert [a for _, _, a in right] == [a for _, _, a in wrong] and [m for m, _, _ in right] != [m for m, _, _ in wrong]
    assert {a for b in batches.naming(5) for _, _, a in told(batches, b)} == {"smile", "frown"}


def test_of_many_held_out_clips_some_are_scored_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = training().batches
    everything = batches.examples["validation"]
    assert sorted(map(id, batches.held_out())) == sorted(map(id, everything))
    monkeypatch.setattr("tdmm_core.language.m2l_dataset.SCORED", 4)
    assert {id(e) for e in batches.held_out()} == {id(everything[i]) for i in (0, 3, 6, 9)}
    assert sum(len(b["text"]) for b in batches.validation(3)) == 4


def test_the_chat_template_lays_out_the_same_things() -> None:
    batches = training(variant(prompting="chat", code_noise=0.0)).batches
    _, question, answer = told(batches, next(batches.validation(1)))[0]
    assert question.startswith("user:") and DESCRIBE[0] in question and question.endswith("assistant:") and answer in SENTENCES.values()


def test_tokens_without_a_train_clip_are_refused() -> None:
    with pytest.raises(InputError, match="split train"):
        split_examples([token_clip("smile", 0, split="validation")], variant())
    assert len(split_examples(clips(3), variant())["train"]) == 6
