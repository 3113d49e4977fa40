"""Script to sentences: natural English that names every event of a script and nothing else. Works from templates alone, offline."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.performance.clauses import Person, Wording, circumstance, noun_phrase, outcome, verb_phrase, word
from tdmm_core.performance.grammar import Form, joined, seconds, sentence
from tdmm_core.performance.lexicon import Lexicon, load_lexicon
from tdmm_core.runtime.seeding import derive_seed

PERSONS: tuple[Person, ...] = (
    Person(subject="the person", poss="their", refl="themselves"),
    Person(subject="a person", poss="their", refl="themselves"),
    Person(subject="someone", poss="their", refl="themselves"),
    Person(subject="the actor", poss="their", refl="themselves"),
    Person(subject="the speaker", poss="their", refl="themselves"),
    Person(subject="the face", poss="its", refl="itself", headed=False),
    Person(subject="she", poss="her", refl="herself", gender="female"),
    Person(subject="he", poss="his", refl="himself", gender="male"),
    Person(subject="a woman", poss="her", refl="herself", gender="female"),
    Person(subject="a man", poss="his", refl="himself", gender="male"),
    Person(subject="the young woman", poss="her", refl="herself", gender="female"),
    Person(subject="an old man", poss="his", refl="himself", gender="male"),
)
NOBODY = Person(subject="", poss="the", refl="oneself")
YOU = Person(subject="", poss="your", refl="yourself")

_STYLES = ("told",) * 5 + ("captioned",) * 2 + ("ordered",) * 2 + ("named",) * 5
_TRIES = 80

_STILL_TOLD = (
    "keeps a neutral face", "stays calm and still", "looks neutral", "shows no expression", "does nothing in particular", "rests with a relaxed face",
    "keeps still", "holds still", "keeps a straight face",
)  # fmt: skip
_STILL_NAMED = (
    "a neutral face",
    "nothing happens",
    "a relaxed, neutral face",
    "a still face without expression",
    "a calm face at rest",
    "no expression",
)
_STILL_ORDERED = ("keep a neutral face", "hold still", "stay neutral", "relax your face", "do nothing", "keep your face at rest")

Moment = tuple[Wording, ...]
"Events that happen at the same time, the longest-lasting first."


def write_sentences(script: Script, *, count: int = 6, seed: int = 0, gender: str = "") -> tuple[str, ...]:
    """`count` different sentences, each of which names every event of the script, with its intensity, tempo, side, direction and count.

    With `gender` (female, male) no sentence speaks of the other one. The first is a full statement. Raises InputError for an event that
    the lexicon does not know, and where so many cannot be written.
    """
    lexicon = load_lexicon()
    rng = Random(derive_seed(seed, "sentences"))
    persons = [p for p in PERSONS if not gender or p.gender in ("", gender)]
    found: dict[str, None] = {}
    in_vain = 0
    while len(found) < count and in_vain < _TRIES:
        style = rng.choice(_STYLES) if found else "told"
        known = len(found)
        found.setdefault(_write(script, lexicon, persons, style, rng))
        in_vain = in_vain + 1 if len(found) == known else 0
    if len(found) < count:
        raise InputError(f"sentences: expected {count} different ones, could write {len(found)}; ask for fewer")
    return tuple(found)


def _write(script: Script, lexicon: Lexicon, persons: Sequence[Person], style: str, rng: Random) -> str:
    if not script.events:
        return _still(script, rng.choice(persons).subject, rng)
    headed = any(e.kind == "head" for e in script.events)
    match style:
        case "ordered":
            return _ordered(_moments(script, lexicon, YOU, rng), rng)
        case "named":
            return _named(_moments(script, lexicon, NOBODY, rng), rng)
        case "captioned":
            person = rng.choice([p for p in persons if (p.headed or not headed) and p.subject not in ("she", "he")])
            text = f"{person.subject} {_chain([_clause(m, 'ing', rng) for m in _moments(script, lexicon, person, rng)], rng)}"
            return sentence(text) if rng.random() < 0.3 else text
        case _:
            person = rng.choice([p for p in persons if p.headed or not headed])
            return _told(_moments(script, lexicon, person, rng), person, rng)


def _moments(script: Script, lexicon: Lexicon, person: Person, rng: Random) -> list[Moment]:
    timed = rng.random() < 0.15
    return [
        tuple(word(e, lexicon, person, timed=timed and len(script.events) < 3) for e in sorted(g, key=lambda e: (e.start_s - e.end_s, e.label)))
        for g in moments_of(script.events)
    ]


def moments_of(events: Sequence[Event]) -> list[list[Event]]:
    """Events, in order of their start, by what is told as happening at once: they overlap a group's first for most of the shorter one."""
    groups: list[list[Event]] = []
    for event in events:
        if groups and _together(groups[-1][0], event):
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _together(first: Event, second: Event) -> bool:
    shared = min(first.end_s, second.end_s) - max(first.start_s, second.start_s)
    return shared > 0.5 * min(first.end_s - first.start_s, second.end_s - second.start_s)


def _clause(moment: Moment, form: Form, rng: Random) -> str:
    """A moment as one verb phrase with its company: "smiles broadly while nodding twice"."""
    head, *others = moment
    clause = verb_phrase(head, form, rng)
    if not others:
        return clause
    if len(others) == 1:
        if form != "ing" and rng.random() < 0.25:
            return f"{clause} and {verb_phrase(others[0], form, rng)} at the same time"
        return f"{clause} {circumstance(others[0], rng)}"
    return f"{clause} while {joined([verb_phrase(o, 'ing', rng) for o in others])}"


