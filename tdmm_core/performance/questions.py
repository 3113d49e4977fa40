"""Script to questions with their true answers: what a model that is shown a motion is asked, in many wordings.

Answers come from the script alone, except for blinks, which faces do by themselves and no script names: their instants are given.
Questions that end in yes or no come as often with either. Knows no motion and no language model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from random import Random

from tdmm_core.domain.description import Asked
from tdmm_core.domain.script import Event, Script
from tdmm_core.performance import question_words as words
from tdmm_core.performance.grammar import times
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.plain import STILL, dated_sentences, half, plain_clause, plain_moment, plain_name, plain_sentence
from tdmm_core.performance.sentences import moments_of
from tdmm_core.runtime.seeding import derive_seed

EMOTIONS = {
    "joy": "joy", "sadness": "sadness", "anger": "anger", "surprise": "surprise", "fear": "fear", "disgust": "disgust", "contempt": "contempt",
    "doubt": "doubt", "pain": "pain", "pride": "pride", "embarrassment": "embarrassment", "calm": "calm", "tiredness": "tiredness",
    "thought": "thoughtfulness",
}  # fmt: skip
"Families of the lexicon that are a state of mind, and how an answer names them."
COUNTED = ("blink", "nod", "head shake", "wink")
"Labels that are asked how often they come."


def questions(script: Script, other: Script, *, blinks: Sequence[float] | None = None, seed: int = 0) -> tuple[Asked, ...]:
    """Questions about `script`, one or two of each kind that has an answer, in wordings drawn by `seed`.

    `other` is another clip's script, whose sentence is the wrong one to compare with. `blinks` are the instants (seconds) at which the eyes
    really blinked; None leaves out what would be asked of them.
    """
    rng = Random(derive_seed(seed, "questions"))
    found = [*_told(script, rng), *_looks(script, rng), *_firsts(script, rng), *_counts(script, blinks, rng), *_yes_or_no(script, other, rng)]
    if blinks is not None:
        found += _blinks(blinks, rng)
    found.append(Asked(kind="unanswerable", question=rng.choice(words.UNANSWERABLE), answer=words.NOT_SHOWN))
    return tuple(found)


def _told(script: Script, rng: Random) -> Iterator[Asked]:
    yield Asked(kind="describe", question=rng.choice(words.DESCRIBE), answer=plain_sentence(script))
    yield Asked(kind="detailed", question=rng.choice(words.DETAILED), answer=dated_sentences(script))
    names = ", then ".join(" with ".join(plain_name(e) for e in m) for m in moments_of(script.events))
    yield Asked(kind="short", question=rng.choice(words.SHORT), answer=_capital(names) if names else words.NOTHING)


def _looks(script: Script, rng: Random) -> Iterator[Asked]:
    feelings = list(dict.fromkeys(f for e in script.events if (f := feeling(e))))
    yield Asked(kind="emotion", question=rng.choice(words.EMOTION), answer=_capital(", then ".join(feelings)) if feelings else words.NO_EMOTION)
    graded = [e for e in script.events if load_lexicon().label(e.label).graded]
    if graded or not script.events:
        strongest = max((e.intensity for e in graded), default=0.0)
        answer = _capital(load_lexicon().degree(strongest).name) if graded else words.NOTHING
        yield Asked(kind="strength", question=rng.choice(words.STRENGTH), answer=answer)
    heads = [e for e in script.events if e.kind == "head"]
    answer = f"The person {', then '.join(plain_clause(e) for e in heads)}." if heads else words.HEAD_STILL
    yield Asked(kind="head", question=rng.choice(words.HEAD), answer=answer)


def _firsts(script: Script, rng: Random) -> Iterator[Asked]:
    moments = moments_of(script.events)
    if not moments:
        yield Asked(kind="first", question=rng.choice(words.FIRST), answer=STILL)
    if len(moments) > 1:
        yield Asked(kind="first", question=rng.choice(words.FIRST), answer=f"The person {plain_moment(moments[0])}.")
        yield Asked(kind="last", question=rng.choice(words.LAST), answer=f"The person {plain_moment(moments[-1])}.")


def _counts(script: Script, blinks: Sequence[float] | None, rng: Random) -> Iterator[Asked]:
    label = rng.choice(COUNTED)
    said = [e for e in script.events if e.label in COUNTED]
    if said and rng.random() < 0.7:
        label = rng.choice(said).label
    if label == "blink" and blinks is None:
        return
    count = len(blinks or ()) if label == "blink" else sum(e.count for e in script.events if e.label == label)
    question = rng.choice(words.COUNT).format(verb={"head shake": "shake their head"}.get(label, label))
    yield Asked(kind="count", question=question, answer=_capital(_often(count)))


def _often(count: int) -> str:
    return "not once." if count == 0 else f"{times(count) if count <= 6 else f'{count} times'}."


def _blinks(blinks: Sequence[float], rng: Random) -> Iterator[Asked]:
    when = ", ".join(dict.fromkeys(half(t) for t in blinks))
    yield Asked(kind="blink", question=rng.choice(words.BLINK), answer="Yes." if len(blinks) else "No.")
    answer = f"Yes, at about {when} seconds." if len(blinks) else "No."
    yield Asked(kind="blink times", question=rng.choice(words.BLINK_TIMES), answer=answer)


def _yes_or_no(script: Script, other: Script, rng: Random) -> Iterator[Asked]:
    if script.events:
        there = rng.choice(script.events)
        yield Asked(kind="shown", question=_shown(there, rng), answer="Yes.")
    families = {load_lexicon().label(e.label).family for e in script.events}
    absent = [e for e in other.events if load_lexicon().label(e.label).family not in families]
    if absent:
        yield Asked(kind="shown", question=_shown(rng.choice(absent), rng), answer="No.")
    right, wrong = plain_sentence(script), plain_sentence(_changed(script, other, rng))
    yield Asked(kind="compare", question=rng.choice(words.COMPARE).format(sentence=right), answer="Yes.")
    if wrong != right:
        yield Asked(kind="compare", question=rng.choice(words.COMPARE).format(sentence=wrong), answer="No.")
    moments = moments_of(script.events)
    if len(moments) > 1:
        early, late = moments[0][0], moments[-1][0]
        if early.label != late.label:
            asked = rng.choice(words.ORDER)
            yield Asked(kind="order", question=asked.format(first=plain_name(early), second=plain_name(late)), answer="Yes.")
            yield Asked(kind="order", question=asked.format(first=plain_name(late), second=plain_name(early)), answer="No.")


def _shown(event: Event, rng: Random) -> str:
    return rng.choice(words.SHOWN).format(thing=load_lexicon().label(event.label).name, clause=plain_clause(_medium(event), "bare"))


def _medium(event: Event) -> Event:
    """The event as such: neither strong nor weak, neither fast nor slow, once."""
    graded = load_lexicon().label(event.label).graded
    return replace(event, intensity=0.56 if graded else event.intensity, tempo="medium", count=1)


def _changed(script: Script, other: Script, rng: Random) -> Script:
    """What did not happen: the events in the other order, or another clip's script altogether."""
    moments = moments_of(script.events)
    if len(moments) > 1 and rng.random() < 0.3:
        return _turned(script, moments)
    return other


def _turned(script: Script, moments: Sequence[Sequence[Event]]) -> Script:
    step = script.duration_s / len(moments)
    events = []
    for place, moment in enumerate(reversed(moments)):
        first = min(e.start_s for e in moment)
        for e in moment:
            start = min(place * step + 0.01 * (e.start_s - first), script.duration_s - 0.02)
            length = e.end_s - e.start_s
            events.append(replace(e, start_s=start, end_s=min(start + min(length, 0.9 * step), script.duration_s)))
    return Script(events=tuple(events), duration_s=script.duration_s)


def feeling(event: Event) -> str:
    """The state of mind that an event shows, or nothing."""
    return EMOTIONS.get(load_lexicon().label(event.label).family, "")


def _capital(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith(".") else f"{text}."
