"""Questions from scripts: their answers are true, yes and no come alike, and equal seeds ask the same."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from script_cases import event_of, script_of

from tdmm_core.domain.description import Asked
from tdmm_core.domain.script import Script
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.meaning import tells
from tdmm_core.performance.plain import STILL
from tdmm_core.performance.question_words import HEAD_STILL, NO_EMOTION, NOT_SHOWN, NOTHING, UNANSWERABLE
from tdmm_core.performance.questions import questions

SMILE_THEN_NODS = Script(
    duration_s=4.0,
    events=(event_of("smile", start_s=0.5, end_s=1.8, intensity=0.8), event_of("nod", start_s=2.0, end_s=3.4, count=2, intensity=0.55)),
)
ANGER = script_of("anger", intensity=0.95)
STILL_SCRIPT = Script(events=(), duration_s=4.0)


def asked(script: Script, *, other: Script = ANGER, blinks: tuple[float, ...] | None = (0.7, 2.3), seed: int = 0) -> dict[str, list[Asked]]:
    found: dict[str, list[Asked]] = {}
    for one in questions(script, other, blinks=blinks, seed=seed):
        found.setdefault(one.kind, []).append(one)
    return found


def test_what_happens_is_answered_rightly() -> None:
    found = {kind: [a.answer for a in many] for kind, many in asked(SMILE_THEN_NODS).items()}
    assert tells(SMILE_THEN_NODS, found["describe"][0]) and tells(SMILE_THEN_NODS, found["short"][0])
    assert found["emotion"] == ["Joy."] and found["strength"] == ["Strong."]
    assert found["head"] == ["The person nods twice."]
    assert found["first"] == ["The person smiles strongly."] and found["last"] == ["The person nods twice."]
    assert found["blink"] == ["Yes."] and found["blink times"] == ["Yes, at about 0.5, 2.5 seconds."]
    assert found["unanswerable"] == [NOT_SHOWN]


def test_counts_are_those_of_the_script_and_of_the_eyes() -> None:
    seen = {}
    for seed in range(60):
        for one in asked(SMILE_THEN_NODS, seed=seed)["count"]:
            seen[re.search(r"(blink|nod|shake|wink)", one.question).group()] = one.answer  # type: ignore[union-attr]
    assert seen == {"blink": "Twice.", "nod": "Twice.", "shake": "Not once.", "wink": "Not once."}


def test_nothing_happens_and_nothing_is_made_up() -> None:
    found = {kind: {a.answer for a in many} for kind, many in asked(STILL_SCRIPT, blinks=()).items()}
    assert found["describe"] == found["detailed"] == found["first"] == {STILL}
    assert found["short"] == found["strength"] == {NOTHING} and found["emotion"] == {NO_EMOTION} and found["head"] == {HEAD_STILL}
    assert found["blink"] == found["blink times"] == {"No."} and found["shown"] == {"No."}


def test_without_lids_nothing_is_asked_of_blinks() -> None:
    for seed in range(30):
        found = asked(SMILE_THEN_NODS, blinks=None, seed=seed)
        assert not {"blink", "blink times"} & set(found)
        assert not any("blink" in a.question for a in found.get("count", []))


def test_yes_and_no_come_as_often_and_the_order_decides() -> None:
    answers: Counter[tuple[str, str]] = Counter()
    for seed in range(40):
        for kind, many in asked(SMILE_THEN_NODS, seed=seed).items():
            answers.update((kind, a.answer) for a in many if a.answer in ("Yes.", "No.") and kind != "blink")
            for one in many if kind == "order" else ():
                first = min(one.question.lower().find(w) for w in ("smile", "nod") if w in one.question.lower())
                assert (one.answer == "Yes.") == one.question.lower()[first:].startswith("smile")
    for kind in ("shown", "compare", "order"):
        assert answers[kind, "Yes."] == answers[kind, "No."] == 40


def test_what_is_denied_is_not_in_the_script() -> None:
    for seed in range(40):
        for one in asked(ANGER, other=SMILE_THEN_NODS, seed=seed)["shown"]:
            named = any(w in one.question for w in ("smile", "nod"))
            assert named == (one.answer == "No.")


def test_wordings_are_many_and_seeds_decide() -> None:
    first = questions(SMILE_THEN_NODS, ANGER, blinks=(), seed=4)
    assert first == questions(SMILE_THEN_NODS, ANGER, blinks=(), seed=4) != questions(SMILE_THEN_NODS, ANGER, blinks=(), seed=5)
    worded = {a.question for seed in range(80) for a in asked(SMILE_THEN_NODS, seed=seed)["describe"]}
    assert len(worded) >= 10
    assert len({a.question for seed in range(300) for a in asked(SMILE_THEN_NODS, seed=seed)["unanswerable"]}) >= 0.9 * len(UNANSWERABLE)


@pytest.mark.parametrize("name", sorted(load_lexicon().labels))
def test_every_label_can_be_asked_about(name: str) -> None:
    for one in questions(script_of(name), SMILE_THEN_NODS, blinks=(), seed=1):
        assert one.question.strip() and one.answer[-1] == "." and "{" not in one.question + one.answer
