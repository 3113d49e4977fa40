"""`tdmm synth --check`: clips that did something else are found, named by backend, kept, and left out of training."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tdmm_core.artifacts.corpus import CorpusWriter
from tdmm_core.artifacts.header import Making, parent_of
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.artifacts.report import read_report
from tdmm_core.artifacts.verify import verify
from tdmm_core.domain.clip import Clip, CorpusClip, MotionClip
from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.performance.perform import perform
from tdmm_core.pipelines.adherence import left_out
from tdmm_core.pipelines.check import check
from tdmm_core.pipelines.joined import open_all_tokens
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.tokenize import tokenize

LABELS = ("surprise", "disgust", "kiss", "smile", "tongue out", "puffed cheeks")


def script(label: str) -> Script:
    kind = "expression" if label in ("surprise", "disgust") else "action"
    return Script(events=(Event(kind=kind, label=label, start_s=0.3, end_s=2.0, intensity=0.9),), duration_s=2.4)


@pytest.fixture
def corpus(tmp_path):
    """Six clips by two backends; every clip of the second shows what the clip before it was asked for. One more failed, one has no script."""
    clips = [Clip(id=f"{i:03d}", script=script(label), prompt=f"A face with {label}.", label=label) for i, label in enumerate(LABELS)]
    shown = [LABELS[i - 1] if i % 2 else LABELS[i] for i in range(6)]
    with CorpusWriter(tmp_path / "c.h5", Making()) as writer:
        for i, clip in enumerate(clips):
            writer.add(CorpusClip(clip=clip, backend="wayward" if i % 2 else "faithful", status="done"))
        writer.commit([c.id for c in clips])
    extra = [Clip(id="footage"), Clip(id="broken", script=script("smile"))]
    with MotionWriter(tmp_path / "m.h5", Making(parents=(parent_of(tmp_path / "c.h5"),))) as writer:
        for i, clip in enumerate(clips):
            writer.add(MotionClip(clip=clip, motion=perform(script(shown[i]), seed=i)))
        writer.add(MotionClip(clip=extra[0], motion=perform(script("smile"), seed=9)))
        writer.add(MotionClip(clip=extra[1], motion=None, status="failed", error="no face"))
        writer.commit([c.id for c in (*clips, *extra)])
    return tmp_path


def test_wayward_clips_are_found_by_backend(corpus):
    before = (corpus / "m.h5").read_bytes()
    summary = check(corpus / "m.h5", Run(workers=1))
    assert (summary.num_clips, summary.num_checked, summary.num_ignored) == (8, 6, 3)
    assert summary.backends == {"faithful": 0.0, "wayward": 1.0}
    assert (corpus / "m.h5").read_bytes() == before, "every clip is kept as it is"
    report = read_report(corpus / "m.check.h5")
    rows = report.tables["per_clip"].records()
    assert [r["id"] for r in rows if r["ignored"]] == ["001", "003", "005"]
    assert all("face: " in r["broken"] for r in rows if r["ignored"])
    assert Script.from_json(rows[0]["read"]).events[0].label == "surprise"
    assert {r["kind"] for r in report.tables["claims"].records()} >= {"face", "strength", "duration"}
    assert verify(corpus / "m.check.h5") == []


def test_the_number_of_processes_makes_no_difference(corpus):
    check(corpus / "m.h5", Run(workers=1))
    one = parent_of(corpus / "m.check.h5").digest
    check(corpus / "m.h5", Run(workers=2))
    assert parent_of(corpus / "m.check.h5").digest == one


def test_tokens_and_training_go_without_them_unless_asked(corpus):
    assert left_out(corpus / "m.h5").ids == frozenset(), "nobody where nothing was checked"
    tokenize(corpus / "m.h5", corpus / "all.h5", Run())
    check(corpus / "m.h5", Run(workers=1))
    assert left_out(corpus / "m.h5").ids == {"001", "003", "005"}
    assert left_out(corpus / "m.h5", all_clips=True).ids == frozenset()
    summary = tokenize(corpus / "m.h5", corpus / "some.h5", Run())
    assert (summary.num_clips, summary.num_failed, summary.num_left_out) == (4, 1, 3)
    assert tokenize(corpus / "m.h5", corpus / "again.h5", Run(), all_clips=True).num_clips == 7
    with open_all_tokens(corpus / "all.h5") as some, open_all_tokens(corpus / "all.h5", all_clips=True) as every:
        assert [c.clip.id for c in some] == ["000", "002", "004", "footage"], "tokens from before the check"
        assert len(list(every)) == 7


def test_a_check_of_another_motion_is_refused(corpus):
    check(corpus / "m.h5", Run(workers=1))
    with open_motion(corpus / "m.h5") as file, MotionWriter(corpus / "n.h5", Making()) as writer:
        writer.add(replace(file[0], source="elsewhere"))
        writer.commit(["000"])
    (corpus / "n.check.h5").write_bytes((corpus / "m.check.h5").read_bytes())
    with pytest.raises(InputError, match="of another motion"):
        left_out(corpus / "n.h5")


def test_footage_alone_cannot_be_checked(tmp_path):
    with MotionWriter(tmp_path / "f.h5", Making()) as writer:
        writer.add(MotionClip(clip=Clip(id="a"), motion=perform(script("smile"), seed=1)))
        writer.commit(["a"])
    with pytest.raises(InputError, match="footage has no script"):
        check(tmp_path / "f.h5", Run())
