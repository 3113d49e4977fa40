"""What labels look like to a reader: the units that a face shows, on either side and at each stage. Knows no time and no motion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from tdmm_core.domain.script import Side
from tdmm_core.performance.label import Label
from tdmm_core.performance.lexicon import Lexicon, load_lexicon
from tdmm_core.performance.units import INDEX, UNITS, mirrored

_GRADED, _UNGRADED = (0.12, 1.35), (0.62, 1.35)
"Least and most share of full strength at which a label can be read; what is done or not is never done by half."
_SLOWEST_BEAT_HZ = 1.2
"Slower rhythms cannot be told from a face that changes."
_LOOKS_AWAY = 0.3
"Strength of a look unit from which a gaze is read by its direction."
_NEVER_FACES = ("speech", "roll", "dart")


@dataclass(frozen=True, kw_only=True, eq=False)
class Faces:
    """Every label that is a face, once for each side it can be shown on and each stage it goes through; N rows."""

    labels: tuple[Label, ...]
    sides: tuple[Side, ...]
    "The side that an event of it names; both where it names none."
    patterns: np.ndarray
    "(N, 52) units at intensity 1, in the order of `units.UNITS`."
    bounds: np.ndarray
    "(N, 2) least and most share of full strength at which each can be read."
    beats: np.ndarray
    "(N, 52) how far each unit goes to and fro between beats at intensity 1, of faces that shake; 0 for the others."
    lasting: tuple[int, ...]
    "(N,) for a flash the row of its family that is most like it and lasts; every other row's own number."


@cache
def faces() -> Faces:
    """The faces of the package's lexicon."""
    return faces_of(load_lexicon())


def faces_of(lexicon: Lexicon) -> Faces:
    """The faces of a lexicon: whatever is told from units other than the gaze's. What looks aside, nods or speaks is read elsewhere."""
    rows = [
        (label, "both" if label.lateral != "said" else "right" if flip else "left", _pattern(label, shown, flip=flip))
        for label in lexicon.labels.values()
        if _is_face(label)
        for flip in ((False, True) if label.lateral != "none" or label.pattern == "sway" else (False,))
        for shown in ([s.units for s in label.stages] or [label.units])
    ]
    rows = [row for row in rows if row[2].any()]
    labels, patterns = tuple(r[0] for r in rows), np.stack([r[2] for r in rows])
    return Faces(
        labels=labels,
        sides=tuple(r[1] for r in rows),  # type: ignore[misc]
        patterns=patterns,
        beats=np.stack([_beats(label, pattern) for label, pattern in zip(labels, patterns, strict=True)]),
        lasting=_lasting(labels, patterns),
        bounds=np.array([_GRADED if r[0].graded or _comes_and_goes(r[0]) else _UNGRADED for r in rows]),
    )


def _is_face(label: Label) -> bool:
    """Whether units tell it: a stare is a gaze, but does nothing with the eyes' direction."""
    if label.kind == "gaze":
        return not label.stages and max((v for u, v in label.units.items() if u.startswith("eyeLook")), default=0.0) < _LOOKS_AWAY
    return label.kind in ("expression", "action") and label.pattern not in _NEVER_FACES and not label.spoken


def _beats(label: Label, pattern: np.ndarray) -> np.ndarray:
    if label.rhythm is None or label.rhythm.hz < _SLOWEST_BEAT_HZ:
        return np.zeros_like(pattern)
    shaken = np.isin(np.arange(len(UNITS)), [INDEX[x] for u in label.rhythm.units for x in (u, mirrored(u))])
    return np.where(shaken, pattern * label.rhythm.depth / (1.0 - 0.5 * label.rhythm.depth), 0.0)


def _lasting(labels: tuple[Label, ...], patterns: np.ndarray) -> tuple[int, ...]:
    unit = patterns / np.linalg.norm(patterns, axis=1, keepdims=True)
    found = []
    for row, label in enumerate(labels):
        kin = [k for k, other in enumerate(labels) if other.family == label.family and not other.brief]
        found.append(max(kin, key=lambda k: float(unit[k] @ unit[row])) if label.brief and kin else row)
    return tuple(found)


def _comes_and_goes(label: Label) -> bool:
    """Whether it is at its apex for moments only."""
    return label.countable or bool(label.stages) or label.pattern == "sway"


def _pattern(label: Label, shown: Mapping[str, float], *, flip: bool) -> np.ndarray:
    row = np.zeros(len(UNITS))
    for unit, strength in shown.items():
        # Lids that are counted are read by themselves; what is left is what comes along with a wink.
        if not (label.counts_lids and unit.startswith("eyeBlink")):
            row[INDEX[mirrored(unit) if flip else unit]] = strength
    if label.rhythm is not None:
        # Shaken units fall back between beats: on average by half the depth.
        shaken = [INDEX[mirrored(u) if flip else u] for u in label.rhythm.units]
        row[shaken] *= 1.0 - 0.5 * label.rhythm.depth
    return row
