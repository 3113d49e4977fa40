"""Motion in and out: each suffix, each wrong input and each refused output."""

from __future__ import annotations

import io
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.corpus import CorpusWriter
from tdmm_core.artifacts.header import Making, read_header
from tdmm_core.artifacts.model_folder import write_model_header
from tdmm_core.artifacts.motion import MotionFile, MotionWriter
from tdmm_core.artifacts.verify import verify
from tdmm_core.domain.clip import Clip, CorpusClip, MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError, MissingPartError, TdmmError
from tdmm_core.exchange.npz import read_npz, write_npz
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.inspect import inspect
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.motion_output import at_rate, check_output, write_motion_output
from tdmm_core.pipelines.run import Run

RUN = Run(seed=4, recipe="tiny")


def motion_of(seed: int = 0, **more: object) -> FaceMotion:
    rng = np.random.default_rng(seed)
    values = {"expression": rng.random((5, 2)), "global_orient": rng.random((5, 3)), "transl": rng.random((5, 3))}
    return FaceMotion(**(values | more), expression_names=("jawOpen", "mouthPucker"))


def clips_of(count: int) -> list[MotionClip]:
    return [MotionClip(clip=Clip(id=f"clip {i}", prompt=f"prompt {i}"), motion=motion_of(i)) for i in range(count)]


FAILED = MotionClip(clip=Clip(id="bad"), motion=None, status="failed", error="no face was found")


class Stream:
    """A standard stream with the bytes behind it."""

    def __init__(self, content: bytes = b"", *, terminal: bool = False) -> None:
        self.buffer, self._terminal = io.BytesIO(content), terminal

    def isatty(self) -> bool:
        return self._terminal


def in_child(work: Callable[[], int]) -> int:
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_npz_out_and_in(tmp_path: Path) -> None:
    codes = np.arange(5, dtype=np.uint16)[:, None]
    clip = clips_of(1)[0]
    assert write_motion_output(tmp_path / "a b.npz", [clip], RUN, settings={"top_p": 0.9}, codes=[codes]) == (tmp_path / "a b.npz",)
    found = read_motion_clips(tmp_path / "a b.npz")
    assert len(found) == 1
    assert (found[0].clip.id, found[0].clip.prompt, found[0].motion) == ("a b", "prompt 0", clip.motion)
    _, meta = read_npz(tmp_path / "a b.npz")
    assert (meta["seed"], meta["settings"]) == (4, {"top_p": 0.9})
    assert np.array_equal(meta["codes"], codes)
    assert os.listdir(tmp_path) == ["a b.npz"]


