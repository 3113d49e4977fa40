from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.header import Making, read_header
from tdmm_core.artifacts.motion import MotionWriter
from tdmm_core.artifacts.tokens import open_tokens
from tdmm_core.domain.clip import Clip, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.exchange.npz import write_npz
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.tokenize import TokenizerSummary, tokenize, train_tokenizer
from tdmm_core.runtime.progress import Silent
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.tokenizer import MotionTokenizer
from tdmm_core.training.config import TrainingConfig
from tests.tokenization.conftest import a_motion, small_config

NUM_CLIPS = 40


class Killed(Exception):
    """Stands for an end in the middle of the work."""


class EndsAt(Silent):
    """Progress that ends the run after some advances."""

    def __init__(self, advances: int) -> None:
        self.left = advances

    def advance(self, count: int = 1, note: str = "") -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


def quick_config(steps: int = 12) -> TokenizerConfig:
    training = TrainingConfig(steps=steps, batch_size=4, warmup_steps=2, validate_every=6, checkpoint_every=3, log_every=3)
    return small_config(training=training, num_codes=32)


@pytest.fixture(scope="module")
def motion_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("motion") / "corpus.motion.h5"
    with MotionWriter(path, Making(), block_size=64) as writer:
        for i in range(NUM_CLIPS):
            split = "validation" if i % 8 == 0 else "test" if i % 8 == 1 else "train"
            clip = Clip(id=f"clip-{i:03d}", prompt=f"prompt {i}", label="smile", split=split)
            failed = i == 5
            motion = None if failed else a_motion(i, 30 + i)
            writer.add(MotionClip(clip=clip, motion=motion, status="failed" if failed else "done", error="no face" if failed else ""))
        writer.commit()
    return path


@pytest.fixture(scope="module")
def trained(motion_path: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TokenizerSummary]:
    folder = tmp_path_factory.mktemp("models") / "motion-tokenizer"
    return folder, train_tokenizer(motion_path, folder, Run(device="cpu"), config=quick_config())


def test_training_leaves_a_whole_folder(trained: tuple[Path, TokenizerSummary], motion_path: Path):
    folder, summary = trained
    assert {p.name for p in folder.iterdir()} >= {"config.json", "model.safetensors", "tdmm.json", "curves.jsonl"}
    assert not folder.with_name(folder.name + ".partial").exists()
    header = read_header(folder)
    assert header.digest == summary.digest and header.kind == "motion-tokenizer"
    assert [p.digest for p in header.parents] == [read_header(motion_path).digest]
    assert summary.tokenizer_digest == MotionTokenizer.load(folder).digest
    assert summary.num_train_clips == NUM_CLIPS - 10 - 1 and summary.num_validation_clips == 5
    assert np.isfinite(summary.validation_loss)


def test_killed_training_goes_on_to_the_same_digest(trained: tuple[Path, TokenizerSummary], motion_path: Path, tmp_path: Path):
    folder = tmp_path / "again"
    with pytest.raises(Killed):
        train_tokenizer(motion_path, folder, Run(device="cpu", progress=EndsAt(7)), config=quick_config())
    assert not folder.exists() and folder.with_name("again.partial").exists()
    summary = train_tokenizer(motion_path, folder, Run(device="cpu"), config=quick_config())
    assert summary.digest == trained[1].digest and summary.tokenizer_digest == trained[1].tokenizer_digest


def test_finished_training_is_not_done_twice_nor_overwritten(trained: tuple[Path, TokenizerSummary], motion_path: Path):
    folder, summary = trained
    again = train_tokenizer(motion_path, folder, Run(device="cpu"), config=quick_config())
    assert again.digest == summary.digest and again.seconds == 0
    with pytest.raises(InputError, match="exists already"):
        train_tokenizer(motion_path, folder, Run(device="cpu"), config=quick_config(steps=2))


