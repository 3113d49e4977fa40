"""Shards of a plan, their union, and failed clips made anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError, TdmmError
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard, array_shard, parse_shard, shard_files
from tdmm_core.pipelines.synth import synth
from tdmm_core.pipelines.synth_merge import merge
from tdmm_core.synthesis import scripted
from tdmm_core.synthesis.config import SynthConfig

SMALL = SynthConfig(num_clips=40, min_duration_s=1.5, max_duration_s=2.0, num_paraphrases=1)
FILM = replace(SMALL, num_clips=3, image_width_px=64, image_height_px=64, max_duration_s=1.5, validation_share=0.0, test_share=0.0)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_shares_are_disjoint_and_together_everything(count):
    items = list(range(23))
    shares = [Shard(index=i + 1, count=count).share(items) for i in range(count)]
    assert sorted(i for share in shares for i in share) == items
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "2", "1/0", "a/b", "-1/2", "1/2/3"])
def test_what_is_no_shard(text):
    with pytest.raises(InputError, match="I from 1 to N"):
        parse_shard(text)


def test_slurm_names_the_shard():
    task = {"SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "4", "SLURM_ARRAY_TASK_STEP": "2"}
    assert array_shard(task) == Shard(index=2, count=3)
    assert array_shard({}) is None and array_shard(task | {"SLURM_ARRAY_TASK_COUNT": "1"}) is None
    with pytest.raises(InputError, match="without gaps"):
        array_shard(task | {"SLURM_ARRAY_TASK_ID": "5"})


@pytest.mark.parametrize("video", [False, True])
def test_the_union_of_shards_is_one_run(tmp_path, video):
    config = FILM if video else SMALL
    whole = synth(tmp_path / "whole.h5", Run(seed=5, workers=1), config=config, video=video)
    for index in (3, 1, 2):
        part = synth(tmp_path / "c.h5", Run(seed=5, workers=1), config=config, video=video, shard=Shard(index=index, count=3))
        assert part.output == str(tmp_path / f"c.{index}-of-3.h5") and part.digest != whole.digest
    ids = [set(open_motion(path.with_suffix(".motion.h5") if video else path).ids) for path in shard_files(tmp_path / "c.h5")]
    assert len(set.union(*ids)) == sum(map(len, ids)) == config.num_clips
    united = merge(tmp_path / "c.h5", Run())
    assert united.digest == whole.digest and united.num_frames == whole.num_frames and verify(tmp_path / "c.h5") == []
    if video:
        elsewhere = merge(tmp_path / "elsewhere" / "d.h5", Run(), inputs=shard_files(tmp_path / "c.h5"))
        assert elsewhere.digest == whole.digest and verify(tmp_path / "elsewhere" / "d.h5") == []  # verify opens every video


def test_unions_that_are_refused(tmp_path):
    with pytest.raises(InputError, match="no shards lie beside it"):
        merge(tmp_path / "c.h5", Run())
    for index in (1, 3):
        synth(tmp_path / "c.h5", Run(workers=1), config=SMALL, video=False, shard=Shard(index=index, count=3))
    one, three = shard_files(tmp_path / "c.h5")
    with pytest.raises(InputError, match="shard 2 0 times"):
        merge(tmp_path / "c.h5", Run())
    with pytest.raises(InputError, match="shard 1 2 times"):
        merge(tmp_path / "c.h5", Run(), inputs=[one, one, three])
    other = synth(tmp_path / "o.h5", Run(workers=1, seed=9), config=SMALL, video=False, shard=Shard(index=2, count=3))
    with pytest.raises(InputError, match="no shard of the plan"):
        merge(tmp_path / "c.h5", Run(), inputs=[one, other.output, three])
    synth(tmp_path / "w.h5", Run(workers=1), config=SMALL, video=False)
    with pytest.raises(InputError, match="expected a shard"):
        merge(tmp_path / "c.h5", Run(), inputs=[tmp_path / "w.h5"])
    assert not (tmp_path / "c.h5").exists()


@pytest.mark.parametrize("video", [False, True])
def test_failed_clips_alone_are_made_anew(tmp_path, monkeypatch, video):
    config = FILM if video else SMALL
    whole = synth(tmp_path / "whole.h5", Run(workers=1), config=config, video=video)
    real, asked = scripted.perform, []

    def unlucky(script, *, seed, **options):
        asked.append(seed)
        if len(asked) % 3 == 2:
            raise TdmmError("out of luck")
        return real(script, seed=seed, **options)

    monkeypatch.setattr(scripted, "perform", unlucky)
    first = synth(tmp_path / "c.h5", Run(workers=1), config=config, video=video)
    assert 0 < first.num_failed < config.num_clips and "out of luck" in first.first_failure
    monkeypatch.setattr(scripted, "perform", lambda *a, **k: asked.append(k["seed"]) or real(*a, **k))
    asked.clear()
    again = synth(tmp_path / "c.h5", Run(workers=1), config=config, video=video, retry_failed=True)
    assert len(asked) == first.num_failed and again.num_failed == 0 and again.num_resumed == config.num_clips - first.num_failed
    assert again.digest == whole.digest
    if video:
        with open_corpus(tmp_path / "c.h5") as corpus:
            assert set(corpus.statuses) == {"done"} and np.all(corpus.frame_counts > 0)
    with pytest.raises(InputError, match="other settings"):
        synth(tmp_path / "c.h5", Run(workers=1, seed=1), config=config, video=video, retry_failed=True)
