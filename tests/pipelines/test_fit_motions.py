"""`tdmm fit` on motions: recordings, other tools' files and our own, kept or carried over to another face model."""

from __future__ import annotations

import io
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.header import read_header
from tdmm_core.domain.clip import Clip, MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError, MissingPartError, PartialFailureError
from tdmm_core.exchange.live_link import write_live_link
from tdmm_core.exchange.npz import read_npz, write_npz
from tdmm_core.fitting.config import FitConfig
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines import motion_jobs
from tdmm_core.pipelines.crossing import Residual, crossed
from tdmm_core.pipelines.fit_motions import Wish, all_motions, fit_motions, refuse_for_motions, refuse_for_videos
from tdmm_core.pipelines.inspect import inspect
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.motion_output import write_motion_output
from tdmm_core.pipelines.run import Run

OPEN = load_open_head()
AT_25 = FitConfig()


def smile(frames: int = 40, fps: float = 25.0) -> FaceMotion:
    expression = np.zeros((frames, 52), np.float32)
    for side in ("Left", "Right"):
        expression[:, OPEN.expression_names.index(f"mouthSmile{side}")] = np.linspace(0, 0.8, frames)
    expression[:, OPEN.expression_names.index("jawOpen")] = 0.3
    turn = np.zeros((frames, 3))
    turn[:, 1] = np.linspace(0, 0.5, frames)
    return replace(neutral_motion(OPEN, frames, fps=fps), expression=expression, global_orient=turn)


def smirk_file(path: Path, frames: int = 30) -> Path:
    zero = [np.zeros((1, 3), np.float32)] * frames
    content = {
        "expression": [np.zeros((1, 50), np.float32)] * frames, "pose": zero, "eyelid": [np.array([[1.0, 0.0]], np.float32)] * frames,
        "jaw": [np.array([[0.3, 0, 0]], np.float32)] * frames, "identity": [np.zeros((1, 300), np.float32)] * frames, "camera_pose": zero,
    }  # fmt: skip
    path.write_bytes(pickle.dumps(content))
    return path


def test_a_recording_becomes_motion_at_25(tmp_path: Path) -> None:
    write_live_link(tmp_path / "take.csv", smile(60, fps=30))
    summary = fit_motions([tmp_path / "take.csv"], tmp_path / "m.h5", Run(), config=AT_25, wish=Wish())
    assert (summary.num_clips, summary.num_frames, summary.residual_mm, summary.face_model) == (1, 50, None, "open-head-1")
    clip = read_motion_clips(tmp_path / "m.h5")[0]
    assert (clip.clip.id, clip.source, round(clip.source_fps), clip.motion.fps) == ("take", "take.csv", 30, 25.0)
    assert clip.motion.face_model_digest == OPEN.digest
    assert clip.motion.source_time_s == pytest.approx(np.arange(50) / 25, abs=1e-5)
    fit_motions([tmp_path / "m.h5"], tmp_path / "again.csv", Run(), config=replace(AT_25, fps=60.0), wish=Wish())
    assert len((tmp_path / "again.csv").read_text().splitlines()) == 1 + 118


def test_several_outputs_hold_one_motion(tmp_path: Path) -> None:
    write_npz(tmp_path / "smile.npz", smile(), settings={})
    outputs = [tmp_path / n for n in ("a.npz", "a.h5", "a.glb", "a.html")]
    summary = fit_motions([tmp_path / "smile.npz"], outputs, Run(), config=AT_25, wish=Wish())
    assert summary.output == ", ".join(map(str, outputs)) and all(o.stat().st_size for o in outputs)
    assert read_motion_clips(outputs[0])[0].motion == read_motion_clips(outputs[1])[0].motion
    write_npz(tmp_path / "again.npz", smile(), settings={})
    both = [tmp_path / "smile.npz", tmp_path / "again.npz"]
    fit_motions(both, [tmp_path / "many", tmp_path / "many.h5"], Run(), config=AT_25, wish=Wish())
    assert len(read_motion_clips(tmp_path / "many")) == len(read_motion_clips(tmp_path / "many.h5")) == 2
    with pytest.raises(InputError, match="holds one clip"):
        fit_motions(both, [tmp_path / "b.h5", tmp_path / "b.glb"], Run(), config=AT_25, wish=Wish())
    assert not (tmp_path / "b.h5").exists()


