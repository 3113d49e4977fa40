"""A vision-language model is loaded from its folder and asked about pictures, by the same code as the large ones."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from tiny_vision import WORDS, build_tiny_vision

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.textmodels import vision
from tdmm_core.textmodels.vision import VisionModel


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Iterator[VisionModel]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vision, "_LONGEST", 24)
        yield VisionModel(str(build_tiny_vision(tmp_path_factory.mktemp("vision") / "tiny-eyes")), device="cpu")


def jpeg(seed: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)).save(sink, "JPEG")
    return sink.getvalue()


def test_it_answers_in_words_that_depend_on_the_pictures(model):
    answer = model("what does the face do", jpegs=[jpeg(0), jpeg(1)])
    assert answer and set(answer.split()) <= set(WORDS)
    assert answer == model("what does the face do", jpegs=[jpeg(0), jpeg(1)])
    others = {model("what does the face do", jpegs=[jpeg(i), jpeg(i + 1)]) for i in range(2, 6)} | {model("a happy man", jpegs=[jpeg(0), jpeg(1)])}
    assert others != {answer}
    assert model("a", jpegs=[jpeg(0)], seed=1) != model("a", jpegs=[jpeg(0)], seed=2)
    assert model.model == "tiny-eyes" and len(model.revision) == 64


def test_refusals(tmp_path):
    with pytest.raises(MissingPartError, match="hf download nobody/no-eyes"):
        VisionModel("nobody/no-eyes", device="cpu")
    with pytest.raises(InputError, match="does not load"):
        VisionModel(str(tmp_path), device="cpu")
