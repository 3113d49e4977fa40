"""Evidence: faithful clips speak for their script, even as a fitter leaves them, and no others do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reader_truth import Case, cases
from script_cases import script_of

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.errors import InputError
from tdmm_core.performance.evidence import evidence, ignored
from tdmm_core.performance.perform import perform
from tdmm_core.performance.reading import read

STILL = Script(events=(), duration_s=4.0)


@pytest.fixture(scope="module")
def clips() -> list[Case]:
    return cases(60, seed=515)


def weak(motion: FaceMotion, seed: int) -> FaceMotion:
    """As a poor fitter leaves it: each unit answers by a third or so of its strength, over a wrong and wandering rest."""
    rng = np.random.default_rng(seed)
    shape = motion.expression.shape
    gain, rest = rng.uniform(0.2, 0.6, shape[1]), rng.uniform(0.0, 0.15, shape[1])
    return replace(motion, expression=np.clip(motion.expression * gain + rest + rng.normal(0.0, 0.02, shape), 0.0, 1.0).astype(np.float32))


def shares(clips: list[Case], motions: list[FaceMotion]) -> tuple[float, float]:
    """Of clips with their own script and with those of three others."""
    seen, count = [read(m) for m in motions], len(clips)
    own = [ignored(c.script, m, s) for c, m, s in zip(clips, motions, seen, strict=True)]
    others = [ignored(c.script, motions[i - k], seen[i - k]) for i, c in enumerate(clips) for k in (11, 20, 37) if c.script.events]
    assert count == len(own)
    return float(np.mean(own)), float(np.mean(others))


def test_the_faithful_are_told_from_the_others(clips: list[Case]) -> None:
    own, others = shares(clips, [c.motion for c in clips])
    assert own <= 0.05 and others >= 0.88, (own, others)


def test_so_they_are_where_a_fitter_is_weak(clips: list[Case]) -> None:
    motions = [weak(c.motion, i) for i, c in enumerate(clips)]
    own, others = shares(clips, motions)
    assert own <= 0.12 and others >= 0.85, (own, others)
    assert np.mean([len(read(m).events) < len(c.script.events) for c, m in zip(clips, motions, strict=True)]) > 0.1, "reading alone is not enough"


def test_stillness_is_asked_for_too() -> None:
    for seed in range(3):
        quiet, loud = perform(STILL, seed=seed), perform(script_of("laughter"), seed=seed)
        assert not ignored(STILL, quiet, read(quiet)) and ignored(STILL, loud, read(loud))
        assert ignored(script_of("laughter"), quiet, read(quiet)) and not ignored(script_of("laughter"), loud, read(loud))


@pytest.mark.parametrize(("name", "asked", "done"), [
    ("turn", {"direction": "left"}, {"direction": "right"}), ("smirk", {"side": "left"}, {"side": "right"}), ("nod", {"count": 2}, {"count": 4}),
])  # fmt: skip
def test_another_manner_speaks_less(name: str, asked: dict, done: dict) -> None:
    for seed in range(4):
        right, wrong = (perform(script_of(name, **how), seed=seed) for how in (asked, done))
        script = script_of(name, **asked)
        assert evidence(script, right, read(right)) > evidence(script, wrong, read(wrong))


def test_the_size_of_a_face_says_little_and_its_time_something() -> None:
    script = script_of("disgust", intensity=0.9)
    whole = perform(script, seed=3)
    faint = replace(whole, expression=0.3 * whole.expression)
    nothing = Script(events=(), duration_s=script.duration_s)
    assert evidence(script, faint, nothing) > 1.0 > evidence(script_of("surprise", intensity=0.9), faint, nothing)
    late = script_of("disgust", start_s=2.9, end_s=3.9)
    assert evidence(late, faint, nothing) < evidence(script, faint, nothing)


def test_motion_without_units_is_refused() -> None:
    other = FaceMotion(
        expression=np.zeros((3, 2)), expression_names=("a", "b"), global_orient=np.zeros((3, 3)), transl=np.zeros((3, 3)), face_model="flame-2020"
    )
    with pytest.raises(InputError, match="52 ARKit units"):
        evidence(script_of("smile"), other, STILL)
