"""The lexicon is whole: every unit exists, words belong to one label, labels can be told apart."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest

from tdmm_core.domain.script import Event
from tdmm_core.errors import InputError
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.lexicon import load_lexicon, read_lexicon
from tdmm_core.performance.units import PAIRS, UNITS, mirrored

LEXICON = load_lexicon()
HEADER = """
[[intensity]]
name = "medium"
low = 0.4
high = 0.6
adjectives = []
adverbs = []
degrees = []
reaches = []
[[tempo]]
name = "medium"
adjectives = []
adverbs = []
"""
SMILE = '[[label]]\nname = "smile"\nkind = "action"\ncategory = "x"\nfamily = "joy"\nsource = "AU 12"\n'


def test_units_are_those_of_the_open_head():
    assert len(UNITS) == 52
    assert set(UNITS) == set(load_open_head().expression_names)
    assert all(mirrored(UNITS[left]) == UNITS[right] for left, right in PAIRS)


def test_every_unit_is_used_and_every_strength_is_a_share():
    used = {mirrored(u) if label.lateral != "none" else u for label in LEXICON.labels.values() for u in label.units}
    used |= {u for label in LEXICON.labels.values() for u in label.units}
    assert used == set(UNITS)
    assert all(0 < s <= 1 for label in LEXICON.labels.values() for s in label.units.values())


def test_there_are_labels_of_every_kind_with_source_and_words():
    assert len(LEXICON.labels) >= 200
    assert {label.kind for label in LEXICON.labels.values()} == {"expression", "action", "gaze", "blink", "head"}
    for label in LEXICON.labels.values():
        assert label.source and label.category and label.family
        assert label.phrases(), label.name
        for words in (label.nouns, label.things, label.adjectives, label.verbs, label.states):
            assert len(set(words)) == len(words), label.name
        assert label.units or label.head, label.name
        if label.kind == "expression":
            assert label.nouns and (label.adjectives or label.verbs), label.name


def test_categories_have_as_many_labels_each():
    """So that a corpus even over labels is even over categories."""
    counts = Counter(label.category for label in LEXICON.labels.values())
    assert len(counts) == 12 and len(set(counts.values())) == 1, counts
    wanted = {"basic emotion", "compound emotion", "mood", "micro-expression", "gaze", "head motion", "speech-like mouth"}
    assert wanted <= set(counts) and sum(c.startswith("facial action") for c in counts) == 4


def test_families_hold_what_is_near():
    families = Counter(label.family for label in LEXICON.labels.values())
    assert {"happiness", "smile", "laughter", "elation", "flicker of happiness"} <= {n for n, x in LEXICON.labels.items() if x.family == "joy"}
    assert 40 <= len(families) <= 90


def test_micro_expressions_are_over_in_half_a_second():
    for label in LEXICON.labels.values():
        if label.category == "micro-expression":
            assert label.brief and label.longest_s <= 0.5 and label.onset_s <= 0.26, label.name
            # Two to five frames at 25 a second, each phase.
            assert 0.08 <= label.onset_s <= 0.2 and 0.08 <= label.offset_s <= 0.2


def test_no_phrase_belongs_to_two_labels():
    counts = Counter(p for label in LEXICON.labels.values() for p in set(label.phrases()))
    assert [p for p, n in counts.items() if n > 1] == []


def test_sides_and_directions_are_said():
    for label in LEXICON.labels.values():
        for phrase in label.phrases():
            assert ("{side}" in phrase) == (label.lateral == "said"), phrase
            assert ("{direction}" in phrase) == bool(label.directions), phrase
            assert set(re.findall(r"{(\w+)}", phrase)) <= {"side", "direction", "poss", "refl"}, phrase


def test_degrees_do_not_overlap():
    spans = sorted((d.low, d.high) for d in LEXICON.degrees)
    assert all(low < high for low, high in spans)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
    assert LEXICON.degree(0.3).name == "subtle" and LEXICON.degree(0.55).name == "medium" and LEXICON.degree(0.95).name == "extreme"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("not toml [", "expected TOML"),
        (HEADER + SMILE + "units = { mouthLaugh = 0.5 }", "'mouthLaugh' is none of the 52"),
        (HEADER + SMILE + "units = { mouthSmile = 1.5 }", "got 1.5"),
        (HEADER + SMILE + "units = { mouthSmile = 0.5 }\n" + SMILE + "units = { mouthSmile = 0.5 }", "stands twice"),
        (HEADER + SMILE + "units = { mouthSmile = 0.5 }\ncolour = 'red'", "unknown entry 'colour'"),
        (HEADER + SMILE.replace('"action"', '"deed"') + "units = { mouthSmile = 0.5 }", "got 'deed'"),
        (HEADER + SMILE.replace('family = "joy"', 'family = ""') + "units = { mouthSmile = 0.5 }", "got no family"),
        (HEADER + SMILE + "stages = [{ at = 0.6, units = { mouthSmile = 0.5 } }, { at = 0.4, units = {} }]", "in order of `at`"),
        (HEADER + SMILE + 'says = ["zh"]', "got 'zh'"),
        (HEADER + SMILE + "units = { mouthSmile = 0.5 }\n[[colour]]\nname = 'red'", "unknown table 'colour'"),
    ],
)
def test_mistakes_in_the_file_are_named(text, told):
    with pytest.raises(InputError, match=re.escape(told)):
        read_lexicon(text)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "action", "label": "smlie"}, "near are smile"),
        ({"kind": "head", "label": "smile"}, "expected kind 'action'"),
        ({"kind": "action", "label": "smile", "side": "left"}, "expected side both"),
        ({"kind": "action", "label": "wink"}, "expected side left or right"),
        ({"kind": "head", "label": "turn"}, "expected direction left or right"),
    ],
)
def test_events_that_no_label_suits_are_refused(given, told):
    with pytest.raises(InputError, match=told):
        LEXICON.of(Event(start_s=0, end_s=1, **given))
