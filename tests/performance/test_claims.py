"""Claims: a script keeps its own, a changed one loses exactly what was changed, another clip's reading keeps few."""

from __future__ import annotations

from dataclasses import replace

import pytest
from reader_truth import cases
from script_cases import event_of, script_of

from tdmm_core.domain.script import Script
from tdmm_core.performance.claims import chance, claims, tally
from tdmm_core.performance.perform import perform
from tdmm_core.performance.reading import read

ASKED = Script(
    events=(
        event_of("surprise", start_s=0.3, end_s=2.0, tempo="fast"),
        event_of("pout", start_s=2.0, end_s=3.6),
        event_of("turn", start_s=0.5, end_s=1.8, direction="left"),
        event_of("nod", start_s=4.0, end_s=5.4, count=2),
        event_of("blink", start_s=5.5, end_s=5.9, count=2),
    ),
    duration_s=6.0,
)


def broken(asked: Script, read_: Script, **how) -> set[tuple[str, str]]:
    return {(c.kind, c.label) for c in claims(asked, read_, **how) if not c.kept}


def changed(index: int, **values) -> Script:
    events = list(ASKED.events)
    events[index] = replace(events[index], **values)
    return replace(ASKED, events=tuple(events))


def test_a_script_keeps_all_its_claims():
    kinds = {c.kind for c in claims(ASKED, ASKED)}
    assert broken(ASKED, ASKED) == broken(ASKED, ASKED, timed=True) == set()
    assert kinds == {"face", "head", "blink", "strength", "direction", "count", "tempo", "duration", "order"}


@pytest.mark.parametrize(("label", "values", "kind"), [
    ("surprise", {"intensity": 0.3}, "strength"), ("surprise", {"tempo": "slow"}, "tempo"), ("turn", {"direction": "right"}, "direction"),
    ("nod", {"count": 3}, "count"), ("blink", {"count": 1}, "count"), ("surprise", {"end_s": 0.9}, "duration"), ("pout", {"label": "smile"}, "face"),
])  # fmt: skip
def test_what_is_changed_is_what_is_broken(label, values, kind):
    index = next(i for i, e in enumerate(ASKED.events) if e.label == label)
    found = broken(ASKED, changed(index, **values))
    assert (kind, label) in found
    if kind != "face":
        assert found == {(kind, label)}


def test_order_and_time():
    swapped = Script(events=(event_of("pout", start_s=0.3, end_s=2.0), event_of("surprise", start_s=2.0, end_s=3.6)), duration_s=6.0)
    plain = Script(events=(event_of("surprise", start_s=0.3, end_s=2.0), event_of("pout", start_s=2.0, end_s=3.6)), duration_s=6.0)
    assert broken(plain, swapped) == {("order", "surprise/pout")}
    later = script_of("surprise", start_s=3.0, end_s=4.8, duration_s=6.0)
    assert broken(script_of("surprise", start_s=0.3, end_s=2.1, duration_s=6.0), later) == set()
    assert ("face", "surprise") in broken(script_of("surprise", start_s=0.3, end_s=2.1, duration_s=6.0), later, timed=True)


def test_each_read_event_serves_once():
    twice = Script(events=(event_of("smile", start_s=0.2, end_s=1.5), event_of("smile", start_s=2.0, end_s=3.5)), duration_s=4.0)
    faces = [c for c in claims(twice, script_of("smile")) if c.kind == "face"]
    assert sorted(c.kept for c in faces) == [False, True]


def test_nothing_is_a_claim_too():
    still = Script(events=(), duration_s=4.0)
    assert [c.kept for c in claims(still, perform(still, seed=3))] == [True]
    assert [c.kept for c in claims(still, perform(script_of("laughter"), seed=3))] == [False]


def test_performances_keep_their_claims_far_above_chance():
    clips = cases(60, seed=515)
    asked, seen = [c.script for c in clips], [read(c.motion) for c in clips]
    verdicts = [claims(a, r) for a, r in zip(asked, seen, strict=True)]
    told, floor = tally([c for v in verdicts for c in v]), chance(asked, seen)
    for kind in ("face", "strength", "duration", "order"):
        assert told[kind].share > 0.7 and floor[kind].share < 0.3, (kind, told[kind], floor[kind])
