"""From a label, as data sets and file names write it, to the lexicon's label and to sentences. Knows no file."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Protocol

from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.sentence_reader import read_sentence
from tdmm_core.performance.sentences import write_sentences

NEUTRAL = ("neutral", "calm", "still", "no expression", "none")
_TALKING = "talking"
_NOMINAL_S = 4.0
_MIDDLE = 0.5
_MADE_UP = re.compile(r"\bseconds?\b", re.IGNORECASE)
_GENDERED = re.compile(r"\b(she|he|hers?|his|him|herself|himself|\w*wom[ae]n|\w*m[ae]n|girl|boy|lady|guy|actress)\b", re.IGNORECASE)


class Manner(Protocol):
    """What a label leaves open."""

    intensity: float | None
    talking: bool
    gender: str


@cache
def label_from(words: str) -> str:
    """The lexicon's label that some words name (`happy`, `Angry_look`, `head-shake`); `neutral` for a still face; empty where they name none."""
    plain = " ".join(re.sub(r"[_\-.+]+", " ", words).lower().split())
    if plain in NEUTRAL:
        return NEUTRAL[0]
    if plain in load_lexicon().labels:
        return plain
    named = read_sentence(plain)
    return named[0].pattern.label if named else ""


def intensity_from(text: str) -> float | None:
    """0 to 1 from `0.7`, `70` (of 100), `7` (of 10), `level_2` (of 3) or a word for it such as `strong`; None where the text says nothing."""
    plain = text.strip().lower()
    if level := re.fullmatch(r"level[ _-]?([1-3])", plain):
        return (0.3, 0.6, 0.95)[int(level[1]) - 1]
    if re.fullmatch(r"\d+(\.\d+)?%?", plain):
        value = float(plain.rstrip("%"))
        value /= 100 if plain.endswith("%") or value > 10 else 10 if value > 1 else 1
        return value if value <= 1 else None
    for degree in load_lexicon().degrees:
        if plain == degree.name or plain in degree.adjectives:
            return round((degree.low + degree.high) / 2, 3)
    return {"low": 0.3, "mild": 0.3, "weak": 0.3, "mid": 0.55, "moderate": 0.55, "high": 0.8}.get(plain)


def sentences_for(label: str, manner: Manner, *, count: int, seed: int, taken: Callable[[str], bool]) -> tuple[str, ...]:
    """Up to `count` sentences for a label, those that are not `taken` where enough are free; none for an empty label."""
    if not label:
        return ()
    try:
        # More than are wanted, for those that say what a label does not tell (how long, who) are left out.
        told = tuple(s for s in _from_lexicon(label, manner, count=4 * count, seed=seed) if _honest(s, manner)) or _from_word(label, manner)
    except InputError:
        told = _from_word(label, manner)
    free = [s for s in told if not taken(s)]
    return tuple((free or list(told))[:count])


def _honest(sentence: str, manner: Manner) -> bool:
    return not _MADE_UP.search(sentence) and bool(manner.gender or not _GENDERED.search(sentence))


def _from_lexicon(label: str, manner: Manner, *, count: int, seed: int) -> tuple[str, ...]:
    """Sentences of the one event; raises InputError for what the lexicon does not know or what needs a side."""
    lexicon = load_lexicon()
    intensity = _MIDDLE if manner.intensity is None else manner.intensity
    events = []
    if label != NEUTRAL[0]:
        known = lexicon.label(label)
        if known.directions or known.sides != ("both",):
            raise InputError(f"label {label!r}: which side is not known")
        events = [Event(kind=known.kind, label=label, start_s=0.0, end_s=_NOMINAL_S, intensity=intensity if known.graded else 1.0)]
    if manner.talking and label != _TALKING and _TALKING in lexicon.labels:
        talk = lexicon.label(_TALKING)
        events.append(Event(kind=talk.kind, label=_TALKING, start_s=0.0, end_s=_NOMINAL_S, intensity=_MIDDLE if talk.graded else 1.0))
    script = Script(events=tuple(events), duration_s=_NOMINAL_S)
    for wanted in (count, max(1, count // 4), 1):
        try:
            return write_sentences(script, count=wanted, seed=seed, gender=manner.gender)
        except InputError:
            if wanted == 1:
                raise
    raise AssertionError


def _from_word(label: str, manner: Manner) -> tuple[str, ...]:
    """Plain captions around a word that the lexicon does not know."""
    who = {"female": "A woman", "male": "A man"}.get(manner.gender, "A person")
    word = label.replace("_", " ")
    degree = "" if manner.intensity is None else f", {load_lexicon().degree(manner.intensity).name}"
    shown = f"{who} talks and shows" if manner.talking else f"{who} shows"
    return (f"{shown} {word}{degree}.", f"The face shows {word}{degree}.", f"{word}{degree}")
