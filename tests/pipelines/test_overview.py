"""The picture of a corpus, and the counts that it rests on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tdmm_core.errors import InputError
from tdmm_core.pipelines.overview import overview
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.synth import synth
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.overview import Tally

CONFIG = SynthConfig(num_clips=40, num_paraphrases=2, num_subjects=12)


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "m.h5"
    synth(path, Run(workers=1), config=CONFIG, video=False)
    return path


def test_a_corpus_becomes_one_picture(motion: Path, tmp_path: Path) -> None:
    summary = overview(tmp_path / "fig.png", [motion, motion], Run())
    assert (summary.num_clips, summary.backends, summary.statuses) == (80, ["scripted"], {"done": 80})
    assert 80 * 3 / 3600 <= summary.hours <= 80 * 6 / 3600
    with Image.open(tmp_path / "fig.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert min(pixels.shape[:2]) > 600 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_an_even_corpus_is_told_as_even() -> None:
    tally = Tally()
    for i in range(300):
        tally.add(category=f"c{i % 3}", label=f"l{i % 10}", backend="b", status="done", sentences=["She smiles."], duration_s=2.0)
    assert tally.evenness == 0 and {n: c.total() for n, c in tally.by_category.items()} == {"c0": 100, "c1": 100, "c2": 100}
    assert tally.words == Counter({"smiles": 300})
    tally.by_label["l0"] += 30
    assert tally.evenness == pytest.approx(27 / 33)


def test_wrong_input_is_told_in_a_sentence(motion: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="png"):
        overview(tmp_path / "fig.txt", [motion], Run())
    with pytest.raises(InputError, match="got none"):
        overview(tmp_path / "fig.png", [], Run())
    with pytest.raises(InputError, match="no such file"):
        overview(tmp_path / "fig.png", [tmp_path / "nothing.h5"], Run())
    (tmp_path / "there.png").write_bytes(b"mine")
    with pytest.raises(InputError, match="--force"):
        overview(tmp_path / "there.png", [motion], Run())
    assert (tmp_path / "there.png").read_bytes() == b"mine"
    overview(tmp_path / "there.png", [motion], replace(Run(), force=True))
