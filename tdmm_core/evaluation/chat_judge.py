"""A chat model as judge, which whoever measures may name: it is told what really happens and what was said, and gives marks 1 to 5.

Its prompt and its raw replies are part of the result. Its marks are no others' scale: not the offline judge's, and no paper's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tdmm_core.errors import ServiceError
from tdmm_core.evaluation.judge import ASPECTS, Marks

PROMPT = """You compare a description of a face's motion with what the face really does, and give three marks from 1 (wrong) to 5 (right).
emotion: is the emotion, or its absence, described rightly?
motion: are movements of face and head described rightly, with side, direction, number and order?
strength: is described rightly how strong and how fast things are?
What really happens: {truth}
Description: {said}
Answer with one line of JSON and nothing else, like {{"emotion": 1, "motion": 1, "strength": 1}}."""
_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """One verdict with what was sent and what came back."""

    prompt: str
    reply: str
    marks: tuple[float, ...]
    "In the order of ASPECTS; NaN where the reply had none."


def rule(ask: Callable[..., str], truths: Sequence[str], said: Sequence[str], *, seed: int = 0) -> list[Ruling]:
    """The verdict on each description. Raises ServiceError where not one reply could be read."""
    rulings = []
    for number, (truth, text) in enumerate(zip(truths, said, strict=True)):
        prompt = PROMPT.format(truth=truth, said=text)
        reply, found = "", None
        for attempt in range(_TRIES):
            reply = ask(prompt, seed=seed + number + 7919 * attempt)
            if (found := read_marks(reply)) is not None:
                break
        rulings.append(Ruling(prompt=prompt, reply=reply, marks=found or (float("nan"),) * len(ASPECTS)))
    if rulings and all(np.isnan(r.marks).all() for r in rulings):
        raise ServiceError(f"judge: expected marks as JSON, such as {{\"emotion\": 3, ...}}, got {rulings[0].reply[:120]!r}; name another model")
    return rulings


def read_marks(reply: str) -> tuple[float, ...] | None:
    """The marks in a reply, None where there are none or one is not 1 to 5."""
    for found in re.findall(r"\{[^{}]*\}", reply):
        try:
            data = json.loads(found)
            marks = tuple(float(data[a]) for a in ASPECTS)
        except (ValueError, KeyError, TypeError):
            continue
        if all(1 <= m <= 5 for m in marks):
            return marks
    return None


def mean_marks(rulings: Sequence[Ruling]) -> Marks:
    """Their means; replies without marks are left out."""
    table = np.array([r.marks for r in rulings], float).reshape(-1, len(ASPECTS))
    return Marks(**{a: float(np.nanmean(table[:, k])) for k, a in enumerate(ASPECTS)})
