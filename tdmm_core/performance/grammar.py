"""English enough for the sentences: verb forms, articles, joining, filling slots. Knows no label."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal

Form = Literal["bare", "third", "plural", "past", "ing", "to"]

_THIRD = {"be": "is", "have": "has"}
_PAST = {
    "be": "was", "have": "had", "become": "became", "stick": "stuck", "bite": "bit", "blow": "blew", "break": "broke", "burst": "burst",
    "give": "gave", "let": "let", "make": "made", "put": "put", "shake": "shook", "shut": "shut", "speak": "spoke", "say": "said",
    "weep": "wept", "keep": "kept", "grow": "grew", "feel": "felt", "get": "got", "slide": "slid", "hold": "held", "begin": "began",
    "go": "went", "do": "did", "draw": "drew", "wear": "wore", "thrust": "thrust", "fight": "fought", "think": "thought",
    "lose": "lost", "panic": "panicked", "freeze": "froze", "grind": "ground", "sing": "sang", "steal": "stole", "read": "read", "fall": "fell",
    "sink": "sank", "hang": "hung", "throw": "threw", "shrink": "shrank", "hide": "hid", "catch": "caught", "wind": "wound", "see": "saw",
    "mistake": "mistook", "leave": "left", "swing": "swung", "tell": "told", "count": "counted", "come": "came", "run": "ran", "take": "took",
    "sweep": "swept", "cast": "cast", "lead": "led",
}  # fmt: skip
_DOUBLED = {
    "grin": "grinn", "nod": "nodd", "sob": "sobb", "let": "lett", "drop": "dropp", "jut": "jutt", "shut": "shutt", "knit": "knitt", "get": "gett",
    "put": "putt", "shrug": "shrugg", "begin": "beginn", "grit": "gritt", "pat": "patt", "bat": "batt",
    "gag": "gagg", "wag": "wagg", "hum": "humm", "bob": "bobb", "tip": "tipp", "dip": "dipp", "snap": "snapp", "scan": "scann", "jab": "jabb",
    "run": "runn", "thin": "thinn", "flit": "flitt", "fret": "frett", "pop": "popp", "panic": "panick", "tut": "tutt", "chat": "chatt",
}  # fmt: skip
_PARTICIPLE = {
    "be": "been", "become": "become", "bite": "bitten", "blow": "blown", "break": "broken", "give": "given", "shake": "shaken", "speak": "spoken",
    "grow": "grown", "do": "done", "go": "gone", "draw": "drawn", "wear": "worn", "show": "shown", "begin": "begun",
}  # fmt: skip
_TIMES = {1: "once", 2: "twice", 3: "three times", 4: "four times", 5: "five times", 6: "six times"}
_NUMBERS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def conjugate(phrase: str, form: Form) -> str:
    """A bare verb phrase in another form; its first word is the verb.

    >>> conjugate("stick out her tongue", "third")
    'sticks out her tongue'
    """
    verb, _, rest = phrase.partition(" ")
    return f"{_inflect(verb, form)} {rest}".rstrip()


def _inflect(verb: str, form: Form) -> str:
    if "-" in verb:
        first, _, last = verb.rpartition("-")
        return f"{first}-{_inflect(last, form)}"
    match form:
        case "bare":
            return verb
        case "plural":
            return "are" if verb == "be" else verb
        case "to":
            return f"to {verb}"
        case "third":
            return _third(verb)
        case "past":
            return _PAST.get(verb) or _past(verb)
        case "ing":
            return _ing(verb)


def _third(verb: str) -> str:
    if verb in _THIRD:
        return _THIRD[verb]
    if re.search(r"(s|x|z|ch|sh|o)$", verb):
        return verb + "es"
    return verb[:-1] + "ies" if re.search(r"[^aeiou]y$", verb) else verb + "s"


def _past(verb: str) -> str:
    if verb in _DOUBLED:
        return _DOUBLED[verb] + "ed"
    if verb.endswith("e"):
        return verb + "d"
    return verb[:-1] + "ied" if re.search(r"[^aeiou]y$", verb) else verb + "ed"


def _ing(verb: str) -> str:
    if verb in _DOUBLED:
        return _DOUBLED[verb] + "ing"
    if verb.endswith("e") and not verb.endswith("ee") and verb != "be":
        return verb[:-1] + "ing"
    return verb + "ing"


def participle(verb: str) -> str:
    """The past participle of a bare verb: "raised", "shaken"."""
    return _PARTICIPLE.get(verb) or _inflect(verb, "past")


def article(phrase: str) -> str:
    """The phrase with a or an before it."""
    return f"{'an' if re.match(r'[aeiou]|hour', phrase, re.IGNORECASE) and not re.match(r'(one|uni|use)', phrase) else 'a'} {phrase}"


def plural(phrase: str) -> str:
    """A count noun in the plural: the "s" goes before "of the head", "to the left", "on the right" and the like."""
    head, mark, tail = _split_tail(phrase)
    return f"{_third(head)}{mark}{tail}"


def _split_tail(phrase: str) -> tuple[str, str, str]:
    found = re.search(r" (of|to|on|with|from|left|right|up|down)\b", phrase)
    if found is None:
        return phrase, "", ""
    return phrase[: found.start()], " ", phrase[found.start() + 1 :]


def times(count: int) -> str:
    """once, twice, three times ..."""
    return _TIMES.get(count, f"{count} times")


def number(count: int) -> str:
    """one, two, three ..."""
    return _NUMBERS.get(count, str(count))


def seconds(duration_s: float) -> str:
    """A length in words: "two seconds", "half a second"."""
    halves = max(1, round(duration_s * 2))
    if halves == 1:
        return "half a second"
    if halves == 2:
        return "a second"
    whole, half = divmod(halves, 2)
    return f"{number(whole)} and a half seconds" if half else f"{number(whole)} seconds"


def joined(parts: Sequence[str]) -> str:
    """a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def fill(phrase: str, slots: Mapping[str, str]) -> str:
    """The phrase with its {slots} filled."""
    return phrase.format_map(slots)


def sentence(text: str) -> str:
    """First letter capital, one full stop at the end."""
    text = text.strip()
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")
