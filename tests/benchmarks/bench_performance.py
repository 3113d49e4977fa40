"""How much performances of one script differ, how fast and how far units move and which move together, beside a real capture.

The capture, 127 s of one person's range of motion (`../shared/data/arkit`), is a yardstick: nothing is fitted to it. How it is measured: the face's
excursions (see `motion_statistics`); two whose apices have a cosine of at least 0.9 are taken for two takes of one expression.
Performances are measured by the same rule, and also between takes that are known to be of one script. Floor: takes of different scripts.
"""

from __future__ import annotations

import sys
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "performance"))
sys.path.insert(0, str(Path(__file__).parent))
from motion_statistics import FPS, REGIONS, Bout, bouts, ranges, repeats, speeds, together, variation
from reader_truth import Manner

from tdmm_core.domain.script import Event, Script
from tdmm_core.exchange.live_link import read_live_link
from tdmm_core.performance.actor import draw_actor
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.perform import curves
from tdmm_core.performance.units import UNITS
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import plan_clips

CAPTURE = Path(__file__).resolve().parents[3] / "shared" / "data" / "arkit" / "range_of_motion_4.csv"
ALIKE = 0.9
ACTORS = 8


@pytest.fixture(scope="module")
def capture() -> np.ndarray:
    """(T, 52) units of the capture at 25 frames a second."""
    if not CAPTURE.exists():
        pytest.skip(f"no capture at {CAPTURE}")
    motion = read_live_link(CAPTURE.name, CAPTURE.read_bytes(), names=UNITS).motion
    times = np.arange(motion.source_time_s[0], motion.source_time_s[-1], 1 / FPS)
    return np.stack([np.interp(times, motion.source_time_s, c) for c in motion.expression.T], axis=1)


@cache
def scripted() -> list[np.ndarray]:
    """Performances (T, 52) of a plan's clips."""
    config = SynthConfig(num_clips=400, min_duration_s=4.0)
    return [take(p.clip.script, p.seed, p.subject.seed) for p in plan_clips(config, seed=77) if p.clip.script]


def take(script: Script, seed: int, actor: int, manner: Manner | None = None) -> np.ndarray:
    who = manner(draw_actor(actor), seed) if manner else draw_actor(actor)
    return curves(script, round(script.duration_s * FPS), seed=seed, actor=who, fps=FPS)[0]


def apex(label: str, seed: int, actor: int, manner: Manner | None = None, **how: object) -> list[Bout]:
    """The largest excursion of a performance of one label, held for two seconds in a clip of four; none where it does not stand out."""
    kind = load_lexicon().label(label).kind
    event = Event(**({"kind": kind, "label": label, "start_s": 1.0, "end_s": 3.0, "intensity": 0.75} | how))  # type: ignore[arg-type]
    return sorted(bouts(take(Script(events=(event,), duration_s=4.0), seed, actor, manner)), key=lambda b: -b.size)[:1]


def drawn(rng: np.random.Generator) -> dict[str, object]:
    """Degree and tempo as scripts of a corpus have them; whoever is captured chooses them too."""
    config = SynthConfig()
    return {"intensity": float(rng.uniform(config.min_intensity, config.max_intensity)), "tempo": str(rng.choice(["slow", "medium", "fast"]))}


def faces() -> list[str]:
    labels = load_lexicon().labels.values()
    return [x.name for x in labels if x.kind == "expression" and x.rhythm is None and not x.stages]