def test_live_link_out_and_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written at 60 frames a second, read at 25, from a file by any name, a folder and stdin; facts of it; a motion without units is refused."""
    model = load_open_head()
    neutral = neutral_motion(model, 50)
    opening = np.zeros((50, 52), np.float32)
    opening[:, model.expression_names.index("jawOpen")] = np.linspace(0, 1, 50)
    clip = MotionClip(clip=Clip(id="a"), motion=replace(neutral, expression=opening))
    assert write_motion_output(tmp_path / "a.csv", at_rate([clip], 60.0), RUN) == (tmp_path / "a.csv",)
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1 + 118
    (tmp_path / "a.csv").rename(tmp_path / "download.txt")
    found = read_motion_clips(tmp_path / "download.txt")[0]
    assert found.motion is not None and found.motion.face_model_digest == model.digest
    assert (found.clip.id, found.motion.fps, found.motion.num_frames, round(found.source_fps)) == ("download", 25.0, 49, 60)
    assert np.abs(found.motion.expression - opening[:49]).max() < 1e-3
    facts = inspect(tmp_path / "download.txt")
    assert (facts.kind, facts.holds["frames"], round(facts.holds["fps"])) == ("csv", 118, 60)
    assert "not streamed" in str(facts.holds["head"])
    monkeypatch.setattr(sys, "stdin", Stream((tmp_path / "download.txt").read_bytes()))
    assert read_motion_clips("-")[0].motion == found.motion
    (tmp_path / "takes").mkdir()
    (tmp_path / "download.txt").rename(tmp_path / "takes" / "b.csv")
    (tmp_path / "takes" / "other.csv").write_text("a,b\n1,2\n")
    assert [c.clip.id for c in read_motion_clips(tmp_path / "takes")] == ["b"]
    with pytest.raises(InputError, match="52 ARKit units"):
        write_motion_output(tmp_path / "b.csv", clips_of(1), RUN)
    with pytest.raises(InputError, match="--fps: expected 1 to 240"):
        at_rate([clip], 0)
    assert not (tmp_path / "b.csv").exists()


def test_artifact_out_and_in(tmp_path: Path) -> None:
    clips = [*clips_of(3), FAILED]
    write_motion_output(tmp_path / "m.h5", clips, RUN, settings={"a": 1})
    found = read_motion_clips(tmp_path / "m.h5")
    assert isinstance(found, MotionFile)
    assert [c.clip.id for c in found] == ["clip 0", "clip 1", "clip 2", "bad"]
    assert [c.motion for c in found] == [c.motion for c in clips]
    assert verify(tmp_path / "m.h5") == []
    header = read_header(tmp_path / "m.h5")
    assert (header.recipe, header.seed, header.config) == ("tiny", 4, {"a": 1})
    again = write_motion_output(tmp_path / "n.h5", clips, RUN, making=Making(config={"b": 2}))
    assert read_header(again[0]).config == {"b": 2}


def test_folder_out_and_in(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    clips = [*clips_of(2), FAILED, *clips_of(4)[3:]]
    written = write_motion_output(folder, clips, RUN)
    assert [p.name for p in written] == ["000.npz", "001.npz", "003.npz"]
    assert sorted(os.listdir(folder)) == ["000.npz", "001.npz", "003.npz"]
    assert [c.clip.prompt for c in read_motion_clips(folder)] == ["prompt 0", "prompt 1", "prompt 3"]
    with pytest.raises(InputError, match=r"holds 000.npz already; use --force"):
        write_motion_output(folder, clips, RUN)
    write_motion_output(folder, clips, replace(RUN, force=True))
    assert write_motion_output(tmp_path / "one", clips_of(1), RUN) == (tmp_path / "one" / "000.npz",)


def test_stdout_and_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Stream()
    monkeypatch.setattr(sys, "stdout", out)
    assert write_motion_output("-", clips_of(1), RUN) == ()
    monkeypatch.setattr(sys, "stdin", Stream(out.buffer.getvalue()))
    found = read_motion_clips("-")
    assert (found[0].clip.id, found[0].motion) == ("stdin", motion_of(0))
    monkeypatch.setattr(sys, "stdin", Stream(b""))
    with pytest.raises(InputError, match="empty; expected a motion"):
        read_motion_clips("-")
    monkeypatch.setattr(sys, "stdout", Stream(terminal=True))
    with pytest.raises(InputError, match="stdout is a terminal"):
        check_output("-")
    with pytest.raises(InputError, match="stdout takes one clip"):
        check_output("-", many=True)


@pytest.mark.slow
def test_video_out(tmp_path: Path) -> None:
    from tdmm_core.video.reader import open_video

    motion = neutral_motion(load_open_head(), 3)
    clip = MotionClip(clip=Clip(id="a"), motion=motion)
    assert write_motion_output(tmp_path / "a.mp4", [clip], RUN) == (tmp_path / "a.mp4",)
    video = open_video(tmp_path / "a.mp4")
    assert (video.num_frames, round(video.fps, 3)) == (3, 25.0)
    with pytest.raises(MissingPartError, match=r"flame-2023 .*name its file once: tdmm info --face-model flame:PATH"):
        write_motion_output(tmp_path / "b.mp4", [replace(clip, motion=replace(motion, face_model="flame-2023"))], RUN)
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_what_is_no_motion_is_told(tmp_path: Path) -> None:
    making = Making()
    with CorpusWriter(tmp_path / "c.h5", making) as writer:
        writer.add(CorpusClip(clip=Clip(id="a")))
        writer.commit()
    (tmp_path / "v.mp4").write_bytes(b"video")
    (tmp_path / "t.txt").write_text("text")
    (tmp_path / "e.npz").write_bytes(b"")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    write_model_header(tmp_path / "model", kind="motion-tokenizer", making=making)
    wanted = {
        "c.h5": "expected a motion, got a corpus artifact; its videos become motion with tdmm fit .*c.h5 -o motion.h5",
        "v.mp4": "a video, not a motion; tdmm fit .*v.mp4 -o",
        "t.txt": "a text file, not a motion; its sentences are performed with tdmm animate --prompts",
        "e.npz": "an empty file",
        "gone.npz": "no such file",
        "nothing": "got a folder without one",
        "model": "got the folder of a model",
    }
    for name, sentence in wanted.items():
        with pytest.raises(InputError, match=sentence):
            read_motion_clips(tmp_path / name)


def test_a_npz_by_another_name_is_one(tmp_path: Path) -> None:
    write_npz(tmp_path / "download.bin", motion_of(), settings={})
    assert read_motion_clips(tmp_path / "download.bin")[0].motion == motion_of()


def test_outputs_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "there.npz").write_bytes(b"x")
    (tmp_path / "there.h5").write_bytes(b"x")
    with pytest.raises(InputError, match=r"unknown suffix '.avi' for a motion; known are .npz .* .h5 .* .mp4"):
        check_output(tmp_path / "a.avi")
    with pytest.raises(InputError, match="unknown suffix ''"):
        check_output(tmp_path / "a")
    for name in ("there.npz", "there.h5"):
        with pytest.raises(InputError, match="exists already; use --force"):
            check_output(tmp_path / name)
        check_output(tmp_path / name, force=True)
    assert check_output(tmp_path / "there.h5", resumable=True) == "h5"
    with pytest.raises(InputError, match=r".npz holds one clip; give a folder"):
        check_output(tmp_path / "a.npz", many=True)
    with pytest.raises(InputError, match="a folder, and there is one clip"):
        check_output(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        check_output(tmp_path / "there.npz" / "a.npz")
    assert [check_output(tmp_path / n) for n in ("a.npz", "a.H5", "a.csv", "a.mp4")] == ["npz", "h5", "csv", "mp4"]
    assert check_output(tmp_path / "folder", many=True) == "folder"
    assert sorted(os.listdir(tmp_path)) == ["folder", "there.h5", "there.npz"]


def test_an_unwritable_folder_is_refused() -> None:
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)

    def refused() -> int:
        if os.geteuid() == 0:
            os.seteuid(65534)
        try:
            check_output(folder / "a.npz")
        except InputError as e:
            return 2 if "cannot be written" in str(e) else 1
        return 0

    try:
        assert in_child(refused) == 2
    finally:
        folder.rmdir()


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "many"])
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, name: str) -> None:
    clips = clips_of(2 if name == "many" else 1)

    def limited() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
        try:
            write_motion_output(tmp_path / name, clips, RUN)
        except TdmmError as e:
            return e.exit_code if "the disk is full" in str(e) else 9
        return 0

    assert in_child(limited) == 1
    assert [p for p in tmp_path.rglob("*") if p.suffix in (".npz", ".h5")] == []
    write_motion_output(tmp_path / name, clips, RUN)
    assert len(read_motion_clips(tmp_path / name)) == len(clips)


def test_a_failed_clip_alone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TdmmError, match="'bad' failed and has no motion: no face was found"):
        write_motion_output(tmp_path / "a.npz", [FAILED], RUN)
    assert os.listdir(tmp_path) == []


def test_clips_of_another_rate_are_refused(tmp_path: Path) -> None:
    clips = [*clips_of(1), replace(clips_of(2)[1], motion=motion_of(1, fps=30.0))]
    with pytest.raises(InputError, match=r"one fps, but clip 'clip 0' \(25.0\) and clip 'clip 1' \(30.0\) differ"):
        write_motion_output(tmp_path / "m.h5", clips, RUN)
    assert not (tmp_path / "m.h5").exists()


def test_the_same_artifact_again_is_finished_and_another_is_refused(tmp_path: Path) -> None:
    write_motion_output(tmp_path / "m.h5", clips_of(2), RUN)
    before = (tmp_path / "m.h5").stat().st_mtime_ns
    write_motion_output(tmp_path / "m.h5", clips_of(2), RUN)
    assert (tmp_path / "m.h5").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="exists already"):
        write_motion_output(tmp_path / "m.h5", clips_of(2), replace(RUN, seed=5))
    write_motion_output(tmp_path / "m.h5", clips_of(1), replace(RUN, seed=5, force=True))
    assert len(read_motion_clips(tmp_path / "m.h5")) == 1


def test_clip_source_protocol(tmp_path: Path) -> None:
    """An open artifact can be written on without being read into a list."""
    with MotionWriter(tmp_path / "m.h5", Making()) as writer:
        for clip in clips_of(3):
            writer.add(clip)
        writer.commit()
    written = write_motion_output(tmp_path / "many", read_motion_clips(tmp_path / "m.h5"), RUN)
    assert len(written) == 3
