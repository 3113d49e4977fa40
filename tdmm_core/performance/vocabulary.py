"""The lexicon turned round: which words of a sentence may stand for which label, degree or tempo. Knows no sentence and no event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from tdmm_core.performance.grammar import conjugate, participle
from tdmm_core.performance.lexicon import Label, Lexicon, load_lexicon
from tdmm_core.performance.passive import parted

Forms = ("third", "plural", "past", "ing")
SLOTS = ("{side}", "{direction}")
PLACES: Mapping[str, str] = {
    "left": "left", "right": "right", "up": "up", "upward": "up", "upwards": "up", "down": "down", "downward": "down", "downwards": "down",
    "leftward": "left", "leftwards": "left", "rightward": "right", "rightwards": "right",
}  # fmt: skip
_IDLE = frozenset(
    ("a", "an", "the", "of", "to", "at", "on", "both", "as", "by", "{poss}", "{refl}", "her", "his", "their", "its", "your", "my", "our", "one's")
) | {"herself", "himself", "themselves", "itself", "yourself", "oneself"}
"Words of a phrase that carry nothing by themselves."

_MORE_DEGREES: Mapping[str, tuple[str, ...]] = {
    "extreme": (
        "wildly", "hugely", "enormously", "massively", "as hard as possible", "to the extreme", "over the top", "as wide as possible", "enormous",
        "huge",
    ),
    "strong": ("strong", "quite strongly", "heavily", "heavy", "big", "hard", "broadly", "broad", "wide", "deep", "greatly", "great", "vividly"),
    "subtle": (
        "barely", "hardly", "just a little", "a bit", "ever so slightly", "lightly", "light", "weakly", "weak", "softly", "soft", "small", "tiny",
        "hint", "trace", "gentle", "only a little", "minimal", "minimally", "barely visible",
    ),
}  # fmt: skip
_MORE_TEMPI: Mapping[str, tuple[str, ...]] = {
    "slow": ("little by little", "leisurely", "steadily", "slow", "in no hurry", "taking their time", "at a slow pace", "by degrees"),
    "fast": (
        "swiftly", "swift", "abruptly", "abrupt", "all at once", "all of a sudden", "at once", "hastily", "hasty", "briskly", "brisk",
        "in an instant",
    ),
}  # fmt: skip

_BRIEFLY = (
    "for an instant", "for a split second", "very briefly", "briefly", "brief flash", "split second flash", "fleeting", "brief", "momentarily",
    "for a moment",
)  # fmt: skip

ModifierKind = Literal["degree", "tempo", "count", "micro", "length"]


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """The words that stand for a label, in order; slots among them."""

    label: str
    words: tuple[str, ...]
    "Lemmas; `{side}` and `{direction}` stand for left, right, up, down."
    noun: bool
    "Whether it is a thing that can be counted: two nods."


@dataclass(frozen=True, kw_only=True)
class Modifier:
    """Words that say how much or how fast."""

    kind: ModifierKind
    words: tuple[str, ...]
    value: str
    leads: bool
    "Whether it only stands before what it is said of, as adjectives do."


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """All that a reader of sentences knows."""

    lemmas: Mapping[str, str]
    "Inflected form -> lemma."
    patterns: tuple[Pattern, ...]
    modifiers: tuple[Modifier, ...]

    def lemma(self, word: str) -> str:
        """The lemma of a lower-case word; an unknown one loses a plural s."""
        if word in self.lemmas:
            return self.lemmas[word]
        return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def words_of(text: str) -> list[str]:
    """Lower-case words and marks; a hyphen parts words."""
    return re.findall(r"\{\w+\}|[a-z]+(?:'s)?|\d+|[,;.:!]", text.lower().replace("-", " ").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


@cache
def load_vocabulary() -> Vocabulary:
    """The vocabulary of the package's lexicon."""
    return vocabulary_of(load_lexicon())


def vocabulary_of(lexicon: Lexicon) -> Vocabulary:
    """The vocabulary of a lexicon."""
    lemmas = _lemmas(lexicon)
    bare = Vocabulary(lemmas=lemmas, patterns=(), modifiers=())
    patterns: dict[tuple[str, tuple[str, ...]], Pattern] = {}
    for label in lexicon.labels.values():
        for pattern in _patterns(label, bare):
            patterns.setdefault((pattern.label, pattern.words), pattern)
    ordered = sorted(patterns.values(), key=lambda p: (-len(p.words), p.label, p.words))
    return Vocabulary(lemmas=lemmas, patterns=tuple(ordered), modifiers=tuple(_modifiers(lexicon)))


def _lemmas(lexicon: Lexicon) -> dict[str, str]:
    verbs = {v.split()[0] for label in lexicon.labels.values() for v in label.verbs}
    verbs |= {"tilt", "turn", "raise", "lift", "lower", "furrow", "purse", "pucker", "press", "show", "look", "wrinkle", "narrow"}
    lemmas: dict[str, str] = {}
    for verb in sorted(verbs):
        last = verb.rpartition("-")[2]
        for form in Forms:
            lemmas.setdefault(conjugate(last, form), last)  # type: ignore[arg-type]
        lemmas.setdefault(participle(last), last)
    return lemmas | {"teeth": "tooth", "brow": "eyebrow", "brows": "eyebrow", "eyelids": "lid", "eyelid": "lid"}


def _patterns(label: Label, vocabulary: Vocabulary) -> Iterable[Pattern]:
    for phrase in (*label.nouns, *label.things, *label.adjectives, *label.verbs, *label.states):
        words = content(phrase, vocabulary)
        noun = phrase in label.things
        yield Pattern(label=label.name, words=words, noun=noun)
        if phrase in label.verbs and (found := parted(phrase)) is not None:
            # "press {poss} lips together" -> "her lips are pressed together"
            verb, part, rest = found
            yield Pattern(label=label.name, words=content(f"{part} {verb} {rest}", vocabulary), noun=False)
        if phrase in label.things and len(words) > 1:
            # "turn of the head" -> "head turn"
            yield Pattern(label=label.name, words=(*words[1:], words[0]), noun=True)


def content(phrase: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Lemmas of the words that carry meaning, slots kept."""
    return tuple(w if w in SLOTS else vocabulary.lemma(w) for w in words_of(phrase) if w not in _IDLE)


def idle(word: str) -> bool:
    """Whether a word carries nothing by itself."""
    return word in _IDLE


def _modifiers(lexicon: Lexicon) -> Iterable[Modifier]:
    found: dict[tuple[str, ...], Modifier] = {}
    for degree in lexicon.degrees:
        leading = (*degree.adjectives, *degree.degrees)
        for phrase in (*leading, *degree.adverbs, *degree.reaches, *_MORE_DEGREES.get(degree.name, ())):
            words = tuple(words_of(phrase))
            leads = phrase in leading and phrase not in degree.adverbs and phrase not in degree.reaches
            found.setdefault(words, Modifier(kind="degree", words=words, value=degree.name, leads=leads))
    for tempo in lexicon.tempi.values():
        for phrase in (*tempo.adjectives, *tempo.adverbs, *_MORE_TEMPI.get(tempo.name, ())):
            words = tuple(words_of(phrase))
            found.setdefault(words, Modifier(kind="tempo", words=words, value=tempo.name, leads=phrase in tempo.adjectives))
    for phrase in _BRIEFLY:
        words = tuple(words_of(phrase))
        found.setdefault(words, Modifier(kind="micro", words=words, value="micro", leads=False))
    return sorted(found.values(), key=lambda m: -len(m.words))
