"""Sentence to script: which events a sentence names, in which order, how strong, how fast, on which side and how often.

The way back of `sentences`, for checking what others write; knows no motion. Times are nominal: what happens at once shares a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.lexicon import Lexicon, load_lexicon
from tdmm_core.performance.vocabulary import PLACES, SLOTS, Modifier, Pattern, Vocabulary, idle, load_vocabulary, words_of

_GAP = 4
"Words that may stand between two words of a phrase: adverbs, auxiliaries."
_FAR = 1000.0
_BREAKS = frozenset(
    (",", ";", ".", ":", "!", "then", "while", "before", "after", "once", "followed", "finally", "whereupon", "until", "when", "afterwards", "next",
     "later", "ends", "ended", "who")
)
_ONWARD = frozenset(("then", "before", "followed", "finally", "afterwards", "later", "next", ";", "until", ".", "ends", "ended", "ending", "end"))
_AT_ONCE = frozenset(("same", "meanwhile", "simultaneously", "all"))
_TURNS = frozenset(
    f"{stem}{end}" for stem in ("turn", "melt", "shift", "morph") for end in ("", "s", "ed", "ing")
) | {"change", "changes", "changed", "changing", "give", "gives", "giving", "gave", "fade", "fades", "faded", "fading", "move", "moves", "moving"}
_INTO = frozenset(("to", "into", "way"))
_PRONOUNS = frozenset(("she", "he", "they", "it", "someone", "somebody", "you", "we"))
_SUBJECTS = _PRONOUNS | {"the", "a", "an", "one", "her", "his", "their", "this", "that"}
_NUMBERS = {"once": 1, "twice": 2, "thrice": 3, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}


@dataclass(kw_only=True)
class Named:
    """One event as a sentence names it."""

    pattern: Pattern
    places: tuple[int, ...]
    "Positions of its words."
    place: str = ""
    "left, right, up or down, where the phrase has such a slot."
    degree: str = ""
    tempo: str = ""
    count: int = 0
    "0 where it goes unsaid."
    micro: bool = False
    moment: int = 0
    "Events of one moment happen at once."

    @property
    def start(self) -> int:
        return self.places[0] if self.places == tuple(sorted(self.places)) else min(self.places)

    @property
    def stop(self) -> int:
        return max(self.places)


@dataclass(kw_only=True)
class _Reading:
    words: list[str]
    lemmas: list[str]
    taken: set[int] = field(default_factory=set)
    "Positions of the words of events."
    fixed: set[int] = field(default_factory=set)
    "Positions of modifiers."
    modifiers: list[tuple[Modifier, tuple[int, ...]]] = field(default_factory=list)

    def free(self, spots: Sequence[int]) -> bool:
        """Whether nothing took these words yet."""
        return self.taken.isdisjoint(spots) and self.fixed.isdisjoint(spots)


def read_sentence(text: str, vocabulary: Vocabulary | None = None) -> tuple[Named, ...]:
    """What a sentence names, in the order in which it happens; nothing for a sentence that names no label."""
    vocabulary = vocabulary or load_vocabulary()
    words = words_of(re.sub(r"\b(after|following) (that|this),?", "afterwards", text, flags=re.IGNORECASE))
    reading = _Reading(words=words, lemmas=[vocabulary.lemma(w) for w in words])
    whole = [m for m in vocabulary.modifiers if len(m.words) > 2 or m.words[0] == "a"]
    _take_modifiers(reading, whole)
    events = sorted(_events(reading, vocabulary), key=lambda e: e.start)
    _take_modifiers(reading, [m for m in vocabulary.modifiers if m not in whole])
    _take_counts(reading)
    _qualify(events, reading, _breaks(reading, events))
    _order(reading, events)
    return tuple(sorted(events, key=lambda e: (e.moment, e.start)))


def as_script(named: Sequence[Named], lexicon: Lexicon | None = None) -> Script:
    """The script that a sentence tells, one second for each moment; unsaid strengths and tempi are the medium ones."""
    lexicon = lexicon or load_lexicon()
    middle = {d.name: (d.low + d.high) / 2 for d in lexicon.degrees}
    events = []
    for one in named:
        label = lexicon.label(one.pattern.label)
        sided = one.place in label.sides
        events.append(
            Event(
                kind=label.kind,
                label=label.name,
                start_s=float(one.moment),
                end_s=one.moment + (0.4 if one.micro else 1.0),
                intensity=middle[one.degree or "medium"] if label.graded else 1.0,
                side=one.place if sided else label.sides[0],  # type: ignore[arg-type]
                direction=one.place if one.place in label.directions else (label.directions or ("",))[0],  # type: ignore[arg-type]
                count=max(one.count, 1),
                tempo=one.tempo or "medium",  # type: ignore[arg-type]
            )
        )
    return Script(events=tuple(events), duration_s=max((e.moment for e in named), default=0) + 1.0)


def _events(reading: _Reading, vocabulary: Vocabulary) -> list[Named]:
    """Phrases of labels: the longest first, of equally long ones the tightest; no word serves two."""
    known = set(reading.lemmas)
    if not known.isdisjoint(PLACES):
        known |= set(SLOTS)
    fitting = [p for p in vocabulary.patterns if known.issuperset(p.words)]
    found: list[Named] = []
    for _, patterns in groupby(fitting, key=lambda p: len(p.words)):
        same = list(patterns)
        while offers := [(spots[-1] - spots[0], i, spots) for i, p in enumerate(same) if (spots := _match(reading, p)) is not None]:
            _, i, spots = min(offers)
            reading.taken.update(spots)
            where = next((PLACES[reading.words[k]] for k, w in zip(spots, same[i].words, strict=True) if w in SLOTS), "")
            found.append(Named(pattern=same[i], places=spots, place=where))
    return found


def _match(reading: _Reading, pattern: Pattern) -> tuple[int, ...] | None:
    """Where the pattern stands, as tight as can be."""
    firsts = (i for i in range(len(reading.words)) if _fits(reading, i, pattern.words[0]))
    return min((s for i in firsts if (s := _rest(reading, pattern, i)) is not None), key=lambda s: s[-1] - s[0], default=None)


def _rest(reading: _Reading, pattern: Pattern, first: int) -> tuple[int, ...] | None:
    spots = [first]
    for word in pattern.words[1:]:
        for at in range(spots[-1] + 1, min(spots[-1] + 2 + _GAP, len(reading.words))):
            if _fits(reading, at, word):
                spots.append(at)
                break
            parts = reading.words[at] in (*_BREAKS, "and", "with") and at not in reading.fixed
            if parts or _turning(reading, at) or at in reading.taken:
                return None
        else:
            return None
    return tuple(spots)


def _fits(reading: _Reading, at: int, word: str) -> bool:
    if not reading.free((at,)) or _turning(reading, at):
        return False
    return reading.words[at] in PLACES if word in SLOTS else reading.lemmas[at] == word


def _breaks(reading: _Reading, events: Sequence[Named]) -> list[int]:
    """Positions between clauses. An "and" parts clauses where an event begins after it before the next mark."""
    starts = {e.start for e in events}
    breaks = []
    for i, word in enumerate(reading.words):
        if not reading.free((i,)):
            continue
        subject = word == "as" and i + 1 < len(reading.words) and reading.words[i + 1] in _SUBJECTS
        joins = word in ("with", "and", "but") and _begins(reading, starts, i)
        if word in _BREAKS or subject or joins or _turning(reading, i):
            breaks.append(i)
    return breaks


def _begins(reading: _Reading, starts: set[int], at: int) -> bool:
    for i in range(at + 1, len(reading.words)):
        if i in starts:
            return True
        if i in reading.taken or reading.words[i] in (*_BREAKS, "and", "with"):
            return False
    return False


def _turning(reading: _Reading, at: int) -> bool:
    """Whether a face turns to another here: "turning to surprise", but not "turning to the left"."""
    words = reading.words
    if words[at] not in _TURNS or words[at + 1 : at + 2] == [] or words[at + 1] not in _INTO or at in reading.taken:
        return False
    aim = words[at + 2 + (words[at + 2 : at + 3] == ["the"]) :]
    return not aim or aim[0] not in PLACES


def _qualify(events: Sequence[Named], reading: _Reading, breaks: Sequence[int]) -> None:
    """Give every modifier to the event that it most likely belongs to."""
    offers = [(_distance(e, spots, m, breaks), i, k) for k, (m, spots) in enumerate(reading.modifiers) for i, e in enumerate(events)]
    given: set[int] = set()
    for cost, i, k in sorted(offers):
        if k not in given and cost < _FAR and _take(events[i], reading.modifiers[k][0]):
            given.add(k)


def _take(event: Named, modifier: Modifier) -> bool:
    match modifier.kind:
        case "degree" if not event.degree:
            event.degree = modifier.value
        case "tempo" if not event.tempo:
            event.tempo = modifier.value
        case "count" if not event.count:
            event.count = int(modifier.value)
        case "micro":
            event.micro = True
        case _:
            return False
    return True


def _distance(event: Named, spots: Sequence[int], modifier: Modifier, breaks: Sequence[int]) -> float:
    """How unlikely it is that the words at `spots` belong to the event; _FAR where they cannot."""
    low, high = event.start, event.stop
    before, after = low - spots[-1], spots[0] - high
    if before <= 0 and after <= 0:
        return 0.0
    if modifier.leads and before <= 0:
        return _FAR
    span = (spots[-1], low) if before > 0 else (high, spots[0])
    crossed = sum(span[0] < b < span[1] for b in breaks)
    gap = before if before > 0 else after - 0.5
    return gap + 12.0 * crossed


def _take_modifiers(reading: _Reading, modifiers: Sequence[Modifier]) -> None:
    """Note modifiers among the words that nothing took, the longest first."""
    for modifier in modifiers:
        size = len(modifier.words)
        for i in range(len(reading.words) - size + 1):
            spots = tuple(range(i, i + size))
            if tuple(reading.words[i : i + size]) == modifier.words and reading.free(spots):
                reading.fixed.update(spots)
                reading.modifiers.append((modifier, spots))


def _take_counts(reading: _Reading) -> None:
    for i, word in enumerate(reading.words):
        number = _NUMBERS.get(word) or (int(word) if word.isdigit() else 0)
        before, after = (reading.words[j] if 0 <= j < len(reading.words) else "" for j in (i - 1, i + 1))
        adverb = word in ("once", "twice", "thrice")
        again = after in ("times", "time")
        if not number or not reading.free((i,)) or after.startswith("second") or (after in ("and", "half", "of", "side") and not adverb):
            continue
        if (word == "once" and before in ("", ",", ";", ".", "at", "all")) or (number == 1 and not (adverb or again)):
            continue
        spots = (i, i + 1) if again else (i,)
        reading.fixed.update(spots)
        words = tuple(reading.words[j] for j in spots)
        reading.modifiers.append((Modifier(kind="count", words=words, value=str(number), leads=not adverb and not again), spots))


def _order(reading: _Reading, events: Sequence[Named]) -> None:
    """Number the moments. A sentence tells them in order except for "Y after X" and "before X, Y"."""
    moment = 0
    for i, event in enumerate(events):
        if i:
            moment += _goes_on(reading, events[i - 1].stop, event.start)
        event.moment = moment
    for at, word in enumerate(reading.words):
        if word in ("after", "before") and at not in reading.taken:
            _turn_round(word, at, events)


def _goes_on(reading: _Reading, low: int, high: int) -> bool:
    between = [i for i in range(low + 1, high) if i not in reading.taken]
    onward = [i for i in between if reading.words[i] in _ONWARD or _turning(reading, i)]
    if onward:
        # "She smiles. At the same time she nods."
        return not any(i > onward[-1] and reading.words[i] in _AT_ONCE for i in between)
    return any(reading.words[i] in ("after", "before", "once") for i in range(high) if i not in reading.taken) and _closes_lead(reading, between)


def _closes_lead(reading: _Reading, between: Sequence[int]) -> bool:
    """Whether these words open an "after ..." or close one with which the sentence began, as the comma does in "After X, she Y"."""
    if any(reading.words[i] in ("after", "before") for i in between):
        return True
    led = reading.words[0] in ("after", "before", "once")
    return led and any(reading.words[i] in _PRONOUNS or (reading.words[i] == "," and reading.words[i + 1] in _SUBJECTS) for i in between)


def _turn_round(word: str, at: int, events: Sequence[Named]) -> None:
    leads = [e for e in events if e.stop < at]
    follows = [e for e in events if e.start > at]
    if word == "after" and leads and follows:
        late, early = {e.moment for e in leads}, {e.moment for e in follows}
        if late.isdisjoint(early):
            for e in leads:
                e.moment += len(early)
            for e in follows:
                e.moment -= len(late)
    elif word == "before" and not leads and len({e.moment for e in follows}) == 2:
        top = max(e.moment for e in follows)
        for e in follows:
            e.moment = top - e.moment


def unread(text: str, named: Sequence[Named]) -> tuple[str, ...]:
    """Words of a sentence that no event took and that carry something by themselves."""
    taken = {i for e in named for i in e.places}
    return tuple(w for i, w in enumerate(words_of(text)) if i not in taken and not idle(w) and w.isalpha())
