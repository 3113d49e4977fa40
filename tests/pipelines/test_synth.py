"""`tdmm synth`: whole corpora, the same by any number of processes and after any interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.verify import verify
from tdmm_core.errors import InputError, TdmmError
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines import synth as synth_pipeline
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.synth import synth
from tdmm_core.synthesis.config import SynthConfig

SMALL = SynthConfig(num_clips=300, min_duration_s=1.5, max_duration_s=2.0, num_paraphrases=2)
FILM = SynthConfig(num_clips=4, min_duration_s=1.5, max_duration_s=1.6, image_width_px=96, image_height_px=96, validation_share=0.0, test_share=0.0)


def test_motion_alone(tmp_path):
    out = tmp_path / "m.h5"
    summary = synth(out, Run(seed=3, workers=1), config=SMALL, video=False)
    assert (summary.num_clips, summary.num_failed, summary.output, summary.motion) == (300, 0, str(out), str(out))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.h5"]
    assert verify(out) == []
    with open_motion(out) as file:
        assert len(file) == 300 and file.face_model_digest == load_open_head().digest and file.fps == 25.0
        clip = file[17]
        assert clip.clip.id == "000017" and clip.clip.script is not None and len(clip.clip.paraphrases) == 2
        assert clip.motion.num_frames == round(clip.clip.script.duration_s * 25)
        assert clip.motion.shape.any()
        assert summary.num_frames == file.lengths.sum()
        assert file.header.config["num_clips"] == 300 and len(file.header.config["lexicon_digest"]) == 64 and file.header.seed == 3


def test_processes_make_no_difference(tmp_path):
    digests = {synth(tmp_path / f"{w}.h5", Run(seed=1, workers=w), config=SMALL, video=False).digest for w in (1, 3)}
    assert len(digests) == 1
    assert synth(tmp_path / "other.h5", Run(seed=2, workers=1), config=SMALL, video=False).digest not in digests


def test_corpus_with_videos(tmp_path):
    out = tmp_path / "c.h5"
    summary = synth(out, Run(seed=0, workers=1), config=FILM)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["c.h5", "c.motion.h5", "c.videos"]
    assert verify(out) == [] and verify(tmp_path / "c.motion.h5") == []
    assert summary.motion == str(tmp_path / "c.motion.h5")
    with open_corpus(out) as corpus, open_motion(summary.motion) as motion:
        assert len(corpus) == len(motion) == 4
        for i in range(4):
            row, truth = corpus[i], motion[i]
            assert (tmp_path / row.video).is_file()
            assert row.clip == truth.clip and row.num_frames == truth.motion.num_frames and row.source_digest == truth.source_digest
            assert truth.camera.image_size_px == (96, 96) and truth.motion.transl[:, 2].max() < 0


def test_true_motion_does_not_depend_on_the_film(tmp_path):
    synth(tmp_path / "a.h5", Run(seed=0, workers=1), config=FILM)
    synth(tmp_path / "b.h5", Run(seed=0, workers=1), config=FILM, video=False)
    with open_motion(tmp_path / "a.motion.h5") as filmed, open_motion(tmp_path / "b.h5") as bare:
        assert all(np.array_equal(filmed[i].motion.expression, bare[i].motion.expression) for i in range(4))


@pytest.mark.parametrize("video", [False, True])
def test_interrupted_runs_end_in_the_same_digest(tmp_path, monkeypatch, video):
    config = FILM if video else SMALL
    whole = synth(tmp_path / "whole.h5", Run(seed=4, workers=1), config=config, video=video)
    name, calls = ("_film" if video else "_perform"), []
    real = getattr(synth_pipeline, name)

    def failing(planned, **options):
        calls.append(len(planned))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(planned, **options)

    monkeypatch.setattr(synth_pipeline, name, failing)
    with pytest.raises(KeyboardInterrupt):
        synth(tmp_path / "cut.h5", Run(seed=4, workers=1), config=config, video=video)
    assert not (tmp_path / "cut.h5").exists()
    monkeypatch.setattr(synth_pipeline, name, real)
    resumed = synth(tmp_path / "cut.h5", Run(seed=4, workers=1), config=config, video=video)
    assert resumed.num_resumed == sum(calls[:2])
    # The videos' folder is named after the output, and its name is part of every row.
    assert resumed.num_frames == whole.num_frames
    assert video or resumed.digest == whole.digest


SCRIPT = """
import sys
from pathlib import Path
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.synth import synth
from tdmm_core.synthesis.config import SynthConfig
if __name__ == "__main__":
    config = SynthConfig(num_clips=700, min_duration_s=1.5, max_duration_s=2.0, num_paraphrases=1)
    print(synth(Path(sys.argv[1]), Run(seed=9, workers=2), config=config, video=False).digest)
"""


@pytest.mark.slow
def test_killed_runs_end_in_the_same_digest_and_leave_no_process(tmp_path):
    program = tmp_path / "run.py"
    program.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}

    def command(name: str) -> list[str]:
        return [sys.executable, str(program), str(tmp_path / name)]

    whole = subprocess.run(command("whole.h5"), env=environment, capture_output=True, text=True, check=True).stdout
    for wait_s in (1.2, 2.0, 2.6):
        process = subprocess.Popen(command("cut.h5"), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert process.returncode in (0, -signal.SIGKILL)
    deadline = time.monotonic() + 10
    while _workers_of(program) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert _workers_of(program) == []
    assert subprocess.run(command("cut.h5"), env=environment, capture_output=True, text=True, check=True).stdout == whole


def _workers_of(program: Path) -> list[str]:
    """Processes that were started for the program and still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(program.parent).encode() in (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def test_clips_that_fail_are_recorded_and_counted(tmp_path, monkeypatch):
    from tdmm_core.synthesis import scripted

    real = scripted.perform

    def sometimes(script, **options):
        if script.events and script.events[0].label.startswith("s"):
            raise TdmmError("this actor does nothing with an s")
        return real(script, **options)

    monkeypatch.setattr(scripted, "perform", sometimes)
    summary = synth(tmp_path / "m.h5", Run(workers=1), config=SMALL, video=False)
    assert 0 < summary.num_failed < SMALL.num_clips
    with open_motion(tmp_path / "m.h5") as file:
        failed = [file[i] for i in np.flatnonzero(file.statuses == "failed")]
    assert len(failed) == summary.num_failed and all(c.motion is None and "nothing with an s" in c.error for c in failed)


def test_refusals(tmp_path):
    with pytest.raises(InputError, match=r"ending in \.h5"):
        synth(tmp_path / "c.npz", Run(), config=FILM)
    out = tmp_path / "m.h5"
    config = replace(SMALL, num_clips=20)
    synth(out, Run(workers=1), config=config, video=False)
    with pytest.raises(InputError, match="--force"):
        synth(out, Run(workers=1, seed=8), config=config, video=False)
    assert synth(out, Run(workers=1, seed=8, force=True), config=config, video=False).num_clips == 20
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError):
        synth(tmp_path / "file" / "m.h5", Run(workers=1), config=config, video=False)
