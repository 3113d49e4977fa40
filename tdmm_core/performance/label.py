"""What the lexicon consists of: labels with words, units and timing, and the words for how much and how fast. Knows no file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tdmm_core.domain.script import Direction, Kind, Side, Tempo

LATERALS = ("none", "said", "free")
PATTERNS = ("hold", "repeat", "swing", "circle", "sway", "speech", "roll", "dart")
BRIEF_S = 0.6
"What lasts no longer is a flash: its tempo goes unsaid."
_COUNTED = ("repeat", "swing", "circle")


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """A shaking laid over a held face: laughter, sobs, chewing."""

    hz: float
    depth: float
    "0 to 1: how far the units fall back between beats."
    units: tuple[str, ...]
    pitch: float = 0.0
    "Degrees of nodding along."


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One face on the way of a label that goes through several."""

    at: float
    "0 to 1 of the way, exclusive; stages stand in order."
    units: Mapping[str, float]
    head: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Speech:
    """How a label speaks."""

    vowels: tuple[Mapping[str, float], ...]
    "Units of each vowel's viseme, as strongly as this label shows it."
    consonants: tuple[Mapping[str, float], ...]
    held: Mapping[str, float]
    "Units that stay meanwhile."
    pauses: float
    "Pauses a syllable, 0 to 1."
    head: float
    "Scale of the head's motion along with the words."


@dataclass(frozen=True, kw_only=True)
class Label:
    """One thing that a face can do, in words and in units."""

    name: str
    kind: Kind
    category: str
    family: str
    "What labels that a reader of motion cannot be asked to tell apart have in common: `joy` of smile, laughter, elation."
    source: str
    units: Mapping[str, float]
    "Strength of each of the 52 units at intensity 1."
    head: Mapping[str, float] = field(default_factory=dict)
    "pitch, yaw, roll in degrees at intensity 1."
    lateral: str = "none"
    "`said`: the event names the side; `free`: one-sided, the performer chooses."
    directions: tuple[Direction, ...] = ()
    onset_s: float = 0.4
    offset_s: float = 0.55
    longest_s: float = 10.0
    graded: bool = True
    "Whether it can be done more or less; otherwise its intensity is 1 and goes unsaid."
    pattern: str = "hold"
    hz: float = 1.0
    rhythm: Rhythm | None = None
    stages: tuple[Stage, ...] = ()
    "Faces gone through in order; once, or once a count."
    speech: Speech | None = None
    steady: bool = False
    "Whether the eyes neither blink nor stray meanwhile."
    spoken: bool = False
    "Whether its stages are visemes of a word."
    nouns: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    adjectives: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def countable(self) -> bool:
        return self.pattern in _COUNTED

    @property
    def counts_lids(self) -> bool:
        """Whether it counts closures of the lids, so that no other may be among them."""
        return self.countable and max(self.units.get("eyeBlinkLeft", 0.0), self.units.get("eyeBlinkRight", 0.0)) >= 0.8

    @property
    def speaks(self) -> bool:
        return self.spoken or self.speech is not None

    @property
    def brief(self) -> bool:
        """Whether it is over in a flash, as a micro-expression is."""
        return self.longest_s <= BRIEF_S

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that an event of this label may name."""
        return ("left", "right") if self.lateral == "said" else ("both",)

    def phrases(self) -> tuple[str, ...]:
        """Every phrase of the label, with its slots unfilled."""
        return (*self.nouns, *self.things, *self.adjectives, *self.verbs, *self.states)


@dataclass(frozen=True, kw_only=True)
class Degree:
    """A stretch of the intensity scale and the words for it."""

    name: str
    low: float
    high: float
    adjectives: tuple[str, ...]
    adverbs: tuple[str, ...]
    degrees: tuple[str, ...]
    "Words before an adjective: very, slightly."
    reaches: tuple[str, ...]
    "Words for how far the head or the eyes go."


@dataclass(frozen=True, kw_only=True)
class TempoWords:
    """The words for a tempo; none for the medium one."""

    name: Tempo
    adjectives: tuple[str, ...]
    adverbs: tuple[str, ...]
