"""One event in words: as a verb phrase, a noun phrase or a circumstance, each carrying the event's intensity, tempo, count and length."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tdmm_core.domain.script import Event
from tdmm_core.performance.grammar import Form, article, conjugate, fill, number, plural, seconds, times
from tdmm_core.performance.lexicon import Degree, Label, Lexicon, TempoWords
from tdmm_core.performance.persons import Person

MICRO_S = 0.6
"An expression shorter than this is a flash of one."


@dataclass(frozen=True, kw_only=True)
class Wording:
    """An event with what its words are chosen from."""

    event: Event
    label: Label
    degree: Degree
    tempo: TempoWords
    person: Person
    timed: bool
    "Whether its length is to be said."

    @property
    def micro(self) -> bool:
        return self.label.kind == "expression" and self.event.end_s - self.event.start_s < MICRO_S

    def filled(self, phrase: str) -> str:
        slots = {"side": self.event.side, "direction": self.event.direction, "poss": self.person.poss, "refl": self.person.refl}
        return fill(phrase, slots)

    def adjectives(self) -> tuple[str, ...]:
        return self.degree.adjectives if self.label.graded else ()

    def adverbs(self) -> tuple[str, ...]:
        if not self.label.graded:
            return ()
        return self.degree.reaches if self.label.kind in ("head", "gaze") and not self.label.countable else self.degree.adverbs

    def tempo_adverbs(self) -> tuple[str, ...]:
        return () if self.micro or self.label.brief else self.tempo.adverbs

    def tempo_adjectives(self) -> tuple[str, ...]:
        return () if self.micro or self.label.brief else self.tempo.adjectives


def word(event: Event, lexicon: Lexicon, person: Person, *, timed: bool = False) -> Wording:
    """What an event's words are chosen from."""
    return Wording(
        event=event, label=lexicon.of(event), degree=lexicon.degree(event.intensity), tempo=lexicon.tempi[event.tempo], person=person, timed=timed
    )


def verb_phrase(wording: Wording, form: Form, rng: Random) -> str:
    """The event as something done: "slowly raises her eyebrows", "looks very sad", "nodding twice"."""
    label = wording.label
    styles = (["verb"] * 2 if label.verbs else []) + (["state"] if label.states and not _qualified(wording) else [])
    styles += (["adjective"] * 3 if label.adjectives else []) + (["noun"] * 2 if label.nouns and label.kind == "expression" else [])
    styles += ["thing"] if label.things and not (label.verbs and rng.random() < 0.5) else []
    match rng.choice(styles):
        case "adjective":
            return _adjective_clause(wording, form, rng)
        case "noun":
            verb = rng.choice(["show", "express", "display", "show"])
            return _with_tempo(wording, conjugate(verb, form), _strong(wording, rng.choice(label.nouns), rng), rng)
        case "thing":
            verb = rng.choice(["give", "make", "do"] if label.kind in ("head", "gaze", "blink") else ["give", "show", "make"])
            return with_length(wording, f"{conjugate(verb, form)} {noun_phrase(wording, rng, dated=False)}", rng)
        case "state":
            return _state_clause(wording, form, rng)
        case _:
            return _verb_clause(wording, form, rng)


def _verb_clause(wording: Wording, form: Form, rng: Random) -> str:
    """A verb of the label's own with adverbs before or after: "slightly pouts", "raises her eyebrows very strongly"."""
    base = conjugate(wording.filled(rng.choice(wording.label.verbs)), form)
    before, after = manner(wording, rng, leading=form != "to")
    count = count_words(wording, rng)
    short = all(" " not in m for m in after)
    after = [*count, " and ".join(after)] if short else [*after[:1], *count, *after[1:]]
    return with_length(wording, " ".join([*before, base, *(a for a in after if a)]), rng)


def manner(wording: Wording, rng: Random, *, leading: bool) -> tuple[list[str], list[str]]:
    """Adverbs of strength, tempo and shortness: at most one that stands before the verb, and those after it."""
    before: list[str] = []
    after: list[str] = []
    for words, often in ((wording.adverbs(), 0.5), (wording.tempo_adverbs(), 0.6), (("briefly",) if wording.micro else (), 0.7)):
        if words:
            adverb = rng.choice(words)
            front = not before and leading and _leads(adverb, wording) and rng.random() < often
            (before if front else after).append(adverb)
    return before, after


def _leads(adverb: str, wording: Wording) -> bool:
    """Whether an adverb may stand before the verb."""
    return " " not in adverb and adverb not in ("extremely", "far") and not (wording.label.kind == "head" and adverb in wording.adverbs())


def count_words(wording: Wording, rng: Random) -> list[str]:
    """twice, three times; nothing or once for one."""
    if not wording.label.countable:
        return []
    count = wording.event.count
    return [rng.choice(["once", "once", ""])] if count == 1 else [times(count)]


