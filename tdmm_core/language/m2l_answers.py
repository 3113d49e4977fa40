"""What a clip's sentences answer to a question: which of them state what happens, told of a person whom motion cannot tell apart.

Knows text alone: no motion, no language model.
"""

from __future__ import annotations

import re

from tdmm_core.domain.clip import Clip

_PEOPLE = r"woman|man|girl|boy|guy|lady|gentleman|actor|actress|speaker|character|person|adult|teenager|child"
_SUBJECT = re.compile(rf"\b(?:(?:the|a|an|this)\s+(?:[\w-]+\s+){{0,2}}?(?:{_PEOPLE})|someone|somebody|she|he)\b", re.IGNORECASE)
_STATES = re.compile(rf"\b(?:{_PEOPLE}|the face|someone|somebody|she|he|they|we|there is|shows|is|are)\b", re.IGNORECASE)
_WISHED = re.compile(r"^(?:make|have|let|show|give|animate|i want|i would like)\b|\bsees? (?:her|him)\b", re.IGNORECASE)
"What is asked for instead of told, and where a pronoun stands that no other can stand for."
_PLAIN = re.compile(r"\b(?:person|face)\s+(?:(?:\w+ly|first|then|also)\s+)?(?!is\b|was\b|has\b|does\b)\w+s\b")
_PRONOUNS = {"her": "their", "his": "their", "hers": "theirs", "him": "them", "herself": "themselves", "himself": "themselves"}
_PRONOUN = re.compile(rf"\b(?:{'|'.join(_PRONOUNS)})\b", re.IGNORECASE)


def descriptions(clip: Clip) -> tuple[str, ...]:
    """The clip's sentences that state what happens, plainest first: present tense before others, short before long.

    Orders ("smile broadly"), wishes ("make her smile") and bare noun phrases are left out unless there is nothing else.
    """
    sentences = [s.strip() for s in (clip.prompt, *clip.paraphrases) if s.strip()]
    stated = [s for s in sentences if _STATES.search(s) and not _WISHED.search(s)] or sentences
    told = dict.fromkeys(impersonal(s) for s in stated)
    return tuple(sorted(told, key=lambda s: (not _PLAIN.search(s), len(s), s)))


def impersonal(sentence: str) -> str:
    """The sentence told of "the person": motion shows neither sex nor age, and a model that must guess them learns to guess."""
    told = _SUBJECT.sub(lambda m: _like(m.group(), "the person"), sentence)
    told = _PRONOUN.sub(lambda m: _like(m.group(), _PRONOUNS[m.group().lower()]), told)
    told = told[:1].upper() + told[1:]
    return told if told.endswith((".", "!", "?")) else f"{told}."


def _like(found: str, text: str) -> str:
    return text[:1].upper() + text[1:] if found[:1].isupper() else text
