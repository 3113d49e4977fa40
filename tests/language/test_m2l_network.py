"""The network: its loss is the slow one's, its words are plain rows in the end, and it learns what it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from m2l_cases import NUM_CODES, SENTENCES, TRAINING, run, token_clip, training, variant

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.language.m2l_dataset import IGNORED
from tdmm_core.language.m2l_decoding import answer, spoken_answer, summed_up, windows_of
from tdmm_core.language.m2l_model import M2LModel, load_model, read_about
from tdmm_core.language.m2l_prompting import DESCRIBE, NAME
from tdmm_core.language.m2l_score import M2LScore
from tdmm_core.language.m2l_training import M2LTraining, language_model


class Trained(NamedTuple):
    score: M2LScore
    model: M2LModel


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    made = training(variant(tuning="full"))
    losses = run(made)
    assert np.mean(losses[-10:]) < 0.3 < losses[0]
    score = made.score()
    folder = tmp_path_factory.mktemp("trained")
    made.save(folder)
    return Trained(score, load_model(folder))


def saved(made: M2LTraining, folder: Path) -> Path:
    folder.mkdir()
    made.save(folder)
    return folder


def shown(kind: str, number: int, length: int = 20) -> np.ndarray:
    return token_clip(kind, number, length=length).tokens.codes


def test_the_loss_is_that_of_the_head_over_every_position() -> None:
    made = training()
    batch = made.batches.train(0, batch_size=6)
    table = made.network.words()
    embed = made.model.network.get_input_embeddings()
    with torch.no_grad():
        fast = made.network(batch)
        total, count, right = 0.0, 0, 0
        for text, motion, mask, targets in zip(*(batch[n] for n in ("text", "motion", "mask", "targets")), strict=True):
            words = [table[m] if m >= 0 else embed.weight[t] for t, m, k in zip(text, motion, mask, strict=True) if k]
            logits = made.model.network(inputs_embeds=torch.stack(words)[None]).logits[0]
            wanted = targets[targets != IGNORED]
            told = logits[-len(wanted) :].log_softmax(-1)
            total -= float(told[range(len(wanted)), wanted].sum())
            right += int((told.argmax(-1) == wanted).sum())
            count += len(wanted)
    assert float(fast["loss"]) == pytest.approx(total / count, rel=1e-4)
    assert float(fast["token_accuracy"]) == pytest.approx(right / count)


def test_only_the_adapter_and_the_motion_words_learn() -> None:
    made = training()
    frozen = {n: w.clone() for n, w in made.model.network.named_parameters() if not w.requires_grad}
    before = made.network.words().detach().clone()
    run_config = made.config.training
    assert sum(w.numel() for w in made.network.parameters() if w.requires_grad) == sum(w.numel() for w in made.network.parameters())
    weights = list(made.network.parameters())
    optimizer = torch.optim.SGD(weights, lr=run_config.learning_rate)
    for step in range(2):
        made.network(made.batches.train(step, batch_size=4))["loss"].backward()
        optimizer.step()
    assert all(torch.equal(w, frozen[n]) for n, w in made.model.network.named_parameters() if n in frozen)
    moved = (made.network.words() - before).detach().abs().sum(dim=1)
    assert (moved > 0).sum() > NUM_CODES // 2
    assert any(w.abs().sum() > 0 for n, w in made.model.network.named_parameters() if "lora_B" in n)


def test_new_words_start_among_the_old_and_near_codes_near_one_another() -> None:
    made = training()
    table = made.network.words().detach()
    old = made.model.network.get_input_embeddings().weight
    assert 0.3 < float(table.std() / old.std()) < 3
    codes = table[:NUM_CODES]
    near = torch.cdist(codes[:12], codes[:12]).sum() / (12 * 11)
    assert near < 0.8 * torch.cdist(codes[:12], codes[12:]).mean()


def test_it_answers_rightly_after_training_and_the_floor_does_not(trained: Trained) -> None:
    score, model = trained
    assert score.loss is not None and score.loss < 0.1 < 0.5 < score.loss_of_other_motion
    assert score.naming_accuracy == 1.0 and score.share_of_commonest_label == 0.5 and score.token_accuracy > 0.95
    motions = [shown("smile", 900), shown("frown", 901), shown("smile", 902, length=9), shown("frown", 903, length=40)]
    kinds = ["smile", "frown", "smile", "frown"]
    assert answer(model, motions, DESCRIBE[0], DescribeConfig()) == [SENTENCES[k] for k in kinds]
    assert answer(model, motions, NAME[0], DescribeConfig(batch_size=1)) == kinds
    assert answer(model, [shown("frown", 904, length=1)], DESCRIBE[0], DescribeConfig())[0].startswith("The person")


def test_long_motion_is_read_in_windows_with_their_times(trained: Trained) -> None:
    motion = np.concatenate([shown("smile", 1, length=38), shown("frown", 2, length=38)])
    (text,) = answer(trained.model, [motion], DESCRIBE[0], DescribeConfig())
    windows = f"From 0 to 2 s: {SENTENCES['smile']} From 2 to 3 s: {SENTENCES['frown']}"
    assert text == f"{windows} In all: {SENTENCES['smile'][:-1]} (1 of 2); {SENTENCES['frown'][:-1]} (1 of 2)."
    pieces: list[str] = []
    assert spoken_answer(trained.model, motion, DESCRIBE[0], DescribeConfig(), pieces.append) == text == "".join(pieces)
    assert len(pieces) > 8


def test_a_summary_counts_the_windows_and_says_the_commonest_first() -> None:
    assert summed_up(["Yes.", "No.", "Yes."]) == "In all: Yes (2 of 3); No (1 of 3)."
    assert summed_up([f"{i}." for i in range(6)]).endswith("; 3 other answers.")


@pytest.mark.parametrize("frames", [1, 39, 40, 41, 80, 81, 400])
def test_windows_cover_every_frame_once_and_none_is_too_long(frames: int) -> None:
    windows = windows_of(frames, 40)
    assert [i for a, b in windows for i in range(a, b)] == list(range(frames))
    assert max(b - a for a, b in windows) <= 40 and len(windows) == -(-frames // 40)


@pytest.mark.parametrize("tuning", ["adapter", "merged", "full"])
def test_what_is_saved_says_what_was_trained(tmp_path: Path, tuning: str) -> None:
    config = variant(tuning=tuning)
    made = training(config)
    weights = [w for w in made.network.parameters() if w.requires_grad]
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in weights:
            weight.add_(0.02 * torch.randn_like(weight))
        batch = next(made.batches.validation(4))
        logits = made.network.logits(batch, torch.ones(4, 3, dtype=torch.bool)).unflatten(0, (4, 3))
    folder = saved(made, tmp_path / tuning)
    again = load_model(folder)
    table = torch.tensor(again.word_ids)
    ids = torch.where(batch["motion"] >= 0, table[batch["motion"].clamp(min=0)], batch["text"])
    with torch.no_grad():
        found = again.model.network(input_ids=ids, attention_mask=batch["mask"]).logits[:, -3:, : logits.shape[-1]]
    assert torch.allclose(found, logits, atol=0.02)  # an adapter is kept in float16
    assert read_about(folder) == again.about == made.about
    if tuning != "adapter":
        from transformers import AutoModelForCausalLM, AutoTokenizer

        plain = AutoModelForCausalLM.from_pretrained(folder)
        words = AutoTokenizer.from_pretrained(folder)
        assert words.convert_tokens_to_ids("<motion_3>") == again.word_ids[3]
        with torch.no_grad():
            assert torch.allclose(plain(input_ids=ids, attention_mask=batch["mask"]).logits[:, -3:, : logits.shape[-1]], found, atol=1e-4)


def test_bfloat16_trains_as_well() -> None:
    made = training(variant(training=replace(TRAINING, steps=40, learning_rate=1e-2, precision="bf16")))
    assert made.model.network.dtype == torch.bfloat16 and all(w.dtype == torch.float32 for w in made.network.parameters())
    losses = run(made)
    assert np.mean(losses[-5:]) < 0.6 * losses[0]
    score = made.score()
    assert score.loss is not None and score.loss < 0.6 * losses[0]


def test_another_base_or_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    made = training()
    folder = saved(made, tmp_path / "m")
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(text.replace(made.about.base_digest, "0" * 64))
    with pytest.raises(InputError, match="the very one that it was trained on"):
        load_model(folder)
    (folder / "config.json").write_text(text)
    (folder / "model.safetensors").write_bytes(b"short")
    with pytest.raises(InputError, match="missing or damaged"):
        load_model(folder)
    (folder / "config.json").write_text("{}")
    with pytest.raises(InputError, match="tdmm train-m2l makes one"):
        read_about(folder)
    with pytest.raises(InputError, match=r"found no config\.json"):
        read_about(tmp_path)


def test_frozen_weights_are_not_split_over_processes() -> None:
    config = variant(training=replace(TRAINING, zero_stage=3))
    with pytest.raises(InputError, match="zero_stage 3"):
        language_model(config, None, gguf=None)