def test_flame_to_arkit_and_back(tmp_path: Path, named: tuple[str, str]) -> None:
    """Open head to FLAME to Live Link: the smile is there, the head turns as it did, and the residual stands beside its floor."""
    write_npz(tmp_path / "smile.npz", smile(), settings={})
    there = fit_motions([tmp_path / "smile.npz"], tmp_path / "flame.h5", Run(), config=AT_25, wish=Wish(face_model=named))
    assert there.face_model == "flame-2023" and there.clips[0]["id"] == "smile"
    assert there.residual_mm < 0.3 * there.neutral_mm
    flame = read_motion_clips(tmp_path / "flame.h5")[0].motion
    assert flame.expression.shape == (40, 100) and flame.jaw_pose[:, 0].mean() == pytest.approx(0.12, abs=0.05)
    back = fit_motions([tmp_path / "flame.h5"], tmp_path / "arkit.csv", Run(), config=AT_25, wish=Wish(face_model=(OPEN.name, OPEN.digest)))
    assert any("residual" in line and "neutral" in line for line in back.lines())
    found = read_motion_clips(tmp_path / "arkit.csv")[0].motion
    assert found.global_orient == pytest.approx(smile().global_orient, abs=1e-4)
    last = dict(zip(OPEN.expression_names, found.expression[-1], strict=True))
    assert min(last["mouthSmileLeft"], last["mouthSmileRight"]) > 0.5 and last["jawOpen"] > 0.2
    assert max(last["mouthFrownLeft"], last["mouthFrownRight"], last["eyeBlinkLeft"]) < 0.2


def test_other_tools_files_on_the_flame_that_was_named(tmp_path: Path, named: tuple[str, str]) -> None:
    """By content, whatever the name; without --face-model the only FLAME that is known; straight to ARKit where that is asked for."""
    smirk_file(tmp_path / "result.bin.pkl").rename(tmp_path / "result.bin")
    assert all_motions([tmp_path / "result.bin"])
    facts = inspect(tmp_path / "result.bin")
    assert facts.kind == "flame" and "SMIRK script; tdmm fit makes motion" in facts.what and "--source-fps" in str(facts.holds["fps"])
    with pytest.raises(InputError, match="store no frame rate; say the video's: --source-fps 25"):
        fit_motions([tmp_path / "result.bin"], tmp_path / "a.npz", Run(), config=AT_25, wish=Wish())
    fit_motions([tmp_path / "result.bin"], tmp_path / "a.npz", Run(), config=AT_25, wish=Wish(source_fps=30))
    motion, meta = read_npz(tmp_path / "a.npz")
    assert (motion.face_model, motion.face_model_digest) == named
    assert motion.num_frames == 25 and motion.eyelids[:, 0].min() == 1
    assert meta["settings"]["source_fps"] == 30
    fit_motions([tmp_path / "result.bin"], tmp_path / "b.npz", Run(), config=AT_25, wish=Wish(source_fps=30, face_model=(OPEN.name, OPEN.digest)))
    motion, meta = read_npz(tmp_path / "b.npz")
    units = dict(zip(OPEN.expression_names, motion.expression[0], strict=True))
    assert units["eyeBlinkLeft"] == 1 and units["eyeBlinkRight"] < 0.1 and 0.6 < units["jawOpen"] < 0.9
    assert meta["settings"]["residuals"][0]["id"] == "result"


def test_a_malicious_pickle_is_refused(tmp_path: Path) -> None:
    class Bad:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "ran",))  # type: ignore[return-value]

    (tmp_path / "bad.pkl").write_bytes(pickle.dumps({"expression": Bad()}))
    assert not all_motions([tmp_path / "bad.pkl"])
    with pytest.raises(InputError):
        read_motion_clips(tmp_path / "bad.pkl")
    assert not (tmp_path / "ran").exists()


def test_what_cannot_be_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TDMM_CACHE", str(tmp_path / "cache"))
    smirk_file(tmp_path / "s.pkl")
    with pytest.raises(InputError, match=r"does not say of which FLAME \(none is known here\); say it: --face-model flame:PATH"):
        fit_motions([tmp_path / "s.pkl"], tmp_path / "a.npz", Run(), config=AT_25, wish=Wish(source_fps=25))
    with pytest.raises(InputError, match="FLAME parameters of the TDMM-LM authors' SMIRK script; make our motion of them: tdmm fit"):
        read_motion_clips(tmp_path / "s.pkl")
    (tmp_path / "v.mp4").write_bytes(b"video")
    assert not all_motions([tmp_path / "v.mp4"])
    with pytest.raises(InputError, match="expected videos or motions, got both"):
        all_motions([tmp_path / "s.pkl", tmp_path / "v.mp4"])
    with pytest.raises(InputError, match="a video has its own times"):
        refuse_for_videos(Wish(source_fps=25))
    refuse_for_motions({"--face": None, "--shape": None})
    with pytest.raises(InputError, match="--shape: it belongs to fitting a video"):
        refuse_for_motions({"--face": None, "--shape": tmp_path / "a.npz"})
    lost = replace(smile(2), face_model="flame-2020", face_model_digest="cd" * 32)
    write_npz(tmp_path / "lost.npz", lost, settings={})
    with pytest.raises(MissingPartError, match="name its file once"):
        fit_motions([tmp_path / "lost.npz"], tmp_path / "a.npz", Run(), config=AT_25, wish=Wish(face_model=(OPEN.name, OPEN.digest)))
    assert not (tmp_path / "a.npz").exists()


