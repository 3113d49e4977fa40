"""Who is told to have ignored a prompt, by `tdmm synth --check`: of clips that did what they were asked, and of clips that did what another was.

On scripted clips of a seed that no figure of reader, evidence or solver was chosen by: as they truly move, as fitted from what the landmark network
saw of their videos, and as fitted where the asked times are off (a generator is told what happens, not at which second). Beside them: what
the reading alone would say (half of what should happen was not read). Floor: a coin, which is right about each in half the cases.
Targets: at most 10 % of the faithful, at least 90 % of the others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.fit_cases import SETTINGS, scripted_cases

sys.path.insert(0, str(Path(__file__).parents[1] / "performance"))
from reader_scores import eyes_moved, family, head_moved, lid_counts, score_events, score_faces, score_units
from reader_truth import Case, planned_cases

from tdmm_core.assets.find import find_asset
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.fitting.clip_fit import fit_clip
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.claims import WHAT, claims
from tdmm_core.performance.evidence import ignored
from tdmm_core.performance.reading import Reading, read_closely
from tdmm_core.synthesis.config import SynthConfig

SEED = 24_601
OTHERS = 7
"Other clips whose prompts each clip is checked against."
MODEL = load_open_head()


@pytest.fixture(scope="module")
def clips() -> list[Case]:
    return planned_cases(SynthConfig(**SETTINGS), seed=SEED)


@pytest.fixture(scope="module")
def fits(clips: list[Case]) -> list[FaceMotion]:
    calibration = load_calibration(MODEL)
    filmed = scripted_cases(SEED, MODEL, find_asset("face-landmarker"))
    for clip, film in zip(clips, filmed, strict=True):
        assert np.allclose(clip.motion.expression, film.truth.expression, atol=1e-4), "the plan is the corpus's"
    return [fit_clip(MODEL, calibration, f.seen, num_frames=f.truth.num_frames, config=FitConfig()).motion for f in filmed]


def off_time(script: Script) -> Script:
    """The same events in the same order, later, most of all in the middle: by up to a fifth of the clip."""
    times = [tuple(script.duration_s * (t / script.duration_s) ** 0.6 for t in (e.start_s, e.end_s)) for e in script.events]
    return replace(script, events=tuple(replace(e, start_s=a, end_s=b) for e, (a, b) in zip(script.events, times, strict=True)))


def half_read(asked: Script, seen: Script) -> bool:
    """Whether less than half of what was asked was read."""
    kept = [c.kept for c in claims(asked, seen) if c.kind in WHAT]
    return sum(kept) < 0.5 * len(kept)


def shares(scripts: list[Script], verdict: Callable[[Script, int], bool]) -> tuple[float, float]:
    """How many faithful clips are told to have ignored their prompt, and how many that show another's."""
    count = len(scripts)
    faithful = [verdict(s, i) for i, s in enumerate(scripts)]
    others = [verdict(s, (i + 1 + k * count // (OTHERS + 1)) % count) for i, s in enumerate(scripts) for k in range(OTHERS)]
    return float(np.mean(faithful)), float(np.mean(others))


def test_the_faithful_and_the_others(clips: list[Case], fits: list[FaceMotion]) -> None:
    scripts, truth = [c.script for c in clips], [c.motion for c in clips]
    print(f"\n{len(clips)} clips, each with its own prompt and {OTHERS} others: told to have ignored it (targets: at most 10 %, at least 90 %)")
    rows = {}
    later = [off_time(s) for s in scripts]
    for name, asked, motions in (
        ("as they truly move", scripts, truth),
        ("as fitted", scripts, fits),
        ("as fitted, asked for at other times", later, fits),
    ):
        seen = [read_closely(m).script for m in motions]
        rows[name] = shares(asked, lambda s, i, motions=motions, seen=seen: ignored(s, motions[i], seen[i]))
        alone = shares(asked, lambda s, i, seen=seen: half_read(s, seen[i]))
        print(f"  {name:38} own {rows[name][0]:.1%}, another's {rows[name][1]:.1%}   by reading alone {alone[0]:.1%}, {alone[1]:.1%}")
    assert all(own <= 0.1 and others >= 0.9 for own, others in list(rows.values())[:2])


def test_reading_fitted_motion(clips: list[Case], fits: list[FaceMotion]) -> None:
    """The reader on the same clips, truth and fit."""
    for name, motions in (("truth", [c.motion for c in clips]), ("fit", fits)):
        readings = [read_closely(m) for m in motions]
        shuffled = [*readings[7:], *readings[:7]]
        print(f"\nread of the {name}")
        for what, found, floor in (
            ("unit-level events", score_units(clips, readings), score_units(clips, shuffled)),
            ("families of expression", score_faces(clips, readings).families, score_faces(clips, shuffled).families),
            *((k, score_events(clips, readings, w, pose=p), score_events(clips, shuffled, w)) for k, w, p in KINDS),
        ):
            print(f"  {what:24} {found}; floor {floor.recall:.1%}")
        counts = [row for c, r in zip(clips, readings, strict=True) for row in lid_counts(c, r)]
        print(f"  blinks and winks counted exactly: {sum(a == b for _, a, b in counts)} of {len(counts)}")
        _heights(clips, readings)


KINDS = (
    ("head, motion, direction", lambda e: e.kind == "head", head_moved),
    ("gaze", lambda e: e.kind == "gaze", eyes_moved),
    ("speech", lambda e: family(e.label) == "speech", None),
)


def _heights(clips: list[Case], readings: list[Reading]) -> None:
    pairs = [p for p in score_faces(clips, readings).pairs if p[0].label == p[1].label and p[0].intensity < 1]
    if len(pairs) > 2:
        asked, read = np.array([(e.intensity, r.intensity) for e, r in pairs]).T
        print(f"  intensity of the {len(pairs)} faces read by their own label: read / asked {np.median(read / asked):.2f}")
