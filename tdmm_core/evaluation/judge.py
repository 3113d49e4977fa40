"""The offline judge: a sentence is read back into a script and compared with the true one, for emotion, motion and strength.

Marks are 1 to 5 and corrected for chance: 1 is what the sentence of another clip, or one that says that nothing happens, earns on the same clips,
5 is all of it right. Reading is `performance`'s reader of sentences, so the marks are of this suite's words; they stand beside no other judge's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.plain import STILL, plain_sentence
from tdmm_core.performance.questions import feeling
from tdmm_core.performance.sentence_reader import as_script, read_sentence
from tdmm_core.performance.sentences import moments_of

ASPECTS = ("emotion", "motion", "strength")
_BARE = 0.6
"What naming a movement is worth without its side, direction and count."
_ORDER = 0.2
"What the order of movements weighs beside what they are."


@dataclass(frozen=True, kw_only=True)
class Marks:
    """Marks of one set of sentences, 1 to 5; NaN where no clip shows anything of the kind."""

    emotion: float
    motion: float
    strength: float


def read_back(text: str) -> Script:
    """The script that a sentence tells; an empty one where it names nothing."""
    named = read_sentence(text)
    return as_script(named) if named else Script(events=(), duration_s=1.0)


def marks(truth: Sequence[Script], texts: Sequence[str]) -> Marks:
    """Marks of `texts`, one for each true script, corrected for what chance earns on these clips."""
    earned, chance = agreement(truth, [read_back(t) for t in texts]), chance_level(truth)
    values = {}
    for k, aspect in enumerate(ASPECTS):
        share = float(np.nanmean(earned[:, k])) if not np.isnan(earned[:, k]).all() else float("nan")
        values[aspect] = 1.0 + 4.0 * float(np.clip((share - chance[k]) / max(1.0 - chance[k], 1e-9), 0.0, 1.0)) if share == share else float("nan")
    return Marks(**values)


def chance_level(truth: Sequence[Script]) -> np.ndarray:
    """(3,) agreement that other clips' sentences earn, or that of stillness where that is more."""
    shift = max(1, len(truth) // 2)
    others = [read_back(plain_sentence(truth[(i + shift) % len(truth)])) for i in range(len(truth))]
    still = [read_back(STILL)] * len(truth)
    floors = []
    for told in (others, still):
        found = agreement(truth, told)
        floors.append([float(np.nanmean(c)) if not np.isnan(c).all() else 0.0 for c in found.T])
    return np.max(floors, axis=0)


def agreement(truth: Sequence[Script], told: Sequence[Script]) -> np.ndarray:
    """(C, 3) share of each aspect of each clip that is told rightly, 0 to 1; NaN where neither side has anything of it."""
    return np.array([[_emotion(t, s), _motion(t, s), _strength(t, s)] for t, s in zip(truth, told, strict=True)]).reshape(-1, 3)


def invented(truth: Script, told: Script, seen: Script | None = None) -> tuple[int, int]:
    """How many events are told, and how many of them have no ground: of no family that the script has or that was `seen` in the motion."""
    grounds = {_family(e) for s in (truth, seen) if s is not None for e in s.events}
    return len(told.events), sum(_family(e) not in grounds for e in told.events)


def _family(event: Event) -> str:
    return load_lexicon().label(event.label).family


def _emotion(truth: Script, told: Script) -> float:
    """F1 of the states of mind; a tenth less where they come in another order."""
    a, b = ([f for e in s.events if (f := feeling(e))] for s in (truth, told))
    a, b = list(dict.fromkeys(a)), list(dict.fromkeys(b))
    if not a and not b:
        return float("nan")
    both = [f for f in a if f in b]
    score = 2 * len(both) / (len(a) + len(b))
    return score * (1.0 if both == [f for f in b if f in a] else 0.9)


def _motion(truth: Script, told: Script) -> float:
    """F1 of whatever is no state of mind, each with its side, direction and count; and the order of all that was told."""
    asked, got = ([e for e in s.events if not feeling(e)] for s in (truth, told))
    if not asked and not got:
        return float("nan")
    worth = sum(_likeness(a, b) for a, b in _matched(asked, got))
    score = 2 * worth / (len(asked) + len(got))
    order = _order(truth, told)
    return score if order is None else (1 - _ORDER) * score + _ORDER * order * min(1.0, 2 * score)


def _strength(truth: Script, told: Script) -> float:
    """How near the degree of each graded event is told, 0 for one that is not told."""
    asked = [e for e in truth.events if load_lexicon().label(e.label).graded]
    if not asked:
        return float("nan")
    degrees = [d.name for d in load_lexicon().degrees]
    worth = 0.0
    for a, b in _matched(asked, [e for e in told.events if load_lexicon().label(e.label).graded]):
        apart = abs(degrees.index(load_lexicon().degree(a.intensity).name) - degrees.index(load_lexicon().degree(b.intensity).name))
        worth += 1 - apart / (len(degrees) - 1)
    return worth / len(asked)


def _matched(asked: Sequence[Event], got: Sequence[Event]) -> list[tuple[Event, Event]]:
    """Events of one family side by side, the likest first, none twice."""
    pairs = sorted(((-_likeness(a, b), i, k) for i, a in enumerate(asked) for k, b in enumerate(got) if _family(a) == _family(b)))
    taken_a: set[int] = set()
    taken_b: set[int] = set()
    found = []
    for _, i, k in pairs:
        if i not in taken_a and k not in taken_b:
            taken_a.add(i)
            taken_b.add(k)
            found.append((asked[i], got[k]))
    return found


def _likeness(asked: Event, got: Event) -> float:
    """1 for the same movement, less where side, direction or count are told otherwise."""
    label = load_lexicon().label(asked.label)
    said = [asked.side == got.side] if label.lateral == "said" else []
    said += [asked.direction == got.direction] if asked.direction else []
    said += [asked.count == got.count] if label.countable else []
    return _BARE + (1 - _BARE) * sum(said) / len(said) if said else 1.0


def _order(truth: Script, told: Script) -> float | None:
    """Share of the neighbours in time that are told in their order; None where the script has a single moment or nothing was told twice."""
    moments = moments_of(truth.events)
    if len(moments) < 2:
        return None
    place = {}
    for number, moment in enumerate(moments_of(told.events)):
        for event in moment:
            place.setdefault(_family(event), number)
    pairs = Counter()
    for early, late in pairwise(moments):
        a, b = place.get(_family(early[0])), place.get(_family(late[0]))
        pairs["right"] += a is not None and b is not None and (a < b or (a == b and _family(early[0]) == _family(late[0])))
        pairs["all"] += 1
    return pairs["right"] / pairs["all"]