def test_variation_between_performances_of_one_script(capture: np.ndarray) -> None:
    of_one, of_two, of_label, firsts, rng = [], [], [], [], np.random.default_rng(5)
    for name in faces():
        one = [b for s in range(4) for b in apex(name, s, 1)]
        two = [b for s in range(ACTORS) for b in apex(name, 100 + s, 100 + s)]
        of_one += combinations(one, 2)
        of_two += combinations(two, 2)
        of_label += combinations([b for s in range(4) for b in apex(name, 200 + s, 200 + s, **drawn(rng))], 2)
        firsts += two[:1]
    chance = list(zip(firsts, firsts[11:], strict=False))
    real = repeats(bouts(capture), ALIKE)
    same_rule = [p for p in of_one if repeats(p, ALIKE)]
    print("\nDifferences between two takes (medians; 0: none):")
    for what, pairs in (
        ("capture, one person's repeats (cosine 0.9 and up)", real), ("one actor, one script, same rule", same_rule),
        ("one actor, one script, all", of_one), ("two actors, one script, all", of_two),
        ("two actors, one label, degree and tempo as drawn", of_label),
        ("two actors, two scripts (floor)", chance),
    ):  # fmt: skip
        rise_s, size = (np.median([getattr(b, term) for p in pairs for b in p]) for term in ("rise_s", "size"))
        print(f"  {what:52s} {variation(pairs)}; rises in {rise_s:.2f} s to {size:.2f}")
    assert variation(of_two).mixture > variation(of_one).mixture > 0.01
    assert variation(of_label).strength >= variation(real).strength, "the reader's clips differ as takes of the capture do"
    assert variation(chance).mixture > 2 * variation(of_two).mixture


def test_range_speed_and_acceleration(capture: np.ndarray) -> None:
    takes = scripted()
    own = np.concatenate(takes)
    rows = {
        "range": (ranges(capture), ranges(own)),
        "speed /s": (speeds([capture], 1), speeds(takes, 1)),
        "acceleration /s2": (speeds([capture], 2), speeds(takes, 2)),
    }
    print("\n99th percentiles, median over a region's units: capture | performances")
    for region, stems in REGIONS.items():
        which = [i for i, n in enumerate(UNITS) if n.startswith(stems)]
        cells = [f"{what} {np.median(real[which]):6.2f} | {np.median(ours[which]):6.2f}" for what, (real, ours) in rows.items()]
        print(f"  {region:16s} " + "    ".join(cells))
    for what, (real, ours) in rows.items():
        share = np.log(np.maximum(ours, 1e-3) / np.maximum(real, 1e-3))
        order = np.argsort(share)
        ends = [f"{UNITS[i]} x{np.exp(share[i]):.1f}" for i in (*order[:5], *order[-5:])]
        print(f"  {what}: least and most against the capture: {', '.join(ends)}")
    print("  (performances are mostly held or at rest, each unit in a few of 204 labels; the capture never rests). Excursion by excursion:")
    for what, found in (("capture", bouts(capture)), ("performances", [b for t in takes for b in bouts(t)])):
        cells = []
        for name, term in (("rise s", "rise_s"), ("width s", "width_s"), ("haste /s", "haste"), ("size", "size")):
            low, middle, high = np.quantile([getattr(b, term) for b in found], (0.1, 0.5, 0.9))
            cells.append(f"{name} {middle:.2f} ({low:.2f} to {high:.2f})")
        print(f"  {what:13s} {len(found):4d} excursions, median (10 to 90 %): {', '.join(cells)}")
    assert all(np.isfinite(x).all() for pair in rows.values() for x in pair)


def test_units_that_move_together(capture: np.ndarray) -> None:
    upper = np.triu_indices(len(UNITS), 1)
    real, ours = together([capture])[upper], together(scripted())[upper]
    shuffled = np.random.default_rng(1).permutation(ours)
    both = (real != 0) & (ours != 0)
    print(
        f"\nCo-activation: correlation between the capture's and the performances' matrices {np.corrcoef(real[both], ours[both])[0, 1]:.2f} "
        f"(of a shuffled matrix {np.corrcoef(real[both], shuffled[both])[0, 1]:.2f})"
    )
    paired = [k for k in range(len(real)) if UNITS[upper[0][k]].removesuffix("Left") == UNITS[upper[1][k]].removesuffix("Right")]
    print(f"  left with right: capture {np.median(real[paired]):.2f}, performances {np.median(ours[paired]):.2f}")
    for title, order in (("more together in the capture", np.argsort(ours - real)), ("more together in performances", np.argsort(real - ours))):
        named = [f"{UNITS[upper[0][k]]}+{UNITS[upper[1][k]]} {real[k]:.2f}|{ours[k]:.2f}" for k in order[:8]]
        print(f"  {title}: {', '.join(named)}")
    assert np.corrcoef(real[both], ours[both])[0, 1] > 0.2
