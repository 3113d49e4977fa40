"""Plain sentences made more natural by a language model, and the check that nothing was lost or added.

Knows no model: it is handed a way to ask one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tdmm_core.domain.script import Script
from tdmm_core.performance.meaning import differences

Ask = Callable[[str], str]
"A question to a language model, and its answer."

_LONGEST = 60
"Words of an answer that is still one sentence about a face."


@dataclass(frozen=True, kw_only=True)
class Rewriting:
    """What a model made of one sentence."""

    plain: str
    offered: str
    "Empty where the model gave nothing for it."
    faults: tuple[str, ...] = ()
    "Why the offer is rejected; none where it is taken."

    @property
    def taken(self) -> bool:
        return bool(self.offered) and not self.faults

    @property
    def sentence(self) -> str:
        """The offer where it is taken, else the plain sentence."""
        return self.offered if self.taken else self.plain


def question(sentences: Sequence[str]) -> str:
    """What the model is asked for the sentences of one clip."""
    numbered = "\n".join(f"{i}. {s}" for i, s in enumerate(sentences, 1))
    return (
        "Each line below describes the same short clip of a face. Rewrite every line so that it sounds as if a different person had written it: "
        "change wording, word order, register and length. Keep every expression and movement, their order, how strong and how fast they are, "
        "left and right, and how often; add nothing, explain nothing, give no reasons. "
        f"Answer with {len(sentences)} numbered lines and nothing else.\n\n{numbered}"
    )


def rewritings(script: Script, sentences: Sequence[str], ask: Ask) -> tuple[Rewriting, ...]:
    """One rewriting for each sentence of a clip.

    A sentence that is taken tells its script to the letter, and scripts of one signature stand in one split: so it is in no other one.
    """
    offers = answers(ask(question(sentences)), len(sentences))
    found: list[Rewriting] = []
    for plain, offer in zip(sentences, offers, strict=True):
        others = {r.sentence.lower() for r in found} | {s.lower() for s in sentences}
        found.append(Rewriting(plain=plain, offered=offer, faults=_faults(script, offer, others) if offer else ()))
    return tuple(found)


def answers(reply: str, count: int) -> list[str]:
    """The numbered lines of a reply, empty where one is missing."""
    lines = [""] * count
    for number, text in re.findall(r"^\s*[(\[]?(\d+)[.):\]]\s*(.+?)\s*$", reply, flags=re.MULTILINE):
        if 1 <= int(number) <= count and not lines[int(number) - 1]:
            lines[int(number) - 1] = text.strip(" \"'*\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}")
    return lines


def _faults(script: Script, offer: str, others: set[str]) -> tuple[str, ...]:
    if len(offer.split()) > _LONGEST:
        return (f"it is longer than {_LONGEST} words",)
    if offer.lower() in others:
        return ("it is a sentence that is there already",)
    return differences(script, offer)
