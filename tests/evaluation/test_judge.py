"""The offline judge, judged: right sentences earn all, wrong, shuffled, empty and "still" ones nothing, and half right lies between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tdmm_core.domain.script import Script
from tdmm_core.evaluation.judge import ASPECTS, agreement, chance_level, invented, marks, read_back
from tdmm_core.performance.plain import STILL, plain_sentence
from tdmm_core.performance.sentences import write_sentences
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import plan_clips


@pytest.fixture(scope="module")
def scripts() -> list[Script]:
    return [p.clip.script for p in plan_clips(SynthConfig(num_clips=120), seed=77) if p.clip.script is not None]


def values(scripts: list[Script], texts: list[str]) -> np.ndarray:
    found = marks(scripts, texts)
    return np.array([getattr(found, a) for a in ASPECTS])


def test_right_sentences_in_any_wording(scripts: list[Script]) -> None:
    assert values(scripts, [plain_sentence(s) for s in scripts]).min() >= 4.95
    for number in range(3):
        worded = [write_sentences(s, count=4, seed=i)[1 + number] for i, s in enumerate(scripts)]
        assert values(scripts, worded).min() >= 4.8


def test_sentences_that_know_nothing_earn_the_floor(scripts: list[Script]) -> None:
    told = [write_sentences(s, count=1, seed=i)[0] for i, s in enumerate(scripts)]
    for texts in (told[1:] + told[:1], told[7:] + told[:7], [""] * len(told), [STILL] * len(told), ["keeps a neutral face"] * len(told)):
        assert values(scripts, texts).max() <= 1.25
    for always in ("The person smiles.", "The person nods twice.", "The person looks sad, then turns their head to the left."):
        assert values(scripts, [always] * len(told)).max() <= 1.5


def test_half_right_lies_between(scripts: list[Script]) -> None:
    told = [plain_sentence(s) for s in scripts]
    half = [t if i % 2 else STILL for i, t in enumerate(told)]
    assert (values(scripts, half) > 2.3).all() and (values(scripts, half) < 3.7).all()


def test_each_aspect_hears_its_own_mistakes(scripts: list[Script]) -> None:
    weak = [replace(s, events=tuple(replace(e, intensity=0.3 if e.intensity > 0.6 else 0.95) for e in s.events)) for s in scripts]
    emotion, motion, strength = values(scripts, [plain_sentence(s) for s in weak])
    assert emotion >= 4.8 and motion >= 4.8 and strength < 3.5
    turned = [_mirrored(s) for s in scripts]
    moved = [i for i, (a, b) in enumerate(zip(scripts, turned, strict=True)) if a != b]
    assert len(moved) > 8
    told = values([scripts[i] for i in moved], [plain_sentence(turned[i]) for i in moved])
    assert told[1] < 4.5


def _mirrored(script: Script) -> Script:
    swap = {"left": "right", "right": "left"}
    events = [replace(e, side=swap.get(e.side, e.side), direction=swap.get(e.direction, e.direction)) for e in script.events]
    return replace(script, events=tuple(events))


def test_what_is_on_neither_side_does_not_count() -> None:
    nod, sad = read_back("The person nods twice."), read_back("The person looks sad.")
    found = agreement([nod, sad], [nod, sad])
    assert np.isnan(found[0, 0]) and found[0, 1] == 1 and found[1, 0] == 1 and np.isnan(found[1, 1])
    assert agreement([nod], [sad])[0, 0] == 0  # an emotion that was not there


def test_chance_is_small_where_clips_differ_and_large_where_they_do_not(scripts: list[Script]) -> None:
    assert chance_level(scripts).max() < 0.15
    assert chance_level([read_back("The person smiles.")] * 10)[0] == 1.0


def test_invented_events_are_counted_against_script_and_motion() -> None:
    truth, told = read_back("The person nods twice."), read_back("The person nods once, then looks angry.")
    assert invented(truth, told) == (2, 1)
    assert invented(truth, told, read_back("The person frowns.")) == (2, 0)
    assert invented(truth, Script(events=(), duration_s=1.0)) == (0, 0)
