"""Obedience: who performs the script keeps its claims, who does something else does not, and what goes unsaid is no claim."""

from __future__ import annotations

import numpy as np
import pytest
from script_cases import event_of, script_of

from tdmm_core.domain.script import Script
from tdmm_core.evaluation.obedience import Asked, expression_of, obedience, ordered_by_strength
from tdmm_core.performance.claims import Claim
from tdmm_core.performance.perform import perform

SCRIPTS = [
    Script(events=(event_of("surprise", start_s=0.4, end_s=2.4), event_of("turn", start_s=2.6, end_s=4.4, direction="left")), duration_s=5.0),
    script_of("happiness", start_s=0.5, end_s=3.0, duration_s=4.0),
    script_of("anger", start_s=0.5, end_s=3.0, duration_s=4.0),
    script_of("nod", start_s=0.5, end_s=2.5, count=2, duration_s=4.0),
]


def asked_of(*scripts: Script, prompt: str = "she does it", said=None) -> list[Asked]:
    return [Asked(prompt=prompt, script=s, said=said) for s in scripts]


def test_who_performs_the_script_keeps_its_claims_and_others_do_not() -> None:
    rows = obedience(asked_of(*SCRIPTS), [perform(s, seed=2) for s in SCRIPTS])
    everything, by_kind = rows[0], {row.kind: row for row in rows[1:]}
    assert everything.kind is None and everything.asked == sum(row.asked for row in by_kind.values())
    assert everything.share > 0.8 and everything.dealt < 0.4 and everything.neutral == 0.0
    assert by_kind["direction"].share == 1.0 and by_kind["order"].asked == 1 and "duration" not in by_kind


def test_a_length_counts_where_the_sentence_says_seconds() -> None:
    motions = [perform(s, seed=2) for s in SCRIPTS[1:3]]
    kinds = {row.kind for row in obedience(asked_of(*SCRIPTS[1:3], prompt="she is happy for 2.5 seconds"), motions)}
    assert "duration" in kinds


def test_only_what_is_said_counts() -> None:
    rows = obedience(asked_of(SCRIPTS[0], said=frozenset({("direction", "turn")})), [perform(SCRIPTS[0], seed=2)])
    assert {row.kind for row in rows[1:]} == {"face", "head", "direction", "order"}
    assert not asked_of(SCRIPTS[0], said=frozenset())[0].counts(Claim(kind="strength", label="turn", asked="", read="", kept=True))


def test_nothing_asked_is_kept_by_who_does_nothing() -> None:
    still = Script(events=(), duration_s=3.0)
    rows = obedience(asked_of(still, SCRIPTS[1]), [perform(still, seed=1), perform(still, seed=2)])
    assert {row.kind: row.share for row in rows}["stillness"] == 1.0 and {row.kind: row.share for row in rows}["face"] == 0.0
    assert np.isnan(obedience([], [])[0].share)


@pytest.mark.parametrize("label", ["happiness", "surprise", "pout"])
def test_the_stronger_performance_peaks_higher(label: str) -> None:
    weak, strong = (perform(script_of(label, intensity=i, start_s=0.5, end_s=2.5, duration_s=3.0), seed=4) for i in (0.3, 0.9))
    assert ordered_by_strength(weak, strong, label) and not ordered_by_strength(strong, weak, label)
    still = perform(Script(events=(), duration_s=3.0), seed=4)
    assert not ordered_by_strength(still, still, label)


def test_the_expression_is_the_strongest_face() -> None:
    assert expression_of(perform(SCRIPTS[1], seed=2)) == "joy"
    assert expression_of(perform(SCRIPTS[2], seed=2)) == "anger"
    assert expression_of(perform(Script(events=(), duration_s=3.0), seed=4)) == ""
