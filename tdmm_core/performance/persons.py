"""Who a sentence is about: a subject with the pronouns that go with it. Knows no event."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who does it."""

    subject: str
    "a woman, he, the face"
    poss: str
    refl: str
    headed: bool = True
    "Whether it can nod and turn its head."
    gender: str = ""
    "female, male, or empty where the words leave it open."
    ages: tuple[str, ...] = ()
    "Of whom the words may speak; empty where they leave it open."

    @property
    def again(self) -> str:
        """The pronoun of a second clause."""
        return {"her": "she", "his": "he", "its": "it"}.get(self.poss, "they")

    @property
    def object(self) -> str:
        """After "make" or "see"."""
        return {"she": "her", "he": "him"}.get(self.subject, self.subject)

    @property
    def owner(self) -> str:
        """Before what belongs to the person: "her", "the woman's"."""
        return self.poss if self.subject in ("she", "he", "") else f"{self.subject}'s"

    @property
    def plain(self) -> bool:
        """Whether a pronoun stands for it."""
        return self.subject in ("she", "he")


_AGES = {"girl": ("child", "young adult"), "boy": ("child",), "young": ("young adult",), "old": ("older adult",), "older": ("older adult",)}
_GROWN = ("young adult", "middle-aged adult", "older adult")
"Who is a woman, a man, an actress, a guy."


def _person(subject: str, poss: str, gender: str = "", *, headed: bool = True) -> Person:
    refl = {"her": "herself", "his": "himself", "its": "itself"}.get(poss, "themselves")
    return Person(subject=subject, poss=poss, refl=refl, headed=headed, gender=gender, ages=_ages(subject, gender))


def _ages(subject: str, gender: str) -> tuple[str, ...]:
    told = [_AGES[word] for word in subject.split() if word in _AGES]
    return told[0] if told else _GROWN if gender and subject not in ("she", "he") else ()


PERSONS: tuple[Person, ...] = (
    *(_person(s, "their") for s in ("the person", "a person", "someone", "the actor", "the speaker", "this person", "somebody", "the character")),
    _person("the face", "its", headed=False),
    *(_person(s, "her", "female") for s in ("she", "she", "a woman", "the woman", "the young woman", "a girl", "the actress", "an older woman")),
    *(_person(s, "his", "male") for s in ("he", "he", "a man", "the man", "an old man", "a guy", "the boy", "a young man")),
)
NOBODY = Person(subject="", poss="the", refl="oneself")
YOU = Person(subject="", poss="your", refl="yourself")
