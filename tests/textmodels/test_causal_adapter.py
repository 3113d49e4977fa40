"""Low-rank adapters: nothing at first, the same attached, merged and folded in, refused by another network."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tiny_llama import SENTENCES, write_tiny_llama

from tdmm_core.errors import InputError
from tdmm_core.textmodels import adapter
from tdmm_core.textmodels.causal import CausalModel, load_causal


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llama(tmp_path_factory.mktemp("tiny-llama"))


def logits(model: CausalModel) -> torch.Tensor:
    with torch.no_grad():
        return model.network(input_ids=torch.tensor([model.ids(SENTENCES[0])])).logits


def moved(model: CausalModel) -> None:
    """Give the adapter weights as if it had been trained."""
    torch.manual_seed(5)
    for weight in model.network.parameters():
        if weight.requires_grad:
            weight.data = 0.3 * torch.randn_like(weight)


def test_an_adapter_begins_as_nothing_and_trains_every_linear_layer_but_the_head(folder: Path) -> None:
    model = load_causal(str(folder))
    before = logits(model)
    adapter.attach(model, rank=2, alpha=4)
    assert torch.equal(logits(model), before)
    trained = [n for n, w in model.network.named_parameters() if w.requires_grad]
    assert len(trained) == 2 * 7 * 2 and not any("head" in n or "embed" in n for n in trained)
    again = load_causal(str(folder))
    adapter.attach(again, rank=2, alpha=4)
    same = zip(adapter.adapter_weights(model).values(), adapter.adapter_weights(again).values(), strict=True)
    assert all(torch.equal(a, b) for a, b in same)


def test_attached_merged_and_folded_in_say_the_same(folder: Path) -> None:
    model, plain = load_causal(str(folder)), load_causal(str(folder))
    untouched = logits(plain)
    adapter.attach(model, rank=2, alpha=4)
    moved(model)
    attached = logits(model)
    assert not torch.allclose(attached, untouched, atol=0.1)
    adapter.merge(plain, adapter.adapter_weights(model), rank=2, alpha=4)
    assert torch.allclose(logits(plain), attached, atol=1e-4)
    adapter.detach(model)
    assert torch.allclose(logits(model), attached, atol=1e-4)
    assert {n for n, _ in model.network.named_parameters()} == {n for n, _ in plain.network.named_parameters()}


def test_an_adapter_of_another_network_is_refused(folder: Path) -> None:
    model = load_causal(str(folder))
    adapter.attach(model, rank=2, alpha=4)
    weights = adapter.adapter_weights(model)
    name = next(n for n in weights if n.endswith("lora_B"))
    weights[name] = weights[name][:-1]
    with pytest.raises(InputError, match="expected a language model with"):
        adapter.merge(load_causal(str(folder)), weights, rank=2, alpha=4)
