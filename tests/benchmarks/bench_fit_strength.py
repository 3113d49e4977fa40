"""How strong a fitted face is beside the true one: unit by unit where each is strongest, and whether what was acted is still read.

On the same scripted faces as `bench_fit`. Floors: MediaPipe's own scores as expression, and the neutral face.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from benchmarks.fit_cases import HELD_OUT, TUNING, Case, neutral, scores_as_motion, scripted_cases

from tdmm_core.assets.find import find_asset
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.fitting.clip_fit import fit_clip
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.claims import claims, tally
from tdmm_core.performance.evidence import ignored
from tdmm_core.performance.reading import read

MODEL = load_open_head()
STRONG, QUIET, ENOUGH = 0.3, 0.05, 3
"A unit counts where it truly reaches STRONG; it is quiet where it stays below QUIET; and it is told of where so many clips have it."

Rows = dict[str, list[tuple[Case, FaceMotion]]]


@pytest.fixture(scope="module")
def rows() -> Rows:
    seed = TUNING if os.environ.get("FIT_BENCH") == "tuning" else HELD_OUT
    cases = scripted_cases(seed, MODEL, find_asset("face-landmarker"))
    calibration = load_calibration(MODEL)
    fits = [fit_clip(MODEL, calibration, c.seen, num_frames=c.truth.num_frames, config=FitConfig()).motion for c in cases]
    return {
        "truth": [(c, c.truth) for c in cases],
        "fit": list(zip(cases, fits, strict=True)),
        "MediaPipe's scores": [(c, scores_as_motion(c)) for c in cases],
        "neutral (floor)": [(c, neutral(c)) for c in cases],
    }


def peaks(pairs: list[tuple[Case, FaceMotion]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(C, E) true peak of each unit, what the motion shows in the same frame, and the most that it shows at all."""
    true, shown, most = [], [], []
    for case, motion in pairs:
        at = case.truth.expression.argmax(0)
        units = np.arange(len(at))
        true.append(case.truth.expression[at, units])
        shown.append(motion.expression[at, units])
        most.append(motion.expression.max(0))
    return np.stack(true), np.stack(shown), np.stack(most)


def slopes(true: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """(E,) shown strength per true strength over the clips in which a unit is strong; NaN where those are too few."""
    strong = true >= STRONG
    counts, product, square = strong.sum(0), (true * shown * strong).sum(0), (true**2 * strong).sum(0)
    return np.where(counts >= ENOUGH, product / np.maximum(square, 1e-9), np.nan)


def test_units_are_as_strong_as_they_were(rows: Rows) -> None:
    told = {name: peaks(pairs) for name, pairs in rows.items()}
    print(f"\nstrength shown per true strength, at the apex of every unit that reaches {STRONG} (1 is right), and the peak of units that stay quiet")
    for name, (true, shown, most) in told.items():
        quiet = most[true < QUIET]
        print(f"  {name:22} units on average {np.nanmean(slopes(true, shown)):.2f}, where nothing was: {quiet.mean():.3f}")
    each = slopes(*told["fit"][:2])
    names = [(n, s) for n, s in zip(MODEL.expression_names, each, strict=True) if np.isfinite(s)]
    print("  fit, weakest first: " + ", ".join(f"{n} {s:.2f}" for n, s in sorted(names, key=lambda row: row[1])))
    assert np.nanmean(each) > 0.55


def test_what_was_acted_is_read(rows: Rows) -> None:
    print("\nscripts that the motion is taken to have ignored, and strengths read of the faces that were recognised (1 is right)")
    shares = {}
    for name, pairs in rows.items():
        seen = [read(motion) for _, motion in pairs]
        lost = [ignored(case.script, motion, script) for (case, motion), script in zip(pairs, seen, strict=True)]
        verdicts = [c for (case, _), script in zip(pairs, seen, strict=True) for c in claims(case.script, script)]
        strengths = np.array([(float(c.asked), float(c.read)) for c in verdicts if c.kind == "strength" and c.read]).reshape(-1, 2)
        slope = (strengths[:, 0] @ strengths[:, 1]) / max(strengths[:, 0] @ strengths[:, 0], 1e-9)
        kept = {kind: f"{t.kept}/{t.asked}" for kind, t in tally(verdicts).items() if kind in ("face", "strength", "side", "duration")}
        shares[name] = float(np.mean(lost))
        print(f"  {name:22} {sum(lost)} of {len(lost)} ignored; strength {slope:.2f}; kept {kept}")
    assert shares["fit"] < 0.5 * shares["neutral (floor)"]
