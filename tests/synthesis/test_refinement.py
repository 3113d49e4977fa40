"""Refined sentences: what a model may change and what it may not, whatever it answers."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.meaning import tells
from tdmm_core.performance.sentences import write_sentences
from tdmm_core.synthesis.refinement import answers, question, rewritings

SCRIPT = Script(
    events=(
        Event(kind="action", label="smile", start_s=0.3, end_s=2.0, intensity=0.3),
        Event(kind="head", label="nod", start_s=2.2, end_s=3.6, intensity=0.56, count=2),
    ),
    duration_s=4.0,
)
PLAIN = write_sentences(SCRIPT, count=4, seed=8)


def says(*lines: str):
    return lambda _: "\n".join(f"{i}. {line}" for i, line in enumerate(lines, 1))


def test_a_natural_rewriting_is_taken() -> None:
    offers = ("He smiles faintly and then nods his head twice.", "Slight smile, then two nods.", "A little smile, followed by nodding two times.")
    found = rewritings(SCRIPT, PLAIN[:3], says(*offers))
    assert [r.sentence for r in found] == list(offers)


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        ("He smiles faintly.", "nod is lost"),
        ("He smiles faintly, then nods twice and winks his left eye.", "wink is added"),
        ("He smiles broadly, then nods twice.", "strength"),
        ("He smiles faintly, then nods three times.", "count"),
        ("He nods twice and then smiles faintly.", "before"),
        ("He smiles faintly and slowly, then nods twice.", "tempo"),
        ("word " * 80, "longer"),
    ],
)
def test_what_changes_the_meaning_is_rejected_and_said(offer: str, why: str) -> None:
    (found,) = rewritings(SCRIPT, PLAIN[:1], says(offer))
    assert not found.taken and found.sentence == PLAIN[0] and why in " ".join(found.faults)


def test_no_sentence_comes_twice() -> None:
    same = "A faint smile and then two nods."
    found = rewritings(SCRIPT, PLAIN[:3], says(same, same, PLAIN[0]))
    assert [r.taken for r in found] == [True, False, False]


@given(reply=st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_whatever_a_model_answers_every_sentence_still_tells_the_script(reply: str) -> None:
    found = rewritings(SCRIPT, PLAIN, lambda _: reply)
    assert len(found) == len(PLAIN) and all(tells(SCRIPT, r.sentence) for r in found)


def test_numbered_lines_are_read_however_they_are_numbered() -> None:
    assert answers('Sure!\n1. "a"\n (2) b\n3: c\n5) e\n9. z', 5) == ["a", "b", "c", "", "e"]
    lines = [f"line {Random(i).random()}" for i in range(4)]
    assert question(lines).endswith("\n".join(f"{i}. {line}" for i, line in enumerate(lines, 1)))