def _adjective_clause(wording: Wording, form: Form, rng: Random) -> str:
    """A state of mind: "looks slightly sad", "quickly becomes furious", "seems to be afraid"."""
    if wording.tempo_adverbs():
        verbs = ["become", "turn", "grow", "get"]
    else:
        verbs = ["look", "look", "become"] if form in ("bare", "ing") else ["look", "look", "look", "become", "appear", "seem"]
    quality = _graded(wording, rng.choice(wording.label.adjectives), rng)
    return _with_tempo(wording, conjugate(rng.choice(verbs), form), quality, rng)


def _state_clause(wording: Wording, form: Form, rng: Random) -> str:
    state = rng.choice(wording.label.states)
    verb = "keep" if state.startswith("{poss}") else rng.choice(["have", "show"])
    return with_length(wording, f"{conjugate(verb, form)} {wording.filled(state)}", rng)


def _qualified(wording: Wording) -> bool:
    """Whether intensity, tempo or count must be said."""
    return bool(wording.tempo_adverbs() or wording.adverbs() or wording.label.countable)


def _with_tempo(wording: Wording, verb: str, rest: str, rng: Random) -> str:
    words = f"{verb} {rest}"
    if wording.tempo_adverbs():
        adverb = rng.choice(wording.tempo_adverbs())
        words = f"{adverb} {words}" if " " not in adverb and rng.random() < 0.6 else f"{words} {adverb}"
    if wording.micro:
        words = f"{words} {rng.choice(['for an instant', 'for a split second', 'very briefly'])}"
    return with_length(wording, words, rng)


def _graded(wording: Wording, adjective: str, rng: Random) -> str:
    degrees = wording.degree.degrees if wording.label.graded else ()
    return f"{rng.choice(degrees)} {adjective}" if degrees else adjective


def _strong(wording: Wording, noun: str, rng: Random) -> str:
    return f"{rng.choice(wording.adjectives())} {noun}" if wording.adjectives() else noun


def with_length(wording: Wording, words: str, rng: Random) -> str:
    if not wording.timed or wording.micro or wording.label.brief or wording.label.countable:
        return words
    length = seconds(wording.event.end_s - wording.event.start_s)
    return f"{words} {rng.choice(['for', 'for about'])} {length}"


def noun_phrase(wording: Wording, rng: Random, *, dated: bool = True) -> str:
    """The event as a thing: "a slow pout", "a faint look of surprise", "two quick nods", "a flash of anger"."""
    label, event = wording.label, wording.event
    if wording.micro and label.nouns:
        return article(f"{rng.choice(['brief flash', 'split-second flash', 'fleeting look'])} of {_strong(wording, rng.choice(label.nouns), rng)}")
    things = _things(wording, rng)
    if not things:
        return verb_phrase(wording, "ing", rng) if _qualified(wording) or not label.states else wording.filled(rng.choice(label.states))
    qualities = [rng.choice(w) for w in (wording.tempo_adjectives(), wording.adjectives()) if w]
    if len(qualities) == 2 and rng.random() < 0.5:
        qualities.reverse()
    qualities = [", ".join(qualities)] if qualities else []
    if label.countable and event.count > 1:
        words = " ".join([number(event.count), *qualities, plural(rng.choice(things))])
    else:
        words = article(" ".join([*qualities, rng.choice(things)]))
    return with_length(wording, words, rng) if dated else words


def _things(wording: Wording, rng: Random) -> list[str]:
    """Count nouns for the event, without article."""
    label = wording.label
    things = [wording.filled(t) for t in label.things]
    if label.kind == "expression":
        things += [f"{rng.choice(['look', 'expression', 'look'])} of {n}" for n in label.nouns]
        things += [f"{a} {rng.choice(['look', 'face', 'expression', 'look'])}" for a in label.adjectives if " " not in a]
    return things


def outcome(wording: Wording, rng: Random) -> str:
    """The event as what something turns to: "surprise", "a faint smile", "great anger"."""
    label = wording.label
    if label.kind == "expression" and label.nouns and not wording.micro and rng.random() < 0.6 and not wording.tempo_adjectives():
        return _strong(wording, rng.choice(label.nouns), rng)
    return noun_phrase(wording, rng)


def circumstance(wording: Wording, rng: Random) -> str:
    """The event as what goes along with another: "while nodding twice", "with a faint smile", "with closed eyes"."""
    label = wording.label
    if label.states and not _qualified(wording) and not wording.timed and rng.random() < 0.6:
        return f"with {wording.filled(rng.choice(label.states))}"
    if (label.things or (label.kind == "expression" and label.nouns)) and rng.random() < 0.35:
        return f"with {noun_phrase(wording, rng)}"
    return f"while {verb_phrase(wording, 'ing', rng)}"
