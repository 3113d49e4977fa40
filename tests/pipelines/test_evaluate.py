"""`tdmm eval`: a motion against itself is perfect, the embedded models beat their floors, and the report keeps what was printed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.artifacts.header import Making
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.artifacts.report import read_report
from tdmm_core.errors import InputError
from tdmm_core.evaluation.config import EvalConfig
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.evaluate import EvalSummary, checked_tasks, evaluate
from tdmm_core.pipelines.evaluate_tasks import Candidates
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.synth import synth
from tdmm_core.recipes.load import load_recipe

CONFIG = EvalConfig(split="all", max_clips=8, max_described=4)


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("eval") / "motion.h5"
    synth(path, Run(workers=1, seed=5), config=load_recipe("tiny").synth, video=False)
    return path


def measured(motion: Path, output: Path | None = None, **candidates: object) -> EvalSummary:
    return evaluate(motion, output, Run(), config=CONFIG, candidates=Candidates(**candidates), sampling=AnimateConfig())  # type: ignore[arg-type]


def figure(summary: EvalSummary, metric: str) -> dict:
    return next(m for m in summary.metrics if m["metric"] == metric)


def test_a_motion_against_itself(motion: Path) -> None:
    summary = measured(motion, against=motion)
    for region in ("face", "lips", "lids"):
        row = figure(summary, f"vertex error, {region}")
        assert row["value"] == 0 and row["floor"] > 0.1
    assert figure(summary, "head rotation error")["value"] == pytest.approx(0, abs=1e-3)
    jitter = figure(summary, "jitter")
    assert jitter["value"] == jitter["floor"] > 0


def test_a_known_error_is_measured(motion: Path, tmp_path: Path) -> None:
    """A head turned by 5 degrees more is 5 degrees off, and the neutral face's error is the floor itself."""
    with open_motion(motion) as truth, MotionWriter(tmp_path / "off.h5", Making()) as writer:
        for clip in truth:
            assert clip.motion is not None
            still = replace(clip.motion, expression=0 * clip.motion.expression, global_orient=0 * clip.motion.global_orient)
            writer.add(replace(clip, motion=still))
        writer.commit()
    summary = measured(motion, against=tmp_path / "off.h5")
    for row in summary.metrics[:4]:
        assert row["value"] == pytest.approx(row["floor"], rel=1e-6)


def test_the_embedded_tokenizer_beats_its_floor(motion: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.h5"
    summary = measured(motion, report, tasks=("tokenizer",))
    for metric, share in (("vertex error, face", 0.75), ("vertex error, lids", 0.75), ("head rotation error", 0.6)):
        row = figure(summary, metric)
        assert row["value"] < share * row["floor"], row
    assert 1 < figure(summary, "code perplexity")["value"] < 1024
    assert 0 < figure(summary, "codes never used")["value"] < 1 and 0 < figure(summary, "frames with the code before")["value"] < 1
    assert tuple(read_report(report).tables["metrics"].records()) == summary.metrics
    with pytest.raises(InputError, match="--force"):
        measured(motion, report, tasks=("tokenizer",))


def test_language_to_motion_is_measured_with_its_floors(motion: Path) -> None:
    summary = measured(motion, tasks=("l2m",))
    loss = figure(summary, "loss")
    assert loss["value"] < loss["floor"]
    assert 0 < figure(summary, "token accuracy, teacher-forced")["value"] < 1
    assert np.isfinite([m["value"] for m in summary.metrics]).all()
    assert figure(summary, "claims kept by the true motion")["value"] > figure(summary, "claims kept")["floor"]
    assert summary.settings["sampling_temperature"] == AnimateConfig().temperature


def test_nothing_in_common(motion: Path, tmp_path: Path) -> None:
    with open_motion(motion) as truth, MotionWriter(tmp_path / "other.h5", Making()) as writer:
        writer.add(replace(truth[0], clip=replace(truth[0].clip, id="stranger")))
        writer.commit()
    with pytest.raises(InputError, match="same clips"):
        measured(motion, against=tmp_path / "other.h5")
    with pytest.raises(InputError, match=r"eval\.split=all"):
        evaluate(tmp_path / "other.h5", None, Run(), config=EvalConfig(split="validation"), candidates=Candidates(), sampling=AnimateConfig())


def test_tasks_by_name() -> None:
    assert checked_tasks([]) == ("tokenizer", "l2m", "m2l")
    assert checked_tasks(["m2l", "tokenizer"]) == ("tokenizer", "m2l")
    with pytest.raises(InputError, match="tokenizer, l2m, m2l"):
        checked_tasks(["tea"])
