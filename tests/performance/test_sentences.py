"""Sentences name every event of a script with all that is said of it, and nothing else."""

from __future__ import annotations

import re

import pytest
from script_cases import event_of, script_of, variants

from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.performance.grammar import article, conjugate, joined, plural, seconds, times
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.meaning import differences
from tdmm_core.performance.sentence_reader import read_sentence
from tdmm_core.performance.sentences import write_sentences

LEXICON = load_lexicon()
FORMS = ("bare", "third", "plural", "past", "ing")


def check_faithful(script: Script, texts: tuple[str, ...]) -> None:
    for text in texts:
        assert differences(script, text) == (), text
        for event in script.events:
            check_said(event, text)


def check_said(event: Event, text: str) -> None:
    label, degree, tempo = LEXICON.of(event), LEXICON.degree(event.intensity), LEXICON.tempi[event.tempo]
    low = text.lower()
    if label.graded:
        words = (*degree.adjectives, *degree.adverbs, *degree.degrees, *degree.reaches)
        assert not words or any(w in low for w in words), (text, degree.name)
    words = (*tempo.adjectives, *tempo.adverbs)
    micro = label.brief or (label.kind == "expression" and event.end_s - event.start_s < 0.6)
    assert micro or not words or any(w in low for w in words), (text, tempo.name)
    if label.countable and event.count > 1:
        assert times(event.count) in low or {2: "two", 3: "three", 4: "four"}[event.count] in low, text


@pytest.mark.parametrize(("name", "given"), variants())
def test_one_event_is_named_with_all_that_is_said_of_it(name, given):
    graded = LEXICON.label(name).graded
    cases = [{"intensity": i if graded else 1.0, "tempo": t} for i, t in ((0.3, "slow"), (0.55, "medium"), (0.8, "fast"), (0.95, "medium"))]
    for case in cases:
        count = 3 if LEXICON.label(name).countable else 1
        script = script_of(name, **given, **case, count=count)
        texts = write_sentences(script, count=8, seed=1)
        assert len(set(texts)) == 8
        check_faithful(script, texts)


PAIRS = [
    ("pout", "surprise"),
    ("nod", "smile"),
    ("anger", "raised eyebrows"),
    ("laughter", "look"),
    ("closed eyes", "tilt"),
    ("dimples", "jaw forward"),
]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_events_in_turn_are_named_in_their_order_or_with_a_word_that_turns_it(first, second):
    script = Script(
        events=(event_of(first, start_s=0.3, end_s=1.9, intensity=1.0), event_of(second, start_s=2.0, end_s=3.6, intensity=1.0)), duration_s=4.0
    )
    texts = write_sentences(script, count=12, seed=2)
    check_faithful(script, texts)
    for text in texts:
        assert re.search(r"then|before|after|next|follow|turn|chang|giving way|fading|moment later|start", text, re.IGNORECASE), text


@pytest.mark.parametrize(("carrier", "rider"), [("happiness", "nod"), ("raised eyebrows", "tongue out"), ("sadness", "turn"), ("turn", "smile")])
def test_events_at_once_are_told_as_such(carrier, rider):
    script = Script(events=(event_of(carrier, start_s=0.3, end_s=3.5), event_of(rider, start_s=0.9, end_s=2.5)), duration_s=4.0)
    texts = write_sentences(script, count=10, seed=3)
    check_faithful(script, texts)
    assert all(re.search(r"\bwhile\b|\bwith\b|same time|meanwhile", t, re.IGNORECASE) for t in texts), texts


def test_the_demo_prompt_is_within_the_distribution():
    script = Script(
        events=(event_of("pout", start_s=0.3, end_s=2.2, tempo="slow", intensity=0.55), event_of("surprise", start_s=2.0, end_s=4.0, intensity=0.55)),
        duration_s=4.0,
    )
    texts = {t for seed in range(400) for t in write_sentences(script, count=8, seed=seed)}
    assert "a slow pout turning to surprise" in texts


def test_many_styles_are_used():
    script = script_of("surprise", intensity=0.55)
    texts = [t for seed in range(30) for t in write_sentences(script, count=6, seed=seed)]
    starts = {t.split()[0].lower() for t in texts}
    assert {"a", "the", "she", "he", "someone", "look", "show"} <= starts
    assert any(t.endswith(".") for t in texts) and any(t[0].islower() for t in texts)
    assert len(set(texts)) > 80


def test_gender_is_kept():
    texts = " ".join(t for seed in range(20) for t in write_sentences(script_of("smile"), count=6, seed=seed, gender="female")).lower()
    assert not re.search(r"\b(he|his|him|man)\b", texts) and "woman" in texts


def test_age_is_kept():
    for age, never in (("child", {"woman", "man", "guy", "old", "older", "young"}), ("older adult", {"girl", "boy", "young"})):
        texts = " ".join(t for seed in range(25) for t in write_sentences(script_of("smile"), count=6, seed=seed, age=age)).lower()
        assert not never & set(texts.replace(",", " ").replace(".", " ").split()), age
        assert "boy" in texts if age == "child" else "old man" in texts


def test_a_face_without_events_is_told_as_such():
    texts = write_sentences(Script(events=(), duration_s=4.0), count=8, seed=0)
    assert len(set(texts)) == 8 and all(not read_sentence(t) for t in texts)


def test_flashes_are_told_as_such():
    for text in write_sentences(script_of("fear", start_s=1.0, end_s=1.4), count=8, seed=0):
        assert re.search(r"brief|flash|fleeting|instant|split", text), text


def test_equal_seeds_give_equal_sentences():
    script = script_of("anger")
    assert write_sentences(script, seed=3) == write_sentences(script, seed=3) != write_sentences(script, seed=4)


def test_impossible_numbers_are_refused():
    with pytest.raises(InputError, match="ask for fewer"):
        write_sentences(script_of("crossed eyes", tempo="medium"), count=5000)


def test_grammar():
    assert [conjugate("stick out her tongue", f) for f in FORMS] == [
        "stick out her tongue", "sticks out her tongue", "stick out her tongue", "stuck out her tongue", "sticking out her tongue",
    ]  # fmt: skip
    assert [conjugate(v, "ing") for v in ("nod", "smile", "cry", "grin", "be")] == ["nodding", "smiling", "crying", "grinning", "being"]
    assert [conjugate(v, "past") for v in ("nod", "smile", "cry", "half-close", "screw up it")] == [
        "nodded",
        "smiled",
        "cried",
        "half-closed",
        "screwed up it",
    ]
    assert [conjugate(v, "third") for v in ("cry", "clench", "have", "display", "say")] == ["cries", "clenches", "has", "displays", "says"]
    assert [article(w) for w in ("angry look", "slow pout", "one-sided smile", "unhurried nod")] == [
        "an angry look", "a slow pout", "a one-sided smile", "an unhurried nod",
    ]  # fmt: skip
    assert [plural(w) for w in ("nod of the head", "blink", "wink of the left eye", "left-eyed wink")] == [
        "nods of the head", "blinks", "winks of the left eye", "left-eyed winks",
    ]  # fmt: skip
    assert [seconds(x) for x in (0.4, 1.1, 2.0, 2.6)] == ["half a second", "a second", "two seconds", "two and a half seconds"]
    assert joined(["a"]) == "a" and joined(["a", "b", "c"]) == "a, b and c"
