"""Any causal language model through one door: found or missing, given new words, read at its last positions, continued."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_llama import SENTENCES, write_tiny_llama

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.textmodels.causal import CausalModel, add_words, continue_rows, continue_shown, keep_layers, load_causal, save_plain
from tdmm_core.textmodels.hidden_states import load_hidden_states


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("tiny-llama"))


@pytest.fixture
def model(folder: Path) -> CausalModel:
    return load_causal(str(folder))


def padded(model: CausalModel, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows padded on the left, and their mask."""
    rows = [model.ids(t) for t in texts]
    width = max(map(len, rows))
    ids = torch.tensor([[model.end_id] * (width - len(r)) + r for r in rows])
    return ids, torch.tensor([[0] * (width - len(r)) + [1] * len(r) for r in rows])


def test_a_model_that_is_not_here_is_named_with_the_command_that_fetches_it() -> None:
    with pytest.raises(MissingPartError, match="hf download nobody/no-such-model"):
        load_causal("nobody/no-such-model")
    with pytest.raises(MissingPartError, match="SmolLM2"):
        load_causal(None)
    with pytest.raises(InputError, match="no such folder"):
        load_causal("/nowhere/my-model")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="expected a causal language model"):
        load_causal(str(tmp_path))


def test_the_digest_is_of_the_weights_and_words_alone(folder: Path, tmp_path: Path, model: CausalModel) -> None:
    same = write_tiny_llama(tmp_path / "same")
    (same / "README.md").write_text("a card")
    other = write_tiny_llama(tmp_path / "other", seed=1)
    assert load_causal(str(same)).digest == model.digest != load_causal(str(other)).digest


def test_logits_at_the_last_positions_are_those_of_each_row_alone(model: CausalModel) -> None:
    ids, mask = padded(model, SENTENCES[:3])
    with torch.no_grad():
        wanted = torch.tensor([[0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0]]).bool()
        found = model.logits_at(model.network.get_input_embeddings()(ids), mask, wanted)
        slow = [model.network(input_ids=torch.tensor([model.ids(t)])).logits[0, -4:][w] for t, w in zip(SENTENCES, wanted, strict=False)]
        assert torch.allclose(found, torch.cat(slow), atol=1e-4)
        again = model.network(input_ids=ids, attention_mask=mask).logits
    assert again.shape[:2] == ids.shape


@pytest.mark.parametrize("tied", [True, False])
def test_new_words_have_their_rows_and_change_no_old_answer(tmp_path: Path, tied: bool) -> None:
    model = load_causal(str(write_tiny_llama(tmp_path / "m", tied=tied)))
    ids = torch.tensor([model.ids(SENTENCES[0])])
    with torch.no_grad():
        before = model.network(input_ids=ids).logits
        old_rows = model.network.get_input_embeddings().weight.clone()
        rows = torch.randn(3, model.dim)
        new = add_words(model, ["<motion_0>", "<motion_1>", "<motion_end>"], rows)
        assert torch.equal(model.network.get_input_embeddings().weight[new], rows)
        assert torch.equal(model.network.get_input_embeddings().weight[: len(old_rows)], old_rows)
        # a wider product is split otherwise among threads, which rounds otherwise
        torch.testing.assert_close(model.network(input_ids=ids).logits[..., : before.shape[-1]], before, rtol=1e-5, atol=1e-5)
        assert model.ids("<motion_1><motion_0> a <motion_end>") == [new[1], new[0], *model.ids(" a "), new[2]]
        assert model.logits_at(torch.zeros(1, 2, model.dim), torch.ones(1, 2).long(), torch.ones(1, 1).bool()).shape[-1] == before.shape[-1]
    with pytest.raises(InputError, match="motion words"):
        add_words(model, ["<motion_0>"], rows[:1])
    save_plain(model, tmp_path)
    again = load_causal(str(tmp_path))
    assert torch.equal(again.network.get_input_embeddings().weight, model.network.get_input_embeddings().weight)
    assert again.ids("<motion_1>") == [new[1]]


def test_continuing_is_greedy_decoding_and_says_nothing_forbidden(model: CausalModel) -> None:
    row = model.ids("The person")
    slow = list(row)
    with torch.no_grad():
        for _ in range(6):
            slow.append(int(model.network(input_ids=torch.tensor([slow])).logits[0, -1].argmax()))
    short, long = continue_rows(model, [row, model.ids(SENTENCES[1])], longest=6)
    assert short == model.text(slow[len(row) :]) and long
    first = slow[len(row)]
    (without,) = continue_rows(model, [row], longest=6, forbidden=[first])
    assert without != short
    draws = [continue_rows(model, [row], longest=6, temperature=2.0, seed=s)[0] for s in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_hidden_states_are_the_last_ones_whatever_stands_beside(folder: Path, model: CausalModel) -> None:
    encoder = load_hidden_states(str(folder))
    vectors = encoder.encode(SENTENCES)
    assert encoder.dim == 64 and encoder.digest == model.digest and encoder.name == str(folder)
    with torch.no_grad():
        for text, found in zip(SENTENCES, vectors, strict=True):
            whole = model.network(input_ids=torch.tensor([model.ids(text)]), output_hidden_states=True).hidden_states[-1][0]
            assert found.dtype == np.float32 and np.allclose(found, whole.numpy(), atol=1e-4)
    assert encoder.encode([""])[0].shape == (0, 64)


def test_a_chat_template_is_asked_for_an_answer(folder: Path, tmp_path: Path, model: CausalModel) -> None:
    assert model.chat("hello").endswith("user: hello\nassistant: ")
    without = load_causal(str(write_tiny_llama(tmp_path, chat=False)))
    with pytest.raises(ValueError, match="chat"):
        without.chat("hello")


def test_the_first_and_the_last_layers_are_kept_and_speak(tmp_path: Path) -> None:
    model = load_causal(str(write_tiny_llama(tmp_path / "m")))
    first, last = model.network.model.layers
    keep_layers(model, 0)
    keep_layers(model, 5)
    assert list(model.network.model.layers) == [first, last]
    row = model.ids(SENTENCES[0])
    keep_layers(model, 1)
    assert list(model.network.model.layers) == [first] and model.network.config.num_hidden_layers == 1
    pieces: list[str] = []
    table = model.network.get_input_embeddings().weight
    (said,) = continue_shown(model, [table[torch.tensor(row)]], longest=9, heard=pieces.append)
    assert "".join(pieces) == said == continue_rows(model, [row], longest=9)[0]