def _told(moments: Sequence[Moment], person: Person, rng: Random) -> str:
    """Third person: statement, in the present (mostly), the progressive or the past."""
    form: Form = rng.choice(("third", "third", "third", "third", "ing", "past"))
    who = person.subject
    if form == "ing":
        return sentence(f"{who} is {_chain([_clause(m, 'ing', rng) for m in moments], rng)}")
    first = _clause(moments[0], form, rng)
    if len(moments) == 1:
        lead = moments[0][1:]
        if len(lead) == 1 and rng.random() < 0.3:
            return sentence(f"while {verb_phrase(lead[0], 'ing', rng)}, {who} {verb_phrase(moments[0][0], form, rng)}")
        return sentence(f"{who} {first}")
    if len(moments) == 2:
        return sentence(_two(moments, who, form, first, rng))
    return sentence(f"{rng.choice(['', '', 'first, '])}{who} {_chain([first, *(_clause(m, form, rng) for m in moments[1:])], rng)}")


def _two(moments: Sequence[Moment], who: str, form: Form, first: str, rng: Random) -> str:
    again, second = _pronoun(who), _clause(moments[1], form, rng)
    own: Form = "plural" if again == "they" and form == "third" else form
    melting = _melts(moments[0], moments[1])
    match rng.choice(("then", "and then", "before", "after", "once", "first", "later", *(("melts",) * 3 if melting else ()))):
        case "then":
            return f"{who} {first}, then {second}"
        case "and then":
            return f"{who} {first} and then {second}"
        case "before":
            return f"{who} {first} before {_clause(moments[1], 'ing', rng)}"
        case "after":
            return f"{who} {second} after {_clause(moments[0], 'ing', rng)}"
        case "once":
            return f"after {_clause(moments[0], 'ing', rng)}, {who} {second}"
        case "first":
            return f"first {who} {first}, then {again} {_clause(moments[1], own, rng)}"
        case "later":
            return f"{who} {first}; a moment later {again} {_clause(moments[1], own, rng)}"
        case _:
            turns = "turned" if form == "past" else "turns"
            return f"{who} {first}, and {'it' if who != 'the face' else 'this'} {turns} to {outcome(moments[1][0], rng)}"


def _pronoun(who: str) -> str:
    match who.split()[-1]:
        case "she" | "woman":
            return "she"
        case "he" | "man":
            return "he"
        case "face":
            return "it"
        case _:
            return "they"


def _chain(clauses: Sequence[str], rng: Random) -> str:
    if len(clauses) == 1:
        return clauses[0]
    link = rng.choice([", then ", " and then "] if len(clauses) == 2 else [", then "])
    last = rng.choice([" and finally ", ", and finally ", ", then "]) if len(clauses) > 2 else link
    return link.join(clauses[:-1]) + last + clauses[-1]


def _ordered(moments: Sequence[Moment], rng: Random) -> str:
    """Imperative: "smile broadly, then look surprised"."""
    text = _chain([_clause(m, "bare", rng) for m in moments], rng)
    return sentence(text) if rng.random() < 0.5 else text


def _named(moments: Sequence[Moment], rng: Random) -> str:
    """Noun phrases: "a slow pout turning to surprise", "a faint smile followed by two nods"."""
    names = [_name(m, rng) for m in moments]
    if len(moments) == 2:
        links = [", then ", " followed by ", " and then ", ", followed by "]
        if _melts(moments[0], moments[1]) and all(m[0].label.things or m[0].label.kind == "expression" for m in moments):
            goal = outcome(moments[1][0], rng)
            link = rng.choice(
                (
                    "turning to",
                    "turning to",
                    "turning to",
                    "turning to",
                    "turning into",
                    "changing to",
                    "giving way to",
                    "that turns to",
                    "fading into",
                )
            )
            text = f"{names[0]} {link} {goal}"
            return _framed(text, rng) if rng.random() < 0.85 else _framed(rng.choice(links).join(names), rng)
        return _framed(rng.choice(links).join(names), rng)
    return _framed(_chain(names, rng), rng)


def _name(moment: Moment, rng: Random) -> str:
    head, *others = moment
    return " ".join([noun_phrase(head, rng), *(circumstance(o, rng) for o in others)])


def _framed(text: str, rng: Random) -> str:
    style = rng.random() if text.startswith(("a ", "an ")) else 0.7 * rng.random()
    if style < 0.6:
        return text
    if style < 0.8:
        return sentence(text)
    return sentence(f"{rng.choice(['we see', 'there is', 'the clip shows', 'the video shows'])} {text}")


def _melts(first: Moment, second: Moment) -> bool:
    """Whether one face changes straight into another."""
    a, b = first[0].event, second[0].event
    faces = all(w.label.kind in ("expression", "action") for w in (first[0], second[0]))
    return len(second) == 1 and faces and b.start_s < a.end_s + 0.15


def _still(script: Script, who: str, rng: Random) -> str:
    """A clip in which nothing happens."""
    length = rng.choice(["", "", f" for {seconds(script.duration_s)}"])
    told = f"{who} {rng.choice(_STILL_TOLD)}{length}"
    named, ordered = rng.choice(_STILL_NAMED), rng.choice(_STILL_ORDERED)
    return rng.choice([sentence(told), sentence(told), f"{named}{length}", f"{ordered}{length}"])
