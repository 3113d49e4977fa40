"""Answers to questions whose true answers are known: how many are right, kind by kind, beside what guessing earns. Knows no model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tdmm_core.domain.description import Asked

_YES_NO = ("Yes.", "No.")
_TIME = re.compile(r"\d+(?:\.\d+)?")
_NEAR_S = 0.5
"How far a told time may lie from a true one."


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One share of right answers."""

    value: float
    floor: float
    "What guessing the commonest true answer earns; one half where yes and no are weighed alike."
    count: int
    "Answers that were given."


def examined(asked: Sequence[Asked], answers: Sequence[str]) -> dict[str, Figure]:
    """Shares of right answers by kind, in the order in which kinds first come; `yes or no` over every such question first.

    Of questions with yes or no it is the mean of the shares among those that are to be affirmed and to be denied (balanced accuracy).
    """
    found: dict[str, Figure] = {}
    pairs = list(zip(asked, answers, strict=True))
    if both := [p for p in pairs if p[0].answer in _YES_NO]:
        found["yes or no"] = _balanced(both)
    for kind in dict.fromkeys(a.kind for a in asked):
        of_kind = [p for p in pairs if p[0].kind == kind]
        found[kind] = _balanced(of_kind) if all(a.answer in _YES_NO for a, _ in of_kind) else _share(of_kind)
    return found


def _balanced(pairs: Sequence[tuple[Asked, str]]) -> Figure:
    shares = []
    for word in _YES_NO:
        to_say = [_said(text) == word for a, text in pairs if a.answer == word]
        if to_say:
            shares.append(sum(to_say) / len(to_say))
    return Figure(value=sum(shares) / len(shares), floor=1 / len(shares), count=len(pairs))


def _share(pairs: Sequence[tuple[Asked, str]]) -> Figure:
    right = sum(right_answer(a, text) for a, text in pairs)
    commonest = Counter(a.answer for a, _ in pairs).most_common(1)[0][0]
    guessed = sum(right_answer(a, commonest) for a, _ in pairs)
    return Figure(value=right / len(pairs), floor=guessed / len(pairs), count=len(pairs))


def right_answer(asked: Asked, text: str) -> bool:
    """Whether an answer says what the true one says: the same words, case and stops aside, and times to half a second."""
    if asked.kind == "blink times":
        return _said(text) == _said(asked.answer) and _same_times(_times(asked.answer), _times(text))
    return _plain(text) == _plain(asked.answer)


def _said(text: str) -> str:
    first = re.match(r"\W*(yes|no)\b", text, re.IGNORECASE)
    return f"{first.group(1).capitalize()}." if first else ""


def _times(text: str) -> list[float]:
    return [float(t) for t in _TIME.findall(text)]


def _same_times(truth: Sequence[float], told: Sequence[float]) -> bool:
    """Whether every true time is told and every told one is true."""
    return all(any(abs(a - b) <= _NEAR_S for b in told) for a in truth) and all(any(abs(a - b) <= _NEAR_S for a in truth) for b in told)


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", text.lower()))
