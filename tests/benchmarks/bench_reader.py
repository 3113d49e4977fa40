"""The reader of performances on scripted truth: held-out scripts and actors, full natural variation.

Targets: 95 % of unit-level events found and 5 % spurious; families of expression told apart in 90 %; thousands of clips a minute.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "performance"))
sys.path.insert(0, str(Path(__file__).parent))
from bench_performance import apex, faces
from motion_statistics import variation
from reader_scores import FaceScore, eyes_moved, family, head_moved, lid_counts, score_events, score_faces, score_units
from reader_truth import Case, cases, moody

from tdmm_core.domain.script import Script
from tdmm_core.performance.perform import perform
from tdmm_core.performance.reading import Reading, read_closely

HELD_OUT_SEED, CLIPS = 90_210, 1000


@pytest.fixture(scope="module")
def clips() -> list[Case]:
    return cases(CLIPS, seed=HELD_OUT_SEED)


@pytest.fixture(scope="module")
def readings(clips: list[Case]) -> list[Reading]:
    return [read_closely(c.motion) for c in clips]


@pytest.fixture(scope="module")
def shuffled(readings: list[Reading]) -> list[Reading]:
    """Every clip with another one's reading: the floor."""
    return [*readings[7:], *readings[:7]]


def test_units(clips: list[Case], readings: list[Reading], shuffled: list[Reading]) -> None:
    score, floor = score_units(clips, readings), score_units(clips, shuffled)
    print(f"\nunit-level events: {score}; floor (another clip's reading): {floor}; target 95 % found, 5 % spurious")
    print("  most missed:", ", ".join(f"{unit} of {label} {n}" for (label, unit), n in score.missed.most_common(8)))
    assert score.recall >= 0.95 and score.spurious <= 0.05


def test_families(clips: list[Case], readings: list[Reading], shuffled: list[Reading]) -> None:
    score, floor = score_faces(clips, readings), score_faces(clips, shuffled)
    print(f"\nfamilies: {score.families}; labels {score.labels.recall:.1%}; floor {floor.families}; target 90 %")
    print("  confused:", "; ".join(f"{a} read as {b} {n}" for (a, b), n in score.confused.most_common(12)))
    for form in (1, 2, 3):
        some = [i for i, c in enumerate(clips) if (len(c.events) == form if form < 3 else len(c.events) >= form)]
        part = score_faces([clips[i] for i in some], [readings[i] for i in some])
        print(f"  clips of {form}{' or more' if form == 3 else ''} events: {part.families}")
    _timing(score)
    assert score.families.recall >= 0.9


def _timing(score: FaceScore) -> None:
    onset, end = (np.array([getattr(r, n) - getattr(e, n) for e, r in score.pairs]) for n in ("start_s", "end_s"))
    asked, read = np.array([(e.intensity, r.intensity) for e, r in score.pairs if e.label == r.label and e.intensity < 1]).T
    for name, error in (("onset", onset), ("end", end)):
        size = np.abs(error)
        print(f"  {name} error: median {np.median(error):+.3f} s; size median {np.median(size):.3f}, 90 % below {np.percentile(size, 90):.3f} s")
    print(f"  intensity: correlation {np.corrcoef(asked, read)[0, 1]:.3f}, mean difference {np.mean(read - asked):+.3f} (floor: 0 correlation)")
    # Actors' own pace (0.2 and 0.22, natural logarithm) lies between tempi that differ by 0.6: two thirds is about what can be told.
    long = [(e.tempo, r.tempo) for e, r in score.pairs if e.label == r.label and e.end_s - e.start_s > 1.2]
    print(f"  tempo: {np.mean([a == b for a, b in long]):.1%} of {len(long)} (floor: always medium {np.mean([a == 'medium' for a, _ in long]):.1%})")
    assert np.mean([a == b for a, b in long]) > np.mean([a == "medium" for a, _ in long]) + 0.05


