"""The packaged word vectors: spelling, robustness, meaning, and what loading them must not bring in."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tdmm_core.errors import MissingPartError
from tdmm_core.textmodels import words
from tdmm_core.textmodels.text_encoder import TextEncoder, load_text_encoder
from tdmm_core.textmodels.words import load_words, spelling


def test_the_default_encoder_is_the_words() -> None:
    encoder = load_text_encoder()
    assert isinstance(encoder, TextEncoder)
    assert encoder is load_text_encoder("words") is load_words()
    assert (encoder.name, encoder.dim) == ("words", 256)


def test_one_vector_a_word_piece() -> None:
    encoder = load_words()
    text = "she slowly grimaces, then winks twice"
    (vectors,) = encoder.encode([text])
    assert vectors.dtype == np.float32 and vectors.shape == (len(encoder.pieces(text)), 256)
    assert len(vectors) >= len(text.split())


@pytest.mark.parametrize(
    "other", ["A slow Pout, turning to SURPRISE", "  a slow  pout,\n turning to surprise. ", "a slow pout, turning to surprise!"]
)
def test_case_blanks_and_the_final_stop_change_nothing(other: str) -> None:
    a, b = load_words().encode(["a slow pout, turning to surprise", other])
    np.testing.assert_array_equal(a, b)


def test_near_words_are_nearer_than_far_ones() -> None:
    def direction(word: str) -> np.ndarray:
        mean = load_words().encode([word])[0].mean(0)
        return mean / np.linalg.norm(mean)

    assert direction("happy") @ direction("joyful") > direction("happy") @ direction("sad") > direction("happy") @ direction("table")


@given(st.lists(st.text(max_size=40), min_size=1, max_size=4))
def test_any_text_is_encoded_and_neighbours_do_not_matter(texts: list[str]) -> None:
    together = load_words().encode(texts)
    for text, vectors in zip(texts, together, strict=True):
        assert np.isfinite(vectors).all() and vectors.shape[1] == 256
        np.testing.assert_array_equal(vectors, load_words().encode([text])[0])
        assert (len(vectors) == 0) == (spelling(text) == "")


def test_the_digest_is_of_the_files(tmp_path: Path) -> None:
    encoder = load_words()
    copies = []
    for path in encoder.files:
        copies.append(tmp_path / path.name)
        copies[-1].write_bytes(path.read_bytes())
    assert replace(encoder, files=tuple(copies)).digest == encoder.digest
    copies[0].write_bytes(copies[0].read_bytes()[:-1] + b"x")
    assert replace(encoder, files=tuple(copies)).digest != encoder.digest


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "WEIGHTS", "weights/none.safetensors")
    load_words.cache_clear()
    with pytest.raises(MissingPartError, match="pip install"):
        load_words()
    load_words.cache_clear()


def test_loading_brings_in_neither_transformers_nor_a_web_client() -> None:
    code = "import sys; from tdmm_core.textmodels.text_encoder import load_text_encoder as l; l().encode(['hi']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"transformers", "torch", "requests", "wordllama", "h5py"} & set(loaded)
