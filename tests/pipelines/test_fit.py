"""`tdmm fit` from end to end: corpora, files, what fails, resuming, several processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.corpus import CorpusWriter
from tdmm_core.artifacts.header import Making
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.verify import verify
from tdmm_core.assets.find import find_asset
from tdmm_core.domain.clip import Clip, CorpusClip
from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError, MissingPartError, PartialFailureError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.system_libraries import missing_libraries
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.fit import fit
from tdmm_core.pipelines.run import Run
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render
from tdmm_core.runtime.progress import Silent
from tdmm_core.video.writer import write_video

CONFIG = FitConfig(num_keyframes=4, iterations=3)
SERIAL = Run(workers=1)
MODEL = load_open_head()
SCRIPT = Script(events=(Event(kind="action", label="smile", start_s=0.0, end_s=0.4),), duration_s=0.4)


@pytest.fixture(scope="module", autouse=True)
def landmark_file() -> Path:
    if missing_libraries():
        pytest.skip(f"system libraries are missing: {', '.join(missing_libraries())}")
    try:
        return find_asset("face-landmarker")
    except MissingPartError as e:
        pytest.skip(f"offline and not cached: {e}")


def smiles(frames: int, unit: str) -> Iterator[np.ndarray]:
    motion = neutral_motion(MODEL, frames)
    expression = motion.expression.copy()
    for side in ("Left", "Right"):
        expression[:, MODEL.expression_names.index(f"{unit}{side}")] = np.linspace(0, 0.9, frames)
    yield from render(MODEL, replace(motion, expression=expression), look=Look(width_px=192, height_px=192, supersampling=1))


def blank(frames: int) -> Iterator[np.ndarray]:
    yield from (np.full((96, 96, 3), 100 + i, np.uint8) for i in range(frames))


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "smile.mp4", smiles(10, "mouthSmile"))
    write_video(folder / "frown.mp4", smiles(10, "browDown"))
    write_video(folder / "nobody.mp4", blank(8))
    (folder / "text.mp4").write_text("not a video\n" * 40)
    return folder


@pytest.fixture
def corpus(videos: Path) -> Path:
    path = videos / "c.h5"
    if not path.exists():
        with CorpusWriter(path, Making(seed=1)) as writer:
            for name, status in (("smile", "done"), ("frown", "done"), ("nobody", "done"), ("never", "failed")):
                clip = Clip(
                    id=name, script=SCRIPT, prompt=f"a {name}", paraphrases=("one", "two"), label=name, category="x", subject_id="s1", split="test"
                )
                made = status == "done"
                error = "" if made else "out of memory"
                writer.add(CorpusClip(clip=clip, video=f"{name}.mp4" if made else "", source_digest="ab" * 32, status=status, error=error))
            writer.commit()
    return path


def test_a_corpus_keeps_its_words_and_names_its_failures(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(PartialFailureError, match="2 of 4 clips failed") as failure:
        fit([corpus], tmp_path / "m.h5", SERIAL, config=CONFIG)
    assert failure.value.exit_code == 4 and verify(tmp_path / "m.h5") == []
    with open_motion(tmp_path / "m.h5") as motions:
        clips = {c.clip.id: c for c in motions}
        parents = motions.header.parents
    assert {i: c.status for i, c in clips.items()} == {"smile": "done", "frown": "done", "nobody": "failed", "never": "failed"}
    assert "no face" in clips["nobody"].error and "out of memory" in clips["never"].error
    smile = clips["smile"]
    assert smile.clip.script == SCRIPT and smile.clip.prompt == "a smile" and smile.clip.split == "test" and smile.clip.paraphrases == ("one", "two")
    assert smile.motion is not None and smile.motion.num_frames == 10 and smile.source == "smile.mp4" and smile.source_fps == pytest.approx(25)
    assert smile.camera is not None and smile.quality.detection_rate == 1
    assert [p.kind for p in parents] == ["corpus"]


class StopsAfter(Silent):
    """Stands for Ctrl-C at the end of some clip."""

    def __init__(self, clips: int) -> None:
        self.left = clips + 1

    def advance(self, count: int = 1, note: str = "") -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


def digest_of(path: Path) -> str:
    with open_motion(path) as motions:
        return motions.header.digest


def test_interrupted_and_shared_out_runs_end_in_the_same_digest(videos: Path, tmp_path: Path) -> None:
    inputs = [videos / "smile.mp4", videos / "frown.mp4"]
    summary = fit(inputs, tmp_path / "whole.h5", SERIAL, config=CONFIG)
    assert (summary.num_clips, summary.num_failed, summary.num_frames, summary.num_resumed) == (2, 0, 20, 0)
    with pytest.raises(KeyboardInterrupt):
        fit(inputs, tmp_path / "cut.h5", replace(SERIAL, progress=StopsAfter(0)), config=CONFIG)
    assert not (tmp_path / "cut.h5").exists()
    assert fit(inputs, tmp_path / "cut.h5", SERIAL, config=CONFIG).num_resumed == 1
    assert digest_of(tmp_path / "cut.h5") == digest_of(tmp_path / "whole.h5")


@pytest.mark.slow
def test_two_processes_give_what_one_gives(videos: Path, tmp_path: Path) -> None:
    inputs = [videos / "smile.mp4", videos / "frown.mp4"]
    fit(inputs, tmp_path / "one.h5", SERIAL, config=CONFIG)
    fit(inputs, tmp_path / "two.h5", Run(workers=2), config=CONFIG)
    assert digest_of(tmp_path / "two.h5") == digest_of(tmp_path / "one.h5")


def test_one_video_becomes_one_npz(videos: Path, tmp_path: Path) -> None:
    fit([videos / "smile.mp4"], [tmp_path / "smile.npz", tmp_path / "smile.glb"], SERIAL, config=CONFIG)
    assert (tmp_path / "smile.glb").stat().st_size > 1_000_000
    with np.load(tmp_path / "smile.npz", allow_pickle=False) as data:
        names, expression = data["expression_names"].tolist(), data["expression"]
        assert str(data["face_model"]) == MODEL.name and data["status"].tolist() == [0] * 10
    smile = expression[:, names.index("mouthSmileLeft")]
    assert smile[-1] > 0.4 and smile[-1] > smile[0] + 0.3


def test_files_of_one_name_are_told_apart(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "smile.mp4").write_bytes((videos / "frown.mp4").read_bytes())
    fit([videos / "smile.mp4", tmp_path / "other" / "smile.mp4"], tmp_path / "m.h5", SERIAL, config=CONFIG)
    with open_motion(tmp_path / "m.h5") as motions:
        assert [c.clip.id for c in motions] == ["smile", "smile-2"]


@pytest.mark.parametrize(("name", "words"), [("nobody.mp4", "no face was found"), ("text.mp4", "a text file")])
@pytest.mark.parametrize("suffix", [".npz", ".h5"])
def test_a_single_clip_that_fails_leaves_nothing(videos: Path, tmp_path: Path, name: str, words: str, suffix: str) -> None:
    with pytest.raises(InputError, match=words):
        fit([videos / name], tmp_path / f"out{suffix}", SERIAL, config=CONFIG)
    assert list(tmp_path.iterdir()) == []


def test_bad_inputs_are_refused_before_any_work(videos: Path, tmp_path: Path) -> None:
    for inputs, output, words in (
        ([videos / "none.mp4"], "m.h5", "no such file"),
        ([videos], "m.h5", "a folder"),
        ([], "m.h5", "got nothing"),
        ([videos / "smile.mp4"], "m.xyz", "unknown suffix"),
        ([videos / "smile.mp4", videos / "frown.mp4"], "m.npz", "holds one clip"),
    ):
        with pytest.raises(InputError, match=words):
            fit(inputs, tmp_path / output, SERIAL, config=CONFIG)
    with pytest.raises(InputError, match="no such file"):
        fit([videos / "smile.mp4"], tmp_path / "m.npz", SERIAL, config=CONFIG, landmarker=tmp_path / "gone.task")
    assert list(tmp_path.iterdir()) == []


def test_another_artifact_is_named(corpus: Path, videos: Path, tmp_path: Path) -> None:
    fit([videos / "smile.mp4"], tmp_path / "m.h5", SERIAL, config=CONFIG)
    with pytest.raises(InputError, match="expected a corpus artifact, got a motion artifact"):
        fit([tmp_path / "m.h5"], tmp_path / "n.h5", SERIAL, config=CONFIG)
