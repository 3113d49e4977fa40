"""The model folder: what comes back, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from l2m_cases import TEXT_DIM, network
from safetensors.torch import load_file

from tdmm_core.errors import InputError
from tdmm_core.language.l2m_model import L2MModel


def saved(folder: Path) -> L2MModel:
    model = L2MModel(network=network(), tokenizer_digest="abc", text_encoder="words", text_encoder_digest="def", text_dim=TEXT_DIM, fps=30.0)
    model.save(folder)
    return model


def test_a_model_comes_back_as_it_was(tmp_path: Path) -> None:
    model = saved(tmp_path)
    back = L2MModel.load(tmp_path)
    assert (back.tokenizer_digest, back.text_encoder, back.text_encoder_digest, back.fps) == ("abc", "words", "def", 30.0)
    assert back.network.config == model.network.config
    mine = model.network.state_dict()
    for name, value in back.network.state_dict().items():
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, mine[name], atol=1e-6, rtol=1e-3)


def test_weights_are_half_precision_and_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        saved(tmp_path / name)
    assert {v.dtype for v in load_file(tmp_path / "a" / "model.safetensors").values()} == {torch.float16}
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("harm", ["no folder", "no weights", "cut weights", "no json", "other kind", "missing key", "other width"])
def test_what_is_no_model_is_said_in_one_sentence(tmp_path: Path, harm: str) -> None:
    saved(tmp_path)
    config, weights = tmp_path / "config.json", tmp_path / "model.safetensors"
    about = json.loads(config.read_text())
    match harm:
        case "no folder":
            config.unlink()
        case "no weights":
            weights.unlink()
        case "cut weights":
            weights.write_bytes(weights.read_bytes()[:500])
        case "no json":
            config.write_text("hello")
        case "other kind":
            config.write_text(json.dumps(about | {"model_type": "llama"}))
        case "missing key":
            config.write_text(json.dumps({k: v for k, v in about.items() if k != "tokenizer_digest"}))
        case "other width":
            config.write_text(json.dumps(about | {"text_dim": 99}))
    with pytest.raises(InputError) as caught:
        L2MModel.load(tmp_path)
    assert "expected" in str(caught.value) and "\n" not in str(caught.value)
