"""Moments to sentences, in one manner of speaking each: told, captioned, ordered, wished, seen, named. Knows clauses, not labels.

A moment is what happens at once. Every manner names all events of all moments, in their order or with words that turn it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tdmm_core.performance.clauses import Wording, circumstance, noun_phrase, outcome, verb_phrase
from tdmm_core.performance.grammar import Form, joined, sentence
from tdmm_core.performance.passive import passive_clause
from tdmm_core.performance.persons import Person

Moment = tuple[Wording, ...]
"Events that happen at the same time, the longest-lasting first."

_TURNS = ("turning to", "turning to", "turning to", "turning to", "turning into", "changing to", "giving way to", "that turns to", "fading into")
_MEANWHILE = ("at the same time", "meanwhile", "all the while")


def clause(moment: Moment, form: Form, rng: Random) -> str:
    """A moment as one verb phrase with its company: "smiles broadly while nodding twice"."""
    head, *others = moment
    words = verb_phrase(head, form, rng)
    if not others:
        return words
    if len(others) == 1:
        if form != "ing" and rng.random() < 0.25:
            return f"{words} and {verb_phrase(others[0], form, rng)} at the same time"
        return f"{words} {circumstance(others[0], rng)}"
    return f"{words} while {joined([verb_phrase(o, 'ing', rng) for o in others])}"


def told(moments: Sequence[Moment], person: Person, rng: Random) -> str:
    """Third person: statement, in the present (mostly), the progressive or the past."""
    form: Form = rng.choice(("third", "third", "third", "third", "ing", "past"))
    who = person.subject
    if form == "ing":
        being = f"{who}'s" if person.plain and rng.random() < 0.4 else f"{who} is"
        return sentence(f"{being} {chain([clause(m, 'ing', rng) for m in moments], rng)}")
    if max(map(len, moments)) > 2 or (len(moments) > 1 and rng.random() < 0.2):
        return _in_sentences(moments, person, form, rng)
    if len(moments) == 1:
        return _at_once(moments[0], person, form, rng)
    first = clause(moments[0], form, rng)
    if len(moments) == 2:
        return sentence(_two(moments, person, form, first, rng))
    return sentence(f"{rng.choice(['', '', 'first, '])}{who} {chain([first, *(clause(m, form, rng) for m in moments[1:])], rng)}")


def _at_once(moment: Moment, person: Person, form: Form, rng: Random) -> str:
    """One moment: with a lead, in the passive, or plainly."""
    others = moment[1:]
    if len(others) == 1 and rng.random() < 0.3:
        return sentence(f"while {verb_phrase(others[0], 'ing', rng)}, {person.subject} {verb_phrase(moment[0], form, rng)}")
    turned = passive_clause(moment[0], rng, past=form == "past") if rng.random() < 0.2 else None
    if turned is not None:
        company = f" {circumstance(others[0], rng)}" if others else ""
        return sentence(turned + company)
    return sentence(f"{person.subject} {clause(moment, form, rng)}")


def _in_sentences(moments: Sequence[Moment], person: Person, form: Form, rng: Random) -> str:
    """One sentence for each moment, or for each event where many happen at once."""
    again = person.again
    own: Form = "plural" if again == "they" and form == "third" else form
    parts: list[str] = []
    for i, moment in enumerate(moments):
        who, how = (again, own) if parts else (person.subject, form)
        lead = rng.choice(("then ", "after that, ", "next, ")) if i else ""
        size = len(moment) if len(moment) < 3 else 2
        parts.append(sentence(f"{lead}{who} {clause(moment[:size], how, rng)}"))
        if rest := moment[size:]:
            parts.append(sentence(f"{rng.choice(_MEANWHILE)} {again} {joined([verb_phrase(w, own, rng) for w in rest])}"))
    return " ".join(parts)


def _two(moments: Sequence[Moment], person: Person, form: Form, first: str, rng: Random) -> str:
    who, again = person.subject, person.again
    second = clause(moments[1], form, rng)
    own: Form = "plural" if again == "they" and form == "third" else form
    melting = melts(moments[0], moments[1])
    match rng.choice(("then", "and then", "before", "after", "once", "first", "later", "starts", *(("melts",) * 3 if melting else ()))):
        case "then":
            return f"{who} {first}, then {second}"
        case "and then":
            return f"{who} {first} and then {second}"
        case "before":
            return f"{who} {first} before {clause(moments[1], 'ing', rng)}"
        case "after":
            return f"{who} {second} after {clause(moments[0], 'ing', rng)}"
        case "once":
            return f"after {clause(moments[0], 'ing', rng)}, {who} {second}"
        case "first":
            return f"first {who} {first}, then {again} {clause(moments[1], own, rng)}"
        case "later":
            return f"{who} {first}; a moment later {again} {clause(moments[1], own, rng)}"
        case "starts":
            begin, end = ("started by", "ended up") if form == "past" else ("starts by", "ends up")
            return f"{who} {begin} {clause(moments[0], 'ing', rng)} and {end} {clause(moments[1], 'ing', rng)}"
        case _:
            turns = "turned" if form == "past" else "turns"
            return f"{who} {first}, and {'it' if who != 'the face' else 'this'} {turns} to {outcome(moments[1][0], rng)}"


def chain(clauses: Sequence[str], rng: Random) -> str:
    """Clauses one after another."""
    if len(clauses) == 1:
        return clauses[0]
    link = rng.choice([", then ", " and then "] if len(clauses) == 2 else [", then "])
    last = rng.choice([" and finally ", ", and finally ", ", then "]) if len(clauses) > 2 else link
    return link.join(clauses[:-1]) + last + clauses[-1]


def captioned(moments: Sequence[Moment], person: Person, rng: Random) -> str:
    """As pictures are captioned: "a woman slowly raising her eyebrows"."""
    text = f"{person.subject} {chain([clause(m, 'ing', rng) for m in moments], rng)}"
    return sentence(text) if rng.random() < 0.3 else text


def ordered(moments: Sequence[Moment], rng: Random) -> str:
    """Imperative: "smile broadly, then look surprised"."""
    return _or_sentence(chain([clause(m, "bare", rng) for m in moments], rng), rng)


def wished(moments: Sequence[Moment], person: Person, rng: Random) -> str:
    """What somebody wants to see: "make her smile", "show me a man who frowns and then nods"."""
    match rng.choice(("make", "have", "let", "who", "who", "want")):
        case "who":
            lead = rng.choice(("show me", "show", "i want to see", "animate", "give me"))
            return _or_sentence(f"{lead} {person.object} who {chain([clause(m, 'third', rng) for m in moments], rng)}", rng)
        case "want":
            clauses = chain([clause(m, "bare", rng) for m in moments], rng)
            return _or_sentence(f"{rng.choice(('i want', 'i would like'))} {person.object} to {clauses}", rng)
        case verb:
            return _or_sentence(f"{verb} {person.object} {chain([clause(m, 'bare', rng) for m in moments], rng)}", rng)


def seen(moments: Sequence[Moment], person: Person, rng: Random) -> str:
    """What a viewer sees: "we see her smile and then look away"."""
    lead = rng.choice(("we see", "you can see", "one sees", "the camera sees", "in this clip we see", "here we see"))
    form: Form = rng.choice(("bare", "ing"))
    return _or_sentence(f"{lead} {person.object} {chain([clause(m, form, rng) for m in moments], rng)}", rng)


def dropped(moments: Sequence[Moment], rng: Random) -> str:
    """A note without a subject: "smiles a little, then nods twice"."""
    return chain([clause(m, "third", rng) for m in moments], rng)


def named(moments: Sequence[Moment], rng: Random) -> str:
    """Noun phrases: "a slow pout turning to surprise", "a faint smile followed by two nods"."""
    names = [_name(m, rng) for m in moments]
    if len(moments) != 2:
        return _framed(chain(names, rng), rng)
    links = [", then ", " followed by ", " and then ", ", followed by "]
    if melts(moments[0], moments[1]) and all(m[0].label.things or m[0].label.kind == "expression" for m in moments):
        link = f" {rng.choice(_TURNS)} {outcome(moments[1][0], rng)}"
        return _framed(f"{names[0]}{link}" if rng.random() < 0.85 else rng.choice(links).join(names), rng)
    if rng.random() < 0.12:
        return _or_sentence(f"it starts with {names[0]} and ends with {names[1]}", rng)
    return _framed(rng.choice(links).join(names), rng)


def _name(moment: Moment, rng: Random) -> str:
    head, *others = moment
    if len(others) > 1:
        return f"{noun_phrase(head, rng)} while {joined([verb_phrase(o, 'ing', rng) for o in others])}"
    return " ".join([noun_phrase(head, rng), *(circumstance(o, rng) for o in others)])


def _framed(text: str, rng: Random) -> str:
    style = rng.random() if text.startswith(("a ", "an ")) else 0.7 * rng.random()
    if style < 0.6:
        return text
    if style < 0.8:
        return sentence(text)
    return sentence(f"{rng.choice(['we see', 'there is', 'the clip shows', 'the video shows'])} {text}")


def _or_sentence(text: str, rng: Random) -> str:
    return sentence(text) if rng.random() < 0.5 else text


def melts(first: Moment, second: Moment) -> bool:
    """Whether one face changes straight into another."""
    a, b = first[0].event, second[0].event
    faces = all(w.label.kind in ("expression", "action") for w in (first[0], second[0]))
    return len(second) == 1 and faces and b.start_s < a.end_s + 0.15
