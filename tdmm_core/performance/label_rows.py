"""Labels from the rows of the lexicon's TOML: every entry checked, common names of pairs spread over both sides. Knows no file."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from tdmm_core.domain.script import Kind
from tdmm_core.errors import InputError
from tdmm_core.performance.label import LATERALS, PATTERNS, Label, Rhythm, Speech, Stage
from tdmm_core.performance.units import both_sides

Units = Mapping[str, float]
_LIPS = ("mouth",)
_REQUIRED = ("name", "kind", "category", "family", "source")
_DERIVED = ("spoken",)
_WRITTEN = ("says",)


def label_of(row: Mapping[str, Any], visemes: Mapping[str, Units]) -> Label:
    """A label from its row. Raises InputError naming the label and the entry that cannot be used."""
    name = str(row.get("name", ""))
    known = {f.name for f in fields(Label)} - {*_DERIVED} | {*_WRITTEN}
    wrong = sorted(set(row) - known)
    if wrong:
        raise InputError(f"lexicon label {name!r}: unknown entry {wrong[0]!r}; known are {', '.join(sorted(known))}")
    missing = [key for key in _REQUIRED if not row.get(key)]
    if missing:
        raise InputError(f"lexicon label {name!r}: expected {', '.join(_REQUIRED)}, got no {missing[0]}")
    for key, choices in (("kind", get_args(Kind)), ("lateral", LATERALS), ("pattern", PATTERNS)):
        if row.get(key, choices[0]) not in choices:
            raise InputError(f"lexicon label {name!r}: expected {key} to be one of {', '.join(choices)}, got {row[key]!r}")
    entries = {key: value for key, value in tuples(row).items() if key not in _WRITTEN}
    entries["units"] = units_of(name, row.get("units", {}))
    if "rhythm" in row:
        rhythm = dict(row["rhythm"])
        entries["rhythm"] = Rhythm(**{**rhythm, "units": tuple(u for n in rhythm["units"] for u in both_sides(n))})
    if "speech" in row:
        entries["speech"] = _speech(name, row["speech"], entries["units"], visemes)
        entries["units"] = _most([entries["units"], *entries["speech"].vowels, *entries["speech"].consonants])
    if "stages" in row or "says" in row:
        entries["stages"] = _said(name, row["says"], visemes) if "says" in row else _stages(name, row["stages"])
        entries["spoken"] = "says" in row
        entries["units"] = _most([s.units for s in entries["stages"]])
        entries["head"] = dict(row.get("head", {})) or _furthest([s.head for s in entries["stages"]])
    return Label(**entries)


def viseme_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Units of a viseme at full strength."""
    return units_of(f"viseme {row['name']}", row["units"])


def units_of(name: str, strengths: Units) -> dict[str, float]:
    """Strengths of ARKit units; a name without Left or Right stands for both. Raises InputError for an unknown unit or strength."""
    units: dict[str, float] = {}
    for unit, strength in strengths.items():
        sides = both_sides(unit)
        if not sides:
            raise InputError(f"lexicon label {name!r}: {unit!r} is none of the 52 ARKit units")
        if not 0 < strength <= 1:
            raise InputError(f"lexicon label {name!r}: expected a strength above 0 and at most 1 for {unit}, got {strength}")
        units.update(dict.fromkeys(sides, float(strength)))
    return units


def tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its lists as tuples."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _speech(name: str, row: Mapping[str, Any], held: Units, visemes: Mapping[str, Units]) -> Speech:
    """Visemes scaled by how far this label opens the jaw and moves the lips."""
    jaw, lips = float(row.get("jaw", 1.0)), float(row.get("lips", 1.0))

    def scaled(key: str) -> tuple[dict[str, float], ...]:
        return tuple(_scaled(_viseme(name, v, visemes), jaw, lips) for v in row.get(key, ()))

    return Speech(
        vowels=scaled("vowels"), consonants=scaled("consonants"), held=held, pauses=float(row.get("pauses", 0.12)), head=float(row.get("head", 1.0))
    )  # fmt: skip


def _scaled(units: Units, jaw: float, lips: float) -> dict[str, float]:
    scaled = {unit: min(1.0, strength * (lips if unit.startswith(_LIPS) else jaw)) for unit, strength in units.items()}
    return {unit: strength for unit, strength in scaled.items() if strength > 0}


def _viseme(name: str, viseme: str, visemes: Mapping[str, Units]) -> Units:
    if viseme not in visemes:
        raise InputError(f"lexicon label {name!r}: expected visemes among {', '.join(visemes)}, got {viseme!r}")
    return visemes[viseme]


def _stages(name: str, rows: Sequence[Mapping[str, Any]]) -> tuple[Stage, ...]:
    stages = tuple(Stage(at=float(r["at"]), units=units_of(name, r.get("units", {})), head=dict(r.get("head", {}))) for r in rows)
    places = [0.0, *(s.at for s in stages), 1.0]
    if any(a >= b for a, b in itertools.pairwise(places)):
        raise InputError(f"lexicon label {name!r}: expected stages in order of `at`, between 0 and 1, got {places[1:-1]}")
    return stages


def _said(name: str, said: Sequence[str], visemes: Mapping[str, Units]) -> tuple[Stage, ...]:
    """Visemes of a word, each reached and left in turn."""
    return tuple(Stage(at=round((i + 0.9) / (len(said) + 0.8), 4), units=dict(_viseme(name, v, visemes))) for i, v in enumerate(said))


def _most(faces: Sequence[Units]) -> dict[str, float]:
    """The strongest of each unit over several faces."""
    most: dict[str, float] = {}
    for face in faces:
        for unit, strength in face.items():
            most[unit] = max(strength, most.get(unit, 0.0))
    return most


def _furthest(poses: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The widest angle about each axis over several poses."""
    furthest: dict[str, float] = {}
    for pose in poses:
        for axis, degrees in pose.items():
            furthest[axis] = max(degrees, furthest.get(axis, 0.0), key=abs)
    return furthest
