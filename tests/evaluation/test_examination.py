"""Marking answers: balanced where they are yes or no, word for word elsewhere, and a guesser earns the floor."""

from __future__ import annotations

import pytest

from tdmm_core.domain.description import Asked
from tdmm_core.evaluation.examination import examined, right_answer


def ask(kind: str, answer: str) -> Asked:
    return Asked(kind=kind, question="?", answer=answer)


def test_yes_or_no_is_balanced() -> None:
    asked = [ask("shown", "Yes.")] * 9 + [ask("shown", "No.")]
    always = examined(asked, ["Yes."] * 10)["shown"]
    assert always.value == always.floor == 0.5 and always.count == 10
    assert examined(asked, ["Yes, it does."] * 9 + ["no"])["yes or no"].value == 1.0
    assert examined(asked, ["A smile."] * 10)["shown"].value == 0.0


def test_kinds_apart_and_the_commonest_answer_is_the_floor() -> None:
    asked = [ask("count", "Twice."), ask("count", "Twice."), ask("count", "Once."), ask("order", "No."), ask("order", "Yes.")]
    found = examined(asked, ["twice", "Once.", "once.", "No.", "No."])
    assert found["count"].value == pytest.approx(2 / 3) and found["count"].floor == pytest.approx(2 / 3)
    assert found["order"].value == 0.5 and found["yes or no"].count == 2
    assert list(found) == ["yes or no", "count", "order"]


@pytest.mark.parametrize(
    ("told", "right"),
    [
        ("Yes, at about 0.5, 2.5 seconds.", True),
        ("yes: at 1 and 2 seconds", True),
        ("Yes, at about 0.5 seconds.", False),
        ("Yes, at about 0.5, 2.5, 4 seconds.", False),
        ("No.", False),
        ("Yes.", False),
    ],
)
def test_times_may_be_half_a_second_off(told: str, right: bool) -> None:
    assert right_answer(ask("blink times", "Yes, at about 0.5, 2.5 seconds."), told) == right
