"""The plainest sentence: whatever the script, it names all of it and nothing else; so do the dated sentences and the short names."""

from __future__ import annotations

from random import Random

import pytest
from script_cases import event_of, script_of, variants

from tdmm_core.domain.script import Script
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.meaning import differences
from tdmm_core.performance.plain import STILL, dated_sentences, half, plain_name, plain_sentence
from tdmm_core.performance.sentence_reader import read_sentence


@pytest.mark.parametrize("tempo", ["slow", "medium", "fast"])
def test_every_label_is_told_at_every_strength(tempo: str) -> None:
    wrong = []
    for name, given in variants():
        label = load_lexicon().label(name)
        for intensity in (0.3, 0.55, 0.78, 0.95) if label.graded else (1.0,):
            script = script_of(name, intensity=intensity, tempo=tempo, count=2 if label.countable else 1, **given)
            wrong += [d for text in (plain_sentence(script), plain_name(script.events[0])) for d in differences(script, text)]
    assert wrong == []


def test_sequences_and_company_are_told_in_their_order() -> None:
    rng, labels = Random(3), sorted(load_lexicon().labels)
    told = 0
    for _ in range(150):
        a, b, c = (event_of(rng.choice(labels)) for _ in range(3))
        from dataclasses import replace

        script = Script(events=(a, replace(b, start_s=3.0, end_s=4.5), replace(c, start_s=5.0, end_s=6.0)), duration_s=6.0)
        told += not differences(script, plain_sentence(script))
    assert told >= 147  # two phrases side by side may read as a third


def test_nothing_happens_is_said_so() -> None:
    still = Script(events=(), duration_s=3.0)
    assert plain_sentence(still) == dated_sentences(still) == STILL and read_sentence(STILL) == ()


def test_dated_sentences_hold_the_times() -> None:
    text = dated_sentences(script_of("smile", start_s=1.1, end_s=2.9))
    assert text.startswith("From 1 to 3 seconds the person smiles")
    assert [half(t) for t in (0.2, 0.3, 1.74, 1.76)] == ["0", "0.5", "1.5", "2"]
