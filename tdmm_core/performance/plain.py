"""The plainest sentence of a script: one wording for each event, always the same, so that a learner of descriptions need not guess a style.

`sentences` writes the many wordings; here is the one. Knows no motion.
"""

from __future__ import annotations

from collections.abc import Sequence

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.clauses import Wording, word
from tdmm_core.performance.grammar import Form, article, conjugate, joined, number, plural, sentence, times
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.persons import Person
from tdmm_core.performance.sentences import moments_of

PERSON = Person(subject="the person", poss="their", refl="themselves")
STILL = "Nothing happens: the face stays still."
"What is said of a clip without an event."


def plain_sentence(script: Script) -> str:
    """One sentence that names every event of the script in order; `STILL` for none. Raises InputError for an event that the lexicon does not know."""
    moments = [plain_moment(m) for m in moments_of(script.events)]
    return sentence(f"the person {', then '.join(moments)}") if moments else STILL


def dated_sentences(script: Script) -> str:
    """The detailed form: a sentence for each moment with its time to half a second; `STILL` for no event."""
    told = []
    for moment in moments_of(script.events):
        start, stop = min(e.start_s for e in moment), max(e.end_s for e in moment)
        told.append(sentence(f"from {half(start)} to {half(max(stop, start + 0.5))} seconds the person {plain_moment(moment)}"))
    return " ".join(told) or STILL


def half(time_s: float) -> str:
    """A time to half a second: "1.5", "2"."""
    return f"{round(2 * time_s) / 2:g}"


def plain_moment(moment: Sequence[Event]) -> str:
    """What happens at once: "smiles broadly while nodding twice"."""
    first, *others = sorted(moment, key=lambda e: (e.start_s - e.end_s, e.label))
    company = f" while {joined([plain_clause(o, 'ing') for o in others])}" if others else ""
    return f"{plain_clause(first)}{company}"


def plain_clause(event: Event, form: Form = "third") -> str:
    """One event as something done: "slowly becomes very sad", "raises their eyebrows slightly", "nods twice"."""
    wording = word(event, load_lexicon(), PERSON)
    label = wording.label
    if label.adjectives:
        return _become(wording, form)
    if label.verbs:
        return _do(wording, form)
    if label.nouns and label.kind == "expression":
        return _adorned(wording, f"{conjugate('show', form)} {_strength(wording)}{label.nouns[0]}")
    return f"{conjugate('give' if label.things else 'have', form)} {plain_name(event)}"


def plain_name(event: Event) -> str:
    """The event as a thing, for a short answer: "a broad smile", "two nods", "slight sadness"."""
    wording = word(event, load_lexicon(), PERSON)
    label = wording.label
    tempo = f"{wording.tempo_adjectives()[0]} " if wording.tempo_adjectives() else ""
    if wording.micro and label.nouns:
        return article(f"brief flash of {_strength(wording)}{label.nouns[0]}")
    if label.things:
        thing, strength = wording.filled(label.things[0]), _strength(wording)
        if label.countable and event.count > 1:
            return f"{number(event.count)} {tempo}{strength}{plural(thing)}"
        return article(f"{tempo}{strength}{thing}")
    if label.nouns and not tempo:
        return f"{_strength(wording)}{label.nouns[0]}"
    if label.nouns:
        return article(f"{tempo}{_strength(wording)}look of {label.nouns[0]}")
    return plain_clause(event, "ing") if label.verbs or label.adjectives else wording.filled(label.states[0])


def _become(wording: Wording, form: Form) -> str:
    degrees = wording.degree.degrees if wording.label.graded else ()
    quality = f"{degrees[0]} {wording.label.adjectives[0]}" if degrees else wording.label.adjectives[0]
    return _adorned(wording, f"{conjugate('become' if wording.tempo_adverbs() else 'look', form)} {quality}")


def _adorned(wording: Wording, clause: str) -> str:
    tempo = f"{wording.tempo_adverbs()[0]} " if wording.tempo_adverbs() else ""
    return f"{tempo}{clause}{' for an instant' if wording.micro else ''}"


def _do(wording: Wording, form: Form) -> str:
    label = wording.label
    tempo = f"{wording.tempo_adverbs()[0]} " if wording.tempo_adverbs() else ""
    strength = f" {wording.adverbs()[0]}" if wording.adverbs() else ""
    count = f" {times(wording.event.count)}" if label.countable else ""
    return f"{tempo}{conjugate(wording.filled(label.verbs[0]), form)}{strength}{count}"


def _strength(wording: Wording) -> str:
    adjectives = wording.adjectives()
    return f"{adjectives[0]} " if adjectives else ""