def test_tokens_of_every_clip_with_motion(trained: tuple[Path, TokenizerSummary], motion_path: Path, tmp_path: Path):
    folder, made = trained
    summary = tokenize(motion_path, tmp_path / "tokens.h5", Run(), tokenizer=folder)
    assert (summary.num_clips, summary.num_failed) == (NUM_CLIPS - 1, 1)
    assert summary.tokenizer_digest == made.tokenizer_digest and 1 <= summary.perplexity <= summary.num_codes_used <= 32
    coder = MotionTokenizer.load(folder)
    with open_tokens(tmp_path / "tokens.h5") as tokens:
        assert list(tokens.ids) == [f"clip-{i:03d}" for i in range(NUM_CLIPS) if i != 5]
        assert tokens.header.digest == summary.digest
        assert [p.kind for p in tokens.header.parents] == ["motion", "motion-tokenizer"]
        for i in (0, 17, 38):
            number = int(tokens.ids[i].removeprefix("clip-"))
            assert tokens[i].clip.prompt == f"prompt {number}"
            assert np.array_equal(tokens[i].tokens.codes, coder.encode(a_motion(number, 30 + number)).codes)
        assert coder.decode(tokens[3].tokens).num_frames == tokens[3].tokens.num_frames


def test_killed_tokenizing_goes_on_to_the_same_digest(trained: tuple[Path, TokenizerSummary], motion_path: Path, tmp_path: Path):
    whole = tokenize(motion_path, tmp_path / "whole.h5", Run(), tokenizer=trained[0])
    with pytest.raises(Killed):
        tokenize(motion_path, tmp_path / "tokens.h5", Run(progress=EndsAt(1)), tokenizer=trained[0])
    assert not (tmp_path / "tokens.h5").exists() and (tmp_path / "tokens.h5.partial").exists()
    again = tokenize(motion_path, tmp_path / "tokens.h5", Run(), tokenizer=trained[0])
    assert again.digest == whole.digest and not (tmp_path / "tokens.h5.partial").exists()


def test_one_motion_file(trained: tuple[Path, TokenizerSummary], tmp_path: Path):
    write_npz(tmp_path / "one.npz", a_motion(3, 21), settings={})
    assert tokenize(tmp_path / "one.npz", tmp_path / "one.h5", Run(), tokenizer=trained[0]).num_frames == 21


def test_what_cannot_be_used_is_told(trained: tuple[Path, TokenizerSummary], motion_path: Path, tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        tokenize(tmp_path / "none.h5", tmp_path / "t.h5", Run(), tokenizer=trained[0])
    with pytest.raises(InputError, match=r"has no config\.json"):
        tokenize(motion_path, tmp_path / "t.h5", Run(), tokenizer=tmp_path)
    write_npz(tmp_path / "fast.npz", replace(a_motion(3), fps=50.0), settings={})
    with pytest.raises(InputError, match="25 frames per second, got 50"):
        tokenize(tmp_path / "fast.npz", tmp_path / "t.h5", Run(), tokenizer=trained[0])
    assert not (tmp_path / "t.h5").exists()
    with MotionWriter(tmp_path / "empty.h5", Making()) as writer:
        writer.commit()
    with pytest.raises(InputError, match=r"empty\.h5: expected at least one clip with motion, got none"):
        tokenize(tmp_path / "empty.h5", tmp_path / "t.h5", Run(), tokenizer=trained[0])
    for wrong in (np.nan, np.inf):
        spoilt = a_motion(3).expression.copy()
        spoilt[7, 2] = wrong
        with pytest.raises(InputError, match="expected finite numbers, got NaN or infinity first at row 7"):
            replace(a_motion(3), expression=spoilt)
    path = tmp_path / "test-only.h5"
    with MotionWriter(path, Making()) as writer:
        writer.add(MotionClip(clip=Clip(id="a", split="test"), motion=a_motion(0)))
        writer.commit()
    with pytest.raises(InputError, match="split train"):
        train_tokenizer(path, tmp_path / "model", Run(), config=quick_config())
    assert not (tmp_path / "model.partial").exists()