def test_a_clip_without_a_face_fails_and_the_others_go_on(tmp_path: Path) -> None:
    for name, status in (("good", 0), ("empty", 2)):
        write_npz(tmp_path / f"{name}.npz", replace(smile(20, fps=30), status=np.full(20, status)), settings={})
    with pytest.raises(PartialFailureError, match=r"1 of 2 clips failed, the rest are in .*; the first was empty: .*at least one frame with a face"):
        fit_motions([tmp_path / "good.npz", tmp_path / "empty.npz"], tmp_path / "m.h5", Run(), config=AT_25, wish=Wish())
    assert [c.status for c in read_motion_clips(tmp_path / "m.h5")] == ["done", "failed"]
    with pytest.raises(InputError, match="at least one frame with a face"):
        fit_motions([tmp_path / "empty.npz"], tmp_path / "n.h5", Run(), config=AT_25, wish=Wish())


def test_motion_of_the_target_stays_as_it_is() -> None:
    clips = [MotionClip(clip=Clip(id="a"), motion=smile(3)), MotionClip(clip=Clip(id="b"), motion=replace(smile(3), face_model_digest="ef" * 32))]
    residuals: list[Residual] = []
    assert list(crossed(clips, OPEN, Run(), residuals)) == clips and residuals == []


def test_names_of_several_files_are_kept_apart(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_npz(tmp_path / folder / "take.npz", smile(3), settings={})
    fit_motions([tmp_path / "a/take.npz", tmp_path / "b/take.npz"], tmp_path / "m.h5", Run(), config=AT_25, wish=Wish())
    assert [c.clip.id for c in read_motion_clips(tmp_path / "m.h5")] == ["take", "take-2"]
    stream = io.BytesIO()
    write_npz(stream, smile(3), settings={})
    write_motion_output(tmp_path / "one.npz", [MotionClip(clip=Clip(id="x"), motion=smile(3))], Run())
    assert all_motions([tmp_path / "one.npz"])


def test_many_clips_are_shared_out_and_an_interrupted_run_goes_on(tmp_path: Path, named: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes and one end in the same digest; after an interruption what was staged is not done again."""
    clips = [MotionClip(clip=Clip(id=f"c{i}", prompt=f"smile {i}"), motion=smile(3 + i)) for i in range(4)]
    write_motion_output(tmp_path / "many.h5", clips, Run())
    wish = Wish(face_model=named)
    fit_motions([tmp_path / "many.h5"], tmp_path / "one.h5", Run(workers=1), config=AT_25, wish=wish)
    fit_motions([tmp_path / "many.h5"], tmp_path / "two.h5", Run(workers=2), config=AT_25, wish=wish)
    assert read_header(tmp_path / "one.h5").digest == read_header(tmp_path / "two.h5").digest
    assert [c.clip.prompt for c in read_motion_clips(tmp_path / "one.h5")] == [f"smile {i}" for i in range(4)]

    def stopping(job: motion_jobs.MotionJob) -> tuple[MotionClip, Residual | None]:
        if job.id == "c2":
            raise KeyboardInterrupt
        return motion_jobs.do_job(job)

    monkeypatch.setattr("tdmm_core.pipelines.fit_motions.do_job", stopping)
    with pytest.raises(KeyboardInterrupt):
        fit_motions([tmp_path / "many.h5"], tmp_path / "three.h5", Run(workers=1), config=AT_25, wish=wish)
    monkeypatch.undo()
    monkeypatch.setenv("TDMM_CACHE", str(tmp_path / "cache"))
    summary = fit_motions([tmp_path / "many.h5"], tmp_path / "three.h5", Run(workers=1), config=AT_25, wish=wish)
    assert summary.num_resumed == 2 and [c["id"] for c in summary.clips] == ["c2", "c3"] and summary.num_clips == 4
    assert read_header(tmp_path / "three.h5").digest == read_header(tmp_path / "one.h5").digest
