"""The lexicon: every label with its words, units and timing, read from `lexicon.toml`; knows neither sentences nor curves."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib import resources
from typing import Any, get_args

from tdmm_core.domain.script import Direction, Event, Kind, Side, Tempo
from tdmm_core.errors import InputError
from tdmm_core.performance.units import both_sides

LATERALS = ("none", "said", "free")
PATTERNS = ("hold", "repeat", "speech", "roll", "dart")


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
class Label:
    """One thing that a face can do, in words and in units."""

    name: str
    kind: Kind
    category: str
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
    nouns: tuple[str, ...] = ()
    things: tuple[str, ...] = ()
    adjectives: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    states: tuple[str, ...] = ()

    @property
    def countable(self) -> bool:
        return self.pattern == "repeat"

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


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """All labels, and the words for how much and how fast."""

    labels: Mapping[str, Label]
    degrees: tuple[Degree, ...]
    tempi: Mapping[Tempo, TempoWords]

    def label(self, name: str) -> Label:
        """The label of that name. Raises InputError with near names."""
        if name not in self.labels:
            from difflib import get_close_matches

            near = get_close_matches(name, self.labels, n=3, cutoff=0.4)
            raise InputError(
                f"label: expected one of the lexicon's {len(self.labels)}, got {name!r}" + (f"; near are {', '.join(near)}" if near else "")
            )
        return self.labels[name]

    def degree(self, intensity: float) -> Degree:
        """The degree whose range lies nearest to an intensity."""
        return min(self.degrees, key=lambda d: max(d.low - intensity, intensity - d.high, 0.0))

    def of(self, event: Event) -> Label:
        """The label of an event. Raises InputError when its kind, side or direction does not suit the label."""
        label = self.label(event.label)
        if event.kind != label.kind:
            raise InputError(f"event {event.label!r}: expected kind {label.kind!r}, got {event.kind!r}")
        if event.side not in label.sides:
            raise InputError(f"event {event.label!r}: expected side {' or '.join(label.sides)}, got {event.side!r}")
        if event.direction not in (label.directions or ("",)):
            raise InputError(f"event {event.label!r}: expected direction {' or '.join(label.directions) or 'none'}, got {event.direction!r}")
        return label


@cache
def load_lexicon() -> Lexicon:
    """The lexicon that the package carries."""
    return read_lexicon(_text())


@cache
def lexicon_digest() -> str:
    """SHA-256 (hex) of the package's lexicon: performances and sentences follow from it."""
    return hashlib.sha256(_text().encode()).hexdigest()


def _text() -> str:
    return resources.files("tdmm_core.performance").joinpath("lexicon.toml").read_text(encoding="utf-8")


def read_lexicon(text: str) -> Lexicon:
    """A lexicon from TOML. Raises InputError naming the label and the entry that cannot be used."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise InputError(f"lexicon: expected TOML, got a mistake: {e}") from e
    labels: dict[str, Label] = {}
    for row in data.get("label", []):
        label = _label(row)
        if label.name in labels:
            raise InputError(f"lexicon: label {label.name!r} stands twice; rename or remove one")
        labels[label.name] = label
    degrees = tuple(Degree(**_tuples(row)) for row in data["intensity"])
    tempi = {row["name"]: TempoWords(**_tuples(row)) for row in data["tempo"]}
    return Lexicon(labels=labels, degrees=degrees, tempi=tempi)


def _label(row: dict[str, Any]) -> Label:
    name = str(row.get("name", ""))
    known = {f.name for f in fields(Label)}
    wrong = sorted(set(row) - known)
    if wrong:
        raise InputError(f"lexicon label {name!r}: unknown entry {wrong[0]!r}; known are {', '.join(sorted(known))}")
    for key, choices in (("kind", get_args(Kind)), ("lateral", LATERALS), ("pattern", PATTERNS)):
        if row.get(key, choices[0]) not in choices:
            raise InputError(f"lexicon label {name!r}: expected {key} to be one of {', '.join(choices)}, got {row[key]!r}")
    entries = _tuples(row)
    entries["units"] = _units(name, row.get("units", {}))
    if "rhythm" in row:
        rhythm = dict(row["rhythm"])
        entries["rhythm"] = Rhythm(**{**rhythm, "units": tuple(u for n in rhythm["units"] for u in both_sides(n))})
    return Label(**entries)


def _units(name: str, strengths: Mapping[str, float]) -> dict[str, float]:
    units: dict[str, float] = {}
    for unit, strength in strengths.items():
        sides = both_sides(unit)
        if not sides:
            raise InputError(f"lexicon label {name!r}: {unit!r} is none of the 52 ARKit units")
        if not 0 < strength <= 1:
            raise InputError(f"lexicon label {name!r}: expected a strength above 0 and at most 1 for {unit}, got {strength}")
        units.update(dict.fromkeys(sides, float(strength)))
    return units


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
