"""Plans are balanced, and keep faces, scripts and sentences of different splits apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.synthesis.company import company_of, compatible
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import NEUTRAL, apportion, plan_clips
from tdmm_core.synthesis.scripts import FORMS, Draw, draw_script, signature
from tdmm_core.synthesis.subjects import draw_subjects

LEXICON = load_lexicon()
CONFIG = SynthConfig(num_clips=2400)


@pytest.fixture(scope="module")
def plan():
    return plan_clips(CONFIG, seed=5)


def test_labels_lead_evenly(plan):
    counts = Counter(p.clip.label for p in plan if p.clip.label != NEUTRAL)
    assert set(counts) == set(LEXICON.labels)
    assert max(counts.values()) - min(counts.values()) <= 1
    categories = Counter(p.clip.category for p in plan if p.clip.category != NEUTRAL)
    even = sum(categories.values()) / len(categories)
    assert all(abs(n / even - 1) <= 0.02 for n in categories.values()), categories
    assert sum(p.clip.label == NEUTRAL for p in plan) == round(CONFIG.still_share * CONFIG.num_clips)


def test_directions_and_sides_are_spread(plan):
    for field, names in (("direction", {"left", "right", "up", "down"}), ("side", {"left", "right"})):
        counts = Counter(getattr(e, field) for p in plan for e in p.clip.script.events)
        del counts["" if field == "direction" else "both"]
        assert set(counts) == names
        assert counts["left"] == pytest.approx(counts["right"], rel=0.35)


@pytest.mark.parametrize("num_clips", [12, 60, 1200])
def test_splits_have_their_shares_and_share_nothing(num_clips):
    clips = plan_clips(replace(CONFIG, num_clips=num_clips), seed=2)
    counts = Counter(p.clip.split for p in clips)
    assert counts["validation"] >= 1 and counts["test"] >= 1
    assert counts["test"] == pytest.approx(0.05 * num_clips, abs=1)
    for what in (lambda p: [p.subject.id], lambda p: [signature(p.clip.script, LEXICON) or "still"], lambda p: [p.clip.prompt, *p.clip.paraphrases]):
        owners = defaultdict(set)
        for p in clips:
            for key in what(p):
                owners[key].add(p.clip.split)
        assert [k for k, s in owners.items() if len(s) > 1] == []
    assert all(p.subject.split == p.clip.split for p in clips)


def test_clips_are_complete(plan):
    assert [p.clip.id for p in plan] == [f"{i:06d}" for i in range(CONFIG.num_clips)]
    assert len({p.seed for p in plan}) == len(plan)
    for p in plan:
        clip = p.clip
        assert len({clip.prompt, *clip.paraphrases}) == CONFIG.num_paraphrases + 1
        assert clip.label == NEUTRAL or clip.label in {e.label for e in clip.script.events}
        assert clip.subject_id == p.subject.id and clip.licence
        assert Script.from_json(clip.script.to_json()) == clip.script


def test_scripts_of_every_form_are_there(plan):
    sizes = Counter(len(p.clip.script.events) for p in plan)
    assert set(sizes) >= {0, 1, 2, 3} and max(sizes) <= 5
    assert 0.25 < sizes[1] / len(plan) < 0.55
    lengths = [p.clip.script.duration_s for p in plan]
    assert CONFIG.min_duration_s <= min(lengths) < 3.3 and 5.7 < max(lengths) <= CONFIG.max_duration_s
    held = np.mean([p.clip.script.events[-1].end_s >= p.clip.script.duration_s - 0.02 for p in plan if p.clip.script.events])
    assert 0.1 < held < 0.4


def test_words_suit_the_subject(plan):
    for p in plan:
        words = {w.strip(",.;").lower() for t in (p.clip.prompt, *p.clip.paraphrases) for w in t.split()}
        assert not words & ({"he", "his", "man"} if p.subject.gender == "female" else {"she", "her", "woman"}), p.clip.prompt


def test_equal_seeds_plan_alike():
    config = replace(CONFIG, num_clips=60)
    assert plan_clips(config, seed=1) == plan_clips(config, seed=1) != plan_clips(config, seed=2)


def test_subjects_are_even_and_have_shapes():
    subjects = draw_subjects(replace(CONFIG, num_subjects=96), 3)
    for field in ("gender", "age", "complexion"):
        counts = Counter(getattr(s, field) for s in subjects)
        assert max(counts.values()) == min(counts.values())
    shapes = np.array([s.shape(10, 1.0) for s in subjects])
    assert np.abs(shapes.mean(axis=0)).max() < 0.4 and shapes.std() == pytest.approx(1.0, abs=0.12) and np.abs(shapes).max() <= 2.2
    assert len({s.tobytes() for s in shapes}) == 96


def test_too_few_subjects_for_the_splits_are_refused():
    with pytest.raises(InputError, match="enough subjects"):
        plan_clips(replace(CONFIG, num_clips=40, num_subjects=1), seed=0)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([f for f in FORMS if f != "still"]), st.sampled_from(sorted(LEXICON.labels)), st.integers(0, 2**31))
def test_scripts_are_possible(form, name, seed):
    draw = Draw(lexicon=LEXICON, config=CONFIG, rng=Random(seed))
    script = draw_script(form, LEXICON.label(name), draw)
    assert name in {e.label for e in script.events}
    for event in script.events:
        label = LEXICON.of(event)
        assert event.end_s - event.start_s > 0.15, event
        assert label.countable or event.count == 1
        assert label.graded or event.intensity == 1.0
    at_once = [
        (a, b) for i, a in enumerate(script.events) for b in script.events[i + 1 :]
        if min(a.end_s, b.end_s) - max(a.start_s, b.start_s) > 0.5 * min(a.end_s - a.start_s, b.end_s - b.start_s)
    ]  # fmt: skip
    for a, b in at_once:
        assert compatible(LEXICON.label(a.label), LEXICON.label(b.label), close=form == "mixture"), (a, b)
    assert form != "single" or len(script.events) == 1


def test_what_cannot_be_seen_at_once_is_not_compatible():
    pairs = {("smile", "pout"): False, ("smile", "nod"): True, ("nod", "head shake"): False, ("look", "darting eyes"): False,
             ("anger", "sadness"): False,
             ("happiness", "talking"): True,
             ("laughter", "talking"): False, ("smile", "talking"): False, ("surprise", "singing"): False,
             ("raised eyebrows", "open mouth"): True, ("squint", "wide eyes"): False}  # fmt: skip
    for (a, b), expected in pairs.items():
        assert compatible(LEXICON.label(a), LEXICON.label(b)) is expected, (a, b)


def test_what_undoes_the_other_does_not_blend():
    for a, b in (("unblinking stare", "closed eyes"), ("smile", "downturned mouth"), ("kiss", "stretched mouth")):
        assert not compatible(LEXICON.label(a), LEXICON.label(b), close=True), (a, b)


@pytest.mark.parametrize("close", [False, True])
def test_the_table_of_company_says_what_pairs_say(close):
    labels = list(LEXICON.labels.values())
    table = company_of(LEXICON, close=close)
    for a in labels[::7]:
        assert list(table[a.name]) == [b.name for b in labels if compatible(a, b, close=close)]


def test_signatures_tell_what_sentences_tell():
    event = Event(kind="action", label="smile", start_s=0.5, end_s=2.0, intensity=0.5)
    one, later, stronger = event, replace(event, start_s=0.7), replace(event, intensity=0.9)
    of = [signature(Script(events=(e,), duration_s=3.0), LEXICON) for e in (one, later, stronger)]
    assert of[0] == of[1] != of[2]


@given(st.integers(0, 5000), st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6))
def test_apportioning_adds_up(total, weights):
    shares = [w / sum(weights) for w in weights]
    counts = apportion(total, shares)
    assert sum(counts) == total
    assert all(abs(c - total * s) <= 1 + 1e-6 for c, s in zip(counts, shares, strict=True))
