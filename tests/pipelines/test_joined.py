"""Several corpora at once: what later commands read of them is one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from tdmm_cli.app import app
from tdmm_core.artifacts.header import Making, read_header
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.artifacts.tokens import TokensWriter, open_tokens
from tdmm_core.domain.clip import Clip, TokenClip
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.pipelines.joined import Places, listed, named_apart, open_all_tokens
from tdmm_core.pipelines.motions import open_motions
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard
from tdmm_core.pipelines.synth import synth
from tdmm_core.pipelines.tokenize import tokenize
from tdmm_core.synthesis.config import SynthConfig

SMALL = SynthConfig(num_clips=12, min_duration_s=1.5, max_duration_s=1.6, num_paraphrases=1)


@pytest.fixture(scope="module")
def motions(tmp_path_factory):
    """Two corpora of different seeds, whose clips have the same names."""
    folder = tmp_path_factory.mktemp("motions")
    for seed in (0, 1):
        synth(folder / f"{seed}.h5", Run(seed=seed, workers=1), config=SMALL, video=False)
    return [folder / "0.h5", folder / "1.h5"]


def tokens_at(path, clips, *, tokenizer="t" * 64):
    with TokensWriter(path, Making()) as writer:
        for name, split, *sentences in clips:
            codes = MotionTokens(codes=np.arange(5).reshape(-1, 1), num_codes=8, tokenizer_digest=tokenizer)
            clip = Clip(id=name, split=split, prompt=sentences[0], paraphrases=tuple(sentences[1:]))
            writer.add(TokenClip(clip=clip, tokens=codes))
        writer.commit()
    return path


def test_names_and_places():
    assert named_apart(["a", "b", "a", "a-2", "a"]) == ["a", "b", "a-2", "a-2-2", "a-3"]
    places = Places([2, 0, 3])
    assert [places(i) for i in range(len(places))] == [(0, 0), (0, 1), (2, 0), (2, 1), (2, 2)]
    with pytest.raises(IndexError):
        places(5)
    with pytest.raises(InputError, match="twice"):
        listed(["a", "b", "a"])


def test_motions_of_two_corpora(motions):
    with open_motions(motions) as both, open_motion(motions[0]) as one, open_motion(motions[1]) as two:
        assert len(both.ids) == len(set(both.ids)) == 24 and both.ids[12] == "000000-2"
        assert both.lengths.tolist() == [*one.lengths, *two.lengths] and both.splits.tolist() == [*one.splits, *two.splits]
        assert np.array_equal(both.read(14).expression, two.motion(2).expression)
        assert both.clip(14) == replace(two.clip(2), id="000002-2")
    with open_motions(motions[0]) as alone:
        assert alone.ids[3] == "000003"


def test_motions_that_do_not_go_together(motions, tmp_path):
    with open_motion(motions[0]) as file:
        clip = file[0]
    with MotionWriter(tmp_path / "fast.h5", Making()) as writer:
        writer.add(replace(clip, motion=replace(clip.motion, fps=50.0)))
        writer.commit()
    with (
        pytest.raises(InputError, match=r"fast\.h5: expected motion like that of .*0\.h5, but its fps"),
        open_motions([motions[0], tmp_path / "fast.h5"]),
    ):
        pass


def test_tokens_of_several_corpora_and_of_shards(motions, tmp_path):
    both = tokenize(motions, tmp_path / "both.h5", Run())
    assert both.num_clips == 24
    with open_tokens(tmp_path / "both.h5") as joined:
        for i, path in enumerate(motions):
            tokenize(path, tmp_path / f"t{i}.h5", Run())
            with open_tokens(tmp_path / f"t{i}.h5") as alone:
                assert all(np.array_equal(joined.tokens(12 * i + j).codes, alone.tokens(j).codes) for j in range(12))
        assert [p.kind for p in joined.header.parents] == ["motion", "motion", "motion-tokenizer"]
    for i in range(2):
        synth(tmp_path / "s.h5", Run(seed=0, workers=1), config=SMALL, video=False, shard=Shard(index=i + 1, count=2))
    shards = tokenize([tmp_path / "s.1-of-2.h5", tmp_path / "s.2-of-2.h5"], tmp_path / "shards.h5", Run())
    with open_tokens(tmp_path / "t0.h5") as whole, open_tokens(tmp_path / "shards.h5") as parts:
        assert shards.digest == whole.header.digest and sorted(parts.ids) == sorted(whole.ids)


def test_what_one_holds_out_the_other_does_not_train_on(tmp_path):
    one = tokens_at(tmp_path / "1.h5", [("a", "train", "she smiles", "a smile"), ("b", "validation", "he nods", "a nod")])
    two = tokens_at(tmp_path / "2.h5", [("a", "train", "a nod", "nodding"), ("c", "train", "he nods"), ("d", "test", "a smile")])
    with open_all_tokens([one, two]) as both:
        told = [(item.clip.id, item.clip.prompt, item.clip.paraphrases) for item in both]
        assert told == [("a", "she smiles", ()), ("b", "he nods", ("a nod",)), ("a", "nodding", ()), ("c", "", ()), ("d", "a smile", ())]
        assert len(both) == 5 and both[3].clip.id == "c"
    with open_all_tokens(two) as alone:
        assert [item.clip.prompt for item in alone] == ["a nod", "he nods", "a smile"]


def test_tokens_of_two_tokenizers_are_refused(tmp_path):
    one = tokens_at(tmp_path / "1.h5", [("a", "train", "she smiles")])
    two = tokens_at(tmp_path / "2.h5", [("a", "train", "he nods")], tokenizer="u" * 64)
    with pytest.raises(InputError, match=r"2\.h5: expected tokens of the same motion tokenizer"):
        open_all_tokens([one, two])


@pytest.mark.slow
def test_a_model_is_trained_on_two_token_files(motions, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i, path in enumerate(motions):
        tokenize(path, tmp_path / f"t{i}.h5", Run())
    quick = ["--recipe", "tiny", "--device", "cpu", "--quiet"]
    quick += [f"--set=l2m.training.{k}" for k in ("steps=2", "warmup_steps=1", "validate_every=2", "checkpoint_every=2", "batch_size=4")]
    result = CliRunner().invoke(app, ["train-l2m", "t0.h5", "t1.h5", "-o", "model", *quick])
    assert result.exit_code == 0, result.output
    assert [p.name for p in read_header(tmp_path / "model").parents] == ["t0.h5", "t1.h5"]
