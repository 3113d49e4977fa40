"""The lexicon: every label with its words, units and timing, read from `labels/*.toml`; knows neither sentences nor curves."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from tdmm_core.domain.script import Event, Tempo
from tdmm_core.errors import InputError
from tdmm_core.performance.label import Degree, Label, TempoWords
from tdmm_core.performance.label_rows import label_of, tuples, viseme_of


@dataclass(frozen=True, kw_only=True, eq=False)
class Lexicon:
    """All labels, and the words for how much and how fast. Two are equal when they are one, so that tables of one can be kept."""

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
    return read_lexicon(*_texts())


@cache
def lexicon_digest() -> str:
    """SHA-256 (hex) of the package's lexicon: performances and sentences follow from it."""
    return hashlib.sha256("\n".join(_texts()).encode()).hexdigest()


def _texts() -> list[str]:
    folder = resources.files("tdmm_core.performance").joinpath("labels")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return [f.read_text(encoding="utf-8") for f in files]


def read_lexicon(*texts: str) -> Lexicon:
    """A lexicon from TOML in one or more parts. Raises InputError naming the label and the entry that cannot be used."""
    rows: dict[str, list[dict[str, Any]]] = {"label": [], "intensity": [], "tempo": [], "viseme": []}
    for text in texts:
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as e:
            raise InputError(f"lexicon: expected TOML, got a mistake: {e}") from e
        unknown = sorted(set(data) - set(rows))
        if unknown:
            raise InputError(f"lexicon: unknown table {unknown[0]!r}; known are {', '.join(rows)}")
        for key, found in data.items():
            rows[key] += found
    visemes = {row["name"]: viseme_of(row) for row in rows["viseme"]}
    labels: dict[str, Label] = {}
    for row in rows["label"]:
        label = label_of(row, visemes)
        if label.name in labels:
            raise InputError(f"lexicon: label {label.name!r} stands twice; rename or remove one")
        labels[label.name] = label
    degrees = tuple(Degree(**tuples(row)) for row in rows["intensity"])
    return Lexicon(labels=labels, degrees=degrees, tempi={row["name"]: TempoWords(**tuples(row)) for row in rows["tempo"]})
