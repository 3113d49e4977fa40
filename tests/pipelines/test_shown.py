"""Tokens are played back, clips are chosen by name, and the alphabet is drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tdmm_core.artifacts.header import Making
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.artifacts.tokens import TokensWriter, open_tokens
from tdmm_core.domain.clip import Clip, MotionClip
from tdmm_core.domain.motion import HELD
from tdmm_core.errors import InputError
from tdmm_core.exchange.npz import read_npz, write_npz
from tdmm_core.pipelines.animate import Wishes, show_motion
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.tokenize import tokenize
from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default
from tests.tokenization.conftest import a_motion, an_autoencoder, small_config


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shown") / "three.motion.h5"
    with MotionWriter(path, Making()) as writer:
        for i in range(3):
            status = np.zeros(20 + i, np.uint8)
            status[:2] = HELD
            writer.add(MotionClip(clip=Clip(id=f"clip-{i}", prompt=f"prompt {i}"), motion=replace(a_motion(i, 20 + i), status=status)))
        writer.commit()
    return path


@pytest.fixture(scope="module")
def tokens(motion: Path) -> Path:
    path = motion.with_name("tokens.h5")
    tokenize(motion, path, Run(), atlas=motion.with_name("codes.png"))
    return path


def test_a_clip_of_tokens_is_played_back(tokens: Path, tmp_path: Path):
    summary = show_motion(tokens, tmp_path / "one.npz", Run(), wishes=Wishes(clip="clip-1"))
    assert (summary.num_motions, summary.num_frames) == (1, 21)
    with open_tokens(tokens) as file:
        wanted = load_default().decode(file.tokens(1))
    made, about = read_npz(tmp_path / "one.npz")
    assert np.array_equal(made.expression, wanted.expression) and np.array_equal(made.global_orient, wanted.global_orient)
    assert about["prompt"] == "prompt 1"


def test_all_clips_of_tokens_become_motion(tokens: Path, tmp_path: Path):
    assert show_motion(tokens, tmp_path / "all.h5", Run()).num_motions == 3
    with open_motion(tmp_path / "all.h5") as file:
        assert list(file.ids) == ["clip-0", "clip-1", "clip-2"] and file.motion(2).num_frames == 22


def test_a_clip_of_a_motion_is_chosen_by_name(motion: Path, tmp_path: Path):
    assert show_motion(motion, tmp_path / "one.npz", Run(), wishes=Wishes(clip="clip-2")).num_frames == 22
    with pytest.raises(InputError, match=r"has no clip 'clip-9'"):
        show_motion(motion, tmp_path / "none.npz", Run(), wishes=Wishes(clip="clip-9"))
    write_npz(tmp_path / "lone.npz", a_motion(1, 9), settings={})
    assert show_motion(tmp_path / "lone.npz", tmp_path / "again.npz", Run(), wishes=Wishes(clip="lone")).num_frames == 9
    with pytest.raises(InputError, match="called 'other', got lone"):
        show_motion(tmp_path / "lone.npz", tmp_path / "other.npz", Run(), wishes=Wishes(clip="other"))


def test_tokens_without_their_tokenizer_are_refused(motion: Path, tokens: Path, tmp_path: Path):
    config = small_config()
    other = MotionTokenizer(an_autoencoder(config), config, load_default().space)
    other.save(tmp_path / "other")
    tokenize(motion, tmp_path / "theirs.h5", Run(), tokenizer=tmp_path / "other")
    with open_tokens(tmp_path / "theirs.h5") as file, TokensWriter(tmp_path / "moved" / "theirs.h5", Making()) as writer:
        for item in file:
            writer.add(item)
        writer.commit()
    with pytest.raises(InputError, match=r"is not at hand; give the folder of the one that made it: --tokenizer FOLDER"):
        show_motion(tmp_path / "moved" / "theirs.h5", tmp_path / "out.npz", Run(), wishes=Wishes(clip="clip-0"))
    found = show_motion(tmp_path / "moved" / "theirs.h5", tmp_path / "out.npz", Run(), wishes=Wishes(clip="clip-0"), tokenizer=tmp_path / "other")
    assert found.num_frames == 20
    with pytest.raises(InputError, match="give the one that made them"):
        show_motion(tokens, tmp_path / "x.npz", Run(), wishes=Wishes(clip="clip-0"), tokenizer=tmp_path / "other")


def test_the_atlas_shows_as_many_faces_as_codes_are_used(tokens: Path):
    with Image.open(tokens.with_name("codes.png")) as picture:
        atlas = np.asarray(picture)
    with open_tokens(tokens) as file:
        codes = np.concatenate([file.tokens(i).codes[file.tokens(i).status != HELD, 0] for i in range(3)])
    used = len(np.unique(codes))
    rows = -(-min(used, 60) // 10)
    assert atlas.shape[2] == 3 and atlas.shape[0] == 24 + rows * 180 - 4
    assert atlas[24:].std() > 20


def test_an_atlas_that_cannot_be_written_is_told_before_the_work(motion: Path, tokens: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"expected a picture ending in \.png, got '\.gif'"):
        tokenize(motion, tmp_path / "t.h5", Run(), atlas=tmp_path / "codes.gif")
    with pytest.raises(InputError, match="exists"):
        tokenize(motion, tmp_path / "t.h5", Run(), atlas=tokens.with_name("codes.png"))
    assert not (tmp_path / "t.h5").exists()
