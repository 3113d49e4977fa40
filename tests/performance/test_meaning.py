"""Sentences read back: what the writer writes tells its script, and nothing that differs in one thing does."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.meaning import differences, tells
from tdmm_core.performance.sentence_reader import as_script, read_sentence
from tdmm_core.performance.sentences import moments_of, write_sentences
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import plan_clips


def event(label: str, start_s: float = 0.0, end_s: float = 2.0, **terms) -> Event:
    entry = load_lexicon().label(label)
    given = {"intensity": 0.56 if entry.graded else 1.0, "side": entry.sides[0], "direction": (entry.directions or ("",))[0]} | terms
    return Event(kind=entry.kind, label=label, start_s=start_s, end_s=end_s, **given)


def script(*events: Event) -> Script:
    return Script(events=events, duration_s=max(e.end_s for e in events))


@pytest.fixture(scope="module")
def planned():
    return [clip.clip for clip in plan_clips(SynthConfig(num_clips=250), seed=904)]


def test_written_sentences_tell_their_script(planned) -> None:
    told = [(c, s) for c in planned for s in (c.prompt, *c.paraphrases)]
    wrong = [(s, differences(c.script, s)) for c, s in told if not tells(c.script, s)]
    assert len(wrong) <= 0.005 * len(told), wrong[:5]


def test_a_still_face_is_told_by_naming_nothing() -> None:
    still = Script(events=(), duration_s=3.0)
    assert all(tells(still, s) for s in write_sentences(still, count=6, seed=3))
    assert not tells(still, "She smiles.")


@pytest.mark.parametrize("kind", ["lost", "added", "swapped", "strength", "tempo", "count", "place", "order"])
def test_a_sentence_of_another_script_is_found_out(planned, kind: str) -> None:
    rng = Random(kind)
    judged = [tells(changed, s) for c in planned if (changed := _changed(c.script, kind, rng)) is not None for s in (c.prompt, *c.paraphrases[:2])]
    assert len(judged) > 20 and sum(judged) <= 0.01 * len(judged)


def _changed(whole: Script, kind: str, rng: Random) -> Script | None:
    """The script with one thing changed, or None where it has no such thing."""
    lexicon, events = load_lexicon(), list(whole.events)
    if not events:
        return None
    at = rng.randrange(len(events))
    one, label = events[at], lexicon.of(events[at])
    match kind:
        case "lost":
            events.append(event(rng.choice([n for n in lexicon.labels if all(n != e.label for e in events)]), one.start_s, one.end_s))
        case "added" if len(events) > 1:
            del events[at]
        case "swapped":
            others = [x for x in lexicon.labels.values() if x.name != one.label and x.kind == one.kind and x.sides == label.sides]
            if not others:
                return None
            events[at] = event(rng.choice(others).name, one.start_s, one.end_s)
        case "strength" if label.graded:
            degree = rng.choice([d for d in lexicon.degrees if d.name != lexicon.degree(one.intensity).name])
            events[at] = replace(one, intensity=(degree.low + degree.high) / 2)
        case "tempo" if not label.brief and (one.end_s - one.start_s > 0.7 or one.kind != "expression"):
            events[at] = replace(one, tempo=rng.choice([t for t in ("slow", "medium", "fast") if t != one.tempo]))
        case "count" if label.countable:
            events[at] = replace(one, count=one.count + 1)
        case "place" if label.directions or len(label.sides) > 1:
            places = label.directions or label.sides
            other = rng.choice([p for p in places if p not in (one.direction, one.side)])
            events[at] = replace(one, direction=other) if label.directions else replace(one, side=other)
        case "order" if len(moments_of(events)) == 2 == len(events):
            first, last = events
            events = [replace(last, start_s=first.start_s, end_s=first.end_s), replace(first, start_s=last.start_s, end_s=last.end_s)]
        case _:
            return None
    return Script(events=tuple(events), duration_s=whole.duration_s)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("Her eyebrows are slowly raised, and then she nods twice.", [event("raised eyebrows", tempo="slow"), event("nod", 2.2, 4.0, count=2)]),
        ("After a faint smile he gets really angry", [event("smile", intensity=0.3), event("anger", 2.1, 4.0, intensity=0.77)]),
        ("Before she smiles, her head is turned to the left.", [event("turn", direction="left"), event("smile", 2.2, 4.0)]),
        ("a head shake, three times, while the eyes are closed", [event("head shake", count=3), event("closed eyes")]),
        ("the man winks his right eye all of a sudden", [event("wink", side="right", tempo="fast")]),
        ("I want a slow pout turning to surprise", [event("pout", tempo="slow"), event("surprise", 1.9, 4.0)]),
    ],
)
def test_words_that_the_writer_does_not_use(text: str, asked: list[Event]) -> None:
    assert differences(script(*asked), text) == ()


def test_what_is_found_is_said() -> None:
    asked = script(event("smile"), event("nod", 2.2, 4.0, count=2))
    assert differences(asked, "She smiles.") == ("nod is lost",)
    assert differences(asked, "She smiles, then nods twice and pouts.") == ("pout is added",)
    assert "count 2, got 3" in differences(asked, "She smiles, then nods three times.")[0]
    assert "before" in differences(asked, "She nods twice, then smiles.")[0]
    assert differences(asked, "A dog runs across the yard.") == ("smile is lost", "nod is lost")


def test_a_reading_is_a_script() -> None:
    told = as_script(read_sentence("Slowly raise your left eyebrow, then blink twice while turning your head to the right."))
    assert [(e.label, e.side, e.direction, e.count, e.tempo, e.start_s) for e in told.events] == [
        ("one raised eyebrow", "left", "", 1, "slow", 0.0),
        ("blink", "both", "", 2, "medium", 1.0),
        ("turn", "both", "right", 1, "medium", 1.0),
    ]