def test_head_gaze_and_lids(clips: list[Case], readings: list[Reading], shuffled: list[Reading]) -> None:
    head = score_events(clips, readings, lambda e: e.kind == "head", pose=head_moved)
    counted = score_events(clips, readings, lambda e: e.kind == "head", count=True)
    floor = score_events(clips, shuffled, lambda e: e.kind == "head")
    print(f"\nhead, motion and direction: {head}; with count {counted.recall:.1%}; floor {floor.recall:.1%}; missed {dict(+head.missed)}")
    gaze = score_events(clips, readings, lambda e: e.kind == "gaze", pose=eyes_moved)
    print(f"gaze: {gaze}; floor {score_events(clips, shuffled, lambda e: e.kind == 'gaze').recall:.1%}; missed {dict(+gaze.missed)}")
    speech = score_events(clips, readings, lambda e: family(e.label) == "speech")
    print(f"speech: {speech}")
    rows = [row for c, r in zip(clips, readings, strict=True) for row in lid_counts(c, r)]
    exact = np.mean([a == b for _, a, b in rows])
    print(f"blinks and winks counted exactly: {exact:.1%} of {len(rows)} (floor: always two {np.mean([a == 2 for _, a, _ in rows]):.1%})")
    assert head.recall >= 0.88 and counted.recall >= 0.86 and head.spurious <= 0.06 and exact >= 0.99
    # Labels that are told apart by more than eyes (reading, stolen glances) are a third of those missed; see the list.
    assert gaze.recall >= 0.8 and gaze.spurious <= 0.06 and speech.recall >= 0.8


def test_actors_of_many_moods() -> None:
    """Actors who are stronger or weaker, quicker or slower from take to take: twice as far apart as those of the corpus."""
    one_script = [p for name in faces() for p in combinations([b for s in range(6) for b in apex(name, s, s, moody)], 2)]
    wild = cases(300, seed=HELD_OUT_SEED + 2, manner=moody)
    found = [read_closely(c.motion) for c in wild]
    units, kinds = score_units(wild, found), score_faces(wild, found).families
    print(f"\nactors of many moods (two takes of one script: {variation(one_script)})")
    print(f"  unit-level events: {units}; families: {kinds}")
    assert units.recall >= 0.94 and units.spurious <= 0.06 and kinds.recall >= 0.88, "a little less than of the corpus: faint takes are fainter"


def test_idle_faces() -> None:
    idle = [read_closely(perform(Script(events=(), duration_s=5.0), seed=70_000 + s)) for s in range(200)]
    kinds = {name: np.mean([len(getattr(r, name)) for r in idle]) for name in ("faces", "head", "gaze", "lids", "speech")}
    kinds["units"] = np.mean([sum(not u.unit.startswith("eyeLook") for u in r.units) for r in idle])
    print("\nidle faces, events per 5 s clip:", ", ".join(f"{k} {v:.2f}" for k, v in kinds.items()))
    assert kinds["faces"] < 0.1 and kinds["speech"] == 0


def test_rates(clips: list[Case]) -> None:
    some = cases(150, seed=HELD_OUT_SEED + 1, fps=30.0)
    score = score_units(some, [read_closely(c.motion) for c in some])
    noisy = [replace(c, motion=replace(c.motion, expression=_noisy(c.motion.expression, i))) for i, c in enumerate(clips[:150])]
    rough = score_units(noisy, [read_closely(c.motion) for c in noisy])
    print(f"\nat 30 frames a second: {score}; with white noise of 0.03: {rough}")
    assert score.recall >= 0.94 and score.spurious <= 0.06


def _noisy(expression: np.ndarray, seed: int) -> np.ndarray:
    return np.clip(expression + np.random.default_rng(seed).normal(0.0, 0.03, expression.shape), 0.0, 1.0)


def test_speed(clips: list[Case]) -> None:
    start = time.process_time()
    for c in clips[:100]:
        read_closely(c.motion)
    a_minute = 100 / (time.process_time() - start) * 60
    print(f"\nreading: {a_minute:.0f} clips of 3 to 6 s a minute of one core; target: thousands")
    assert a_minute > 1000
