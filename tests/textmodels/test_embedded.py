"""The embedded language model: a GGUF becomes a folder once, whoever asks, and a file that is none is refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tdmm_core.errors import InputError
from tdmm_core.textmodels import embedded
from tdmm_core.textmodels.causal import continue_rows, load_causal


def test_a_file_that_is_no_language_model_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    bad = tmp_path / "model.gguf"
    bad.write_bytes(b"GGUF but not really")
    with pytest.raises(InputError, match="GGUF"):
        embedded.embedded_folder(bad)
    assert [p.name for p in tmp_path.iterdir()] == ["model.gguf"]


def test_whoever_finishes_first_gives_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(gguf: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(gguf.read_bytes())
        (folder / embedded.SOURCE).write_text(json.dumps({"name": "x", "digest": "y"}))

    monkeypatch.setattr(embedded, "_convert", convert)
    gguf = tmp_path / "model.gguf"
    gguf.write_bytes(b"weights" * 1000)
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(embedded.embedded_folder, [gguf] * 8))
    (folder,) = folders
    assert {p.name for p in tmp_path.iterdir()} == {gguf.name, folder.name}
    assert (folder / "model.safetensors").read_bytes() == gguf.read_bytes()


@pytest.mark.slow
@pytest.mark.network
def test_the_embedded_model_speaks() -> None:
    from tdmm_core.assets.find import find_asset

    model = load_causal(None, gguf=find_asset("smollm2-135m"))
    assert model.dim == 576 and model.num_text_words == 49_152 and model.digest.startswith("b179c952")
    (text,) = continue_rows(model, [model.ids(model.chat("What is the capital of France? Answer in one word."))], longest=8)
    assert "Paris" in text
