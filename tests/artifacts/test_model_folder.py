"""Model folders: their header, what belongs to the digest, and how they are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from artifact_cases import MAKING

from tdmm_core.artifacts.header import Making, parent_of, read_header
from tdmm_core.artifacts.model_folder import read_model_header, write_model_header
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError

KIND = "motion-tokenizer"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "text-tokenizer").mkdir(parents=True)
    (folder / "config.json").write_text('{"num_codes": 64}')
    (folder / "model.safetensors").write_bytes(bytes(range(256)))
    (folder / "text-tokenizer" / "tokenizer.json").write_text("{}")
    return folder


def test_round_trip(model: Path) -> None:
    header = write_model_header(model, kind=KIND, making=MAKING)
    assert read_model_header(model, KIND) == header == read_header(model)
    assert verify(model) == []
    assert parent_of(model).digest == header.digest
    assert json.loads((model / "tdmm.json").read_text())["parents"][0]["kind"] == "corpus"


def test_the_digest_is_of_the_model_alone(model: Path) -> None:
    first = write_model_header(model, kind=KIND, making=MAKING)
    (model / "README.md").write_text("a card")
    (model / "curves.jsonl").write_text("{}")
    (model / "checkpoints").mkdir()
    (model / "checkpoints" / "last.pt").write_bytes(b"x")
    assert write_model_header(model, kind=KIND, making=MAKING).digest == first.digest
    (model / "model.safetensors").write_bytes(bytes(256))
    assert write_model_header(model, kind=KIND, making=MAKING).digest != first.digest


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "text-tokenizer/tokenizer.json"])
def test_damage_is_found_and_named(model: Path, name: str) -> None:
    write_model_header(model, kind=KIND, making=MAKING)
    (model / name).write_bytes(b"other")
    assert [p for p in verify(model) if name in p and "damaged" in p]
    (model / name).unlink()
    assert [p for p in verify(model) if name in p and "missing" in p]


def test_refusals(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_model_header(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"has no tdmm.json"):
        read_model_header(model)
    write_model_header(model, kind=KIND, making=Making())
    with pytest.raises(InputError, match="expected a language-to-motion model, got a motion-tokenizer one; tdmm train-l2m makes"):
        read_model_header(model, "language-to-motion")
    written = json.loads((model / "tdmm.json").read_text())
    (model / "tdmm.json").write_text(json.dumps(written | {"version": 5, "tool": "tdmm 3"}))
    with pytest.raises(InputError, match="model version 5, written by tdmm 3"):
        read_model_header(model)
    for text in ("", "{}", "[]", '{"files": 3}'):
        (model / "tdmm.json").write_text(text)
        with pytest.raises(InputError, match=r"tdmm.json: damaged"):
            read_model_header(model)
    (tmp_path / "bare").mkdir()
    with pytest.raises(InputError, match="found none"):
        write_model_header(tmp_path / "bare", kind=KIND, making=Making())
