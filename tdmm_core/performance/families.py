"""What a label looks like to a reader: the units that a face shows at its apex, on either side, and how they vary. Knows no time and no motion.

Labels that a reader cannot be asked to tell apart share a family; the lexicon says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from tdmm_core.domain.script import Side
from tdmm_core.performance.label import Label
from tdmm_core.performance.lexicon import Lexicon, load_lexicon
from tdmm_core.performance.units import INDEX, UNITS, mirrored

_GRADED, _UNGRADED = (0.12, 1.35), (0.62, 1.35)
"Least and most share of full strength at which a label can be read; what is done or not is never done by half."
_NEVER_FACES = ("speech", "roll", "dart")


@dataclass(frozen=True, kw_only=True, eq=False)
class Faces:
    """Every label that is a face, once for each side it can be shown on; N rows."""

    labels: tuple[Label, ...]
    sides: tuple[Side, ...]
    "The side that an event of it names; both where it names none."
    patterns: np.ndarray
    "(N, 52) units at intensity 1, in the order of `units.UNITS`."
    bounds: np.ndarray
    "(N, 2) least and most share of full strength at which each can be read."


@cache
def faces() -> Faces:
    """The faces of the package's lexicon."""
    return faces_of(load_lexicon())


def faces_of(lexicon: Lexicon) -> Faces:
    """The faces of a lexicon: held ones and shaking ones; what blinks, looks aside, nods or speaks is read elsewhere."""
    labels: list[Label] = []
    sides: list[Side] = []
    patterns: list[np.ndarray] = []
    for label in lexicon.labels.values():
        if label.kind not in ("expression", "action") or label.countable or label.pattern in _NEVER_FACES:
            continue
        for flip in (False, True) if label.lateral != "none" else (False,):
            labels.append(label)
            sides.append("both" if label.lateral != "said" else "right" if flip else "left")
            patterns.append(_pattern(label, flip=flip))
    bounds = np.array([_GRADED if label.graded else _UNGRADED for label in labels])
    return Faces(labels=tuple(labels), sides=tuple(sides), patterns=np.stack(patterns), bounds=bounds)


def _pattern(label: Label, *, flip: bool) -> np.ndarray:
    row = np.zeros(len(UNITS))
    for unit, strength in label.units.items():
        row[INDEX[mirrored(unit) if flip else unit]] = strength
    if label.rhythm is not None:
        # Shaken units fall back between beats: on average by half the depth.
        shaken = [INDEX[mirrored(u) if flip else u] for u in label.rhythm.units]
        row[shaken] *= 1.0 - 0.5 * label.rhythm.depth
    return row
