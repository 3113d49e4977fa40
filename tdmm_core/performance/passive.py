"""Events said of what moves instead of who moves it: "her eyebrows are slowly raised". Knows no sentence around it."""

from __future__ import annotations

from random import Random

from tdmm_core.performance.clauses import Wording, count_words, manner, with_length
from tdmm_core.performance.grammar import participle

_REST = frozenset(
    ("to", "up", "down", "out", "in", "inward", "sideways", "forward", "back", "wide", "together", "from", "shut", "{direction}", "open")
)
"Words that open what follows the part: up, to the left."
_MANY = ("eyes", "brows", "eyebrows", "lips", "cheeks", "teeth", "corners", "eyelids", "nostrils", "lids")
_UNFIT = frozenset(("let", "show", "keep", "have", "give", "make", "put", "blink", "wink"))


def passive_clause(wording: Wording, rng: Random, *, past: bool) -> str | None:
    """The event as something that is done to a part of the face, or None where no verb of its label allows it."""
    fitting = [found for v in wording.label.verbs if (found := parted(v)) is not None]
    if not fitting or wording.micro:
        return None
    verb, part, rest = rng.choice(fitting)
    being = ("were" if past else "are") if part.split()[-1] in _MANY else ("was" if past else "is")
    before, after = manner(wording, rng, leading=True)
    words = [f"{wording.person.owner} {part}", being, *before, participle(verb), rest, *count_words(wording, rng), *after]
    return with_length(wording, " ".join(wording.filled(w) for w in words if w), rng)


def parted(phrase: str) -> tuple[str, str, str] | None:
    """Verb, part and rest of a bare phrase such as "press {poss} lips together", or None where it has no passive."""
    verb, *others = phrase.split()
    if len(others) < 2 or others[0] != "{poss}" or verb in _UNFIT or "{poss}" in others[1:]:
        return None
    cut = next((i for i, w in enumerate(others) if w in _REST and i > 1), len(others))
    return verb, " ".join(others[1:cut]), " ".join(others[cut:])
