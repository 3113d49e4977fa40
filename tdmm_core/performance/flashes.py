"""Micro-expressions: units that rise and fall together within half a second, beside whatever the face shows meanwhile.

What is steady hides them, so they are read from unit events that no face accounts for. Knows faces and unit events, not how either was found.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tdmm_core.performance.face_events import FaceEvent
from tdmm_core.performance.families import Faces
from tdmm_core.performance.label import Label
from tdmm_core.performance.mixtures import mixtures
from tdmm_core.performance.unit_events import UnitEvent
from tdmm_core.performance.units import INDEX, UNITS, mirrored

_LONGEST_S, _TOGETHER_S = 0.75, 0.2
"Longest rise and fall, and how far apart the apexes of one flash lie."
_ACCOUNTED = 0.35
"Share of a unit that a face must show to account for it."
_LEAST_KNOWN = 0.6
"Units that a mouth uses to speak tell nothing."
_EXPLAINS, _LEFT = 4.5, 0.5
"Misfit that a label must take away, and the share of it that may be left."


def flashes(units: Sequence[UnitEvent], shown: Sequence[FaceEvent], faces: Faces, known: np.ndarray, fps: float) -> tuple[FaceEvent, ...]:
    """The flashes among the unit events of a clip that shows the faces `shown`; `known` is (T, 52), see `face_events`."""
    rows = np.array([i for i, label in enumerate(faces.labels) if label.brief], int)
    loose = [
        u
        for u in sorted(units, key=lambda u: u.apex_s)
        if u.end_s - u.onset_s < _LONGEST_S
        and not u.unit.startswith("eyeLook")
        and known[min(len(known) - 1, int(u.apex_s * fps)), INDEX[u.unit]] > _LEAST_KNOWN
        and not any(_accounts_for(f, u) for f in shown)
    ]
    found = [_flash(group, faces, rows) for group in _together(loose)] if len(rows) else []
    return tuple(f for f in found if f is not None)


def _together(units: Sequence[UnitEvent]) -> list[list[UnitEvent]]:
    groups: list[list[UnitEvent]] = []
    for unit in units:
        if groups and unit.apex_s - groups[-1][0].apex_s < _TOGETHER_S:
            groups[-1].append(unit)
        else:
            groups.append([unit])
    return groups


def _accounts_for(face: FaceEvent, unit: UnitEvent) -> bool:
    if not face.onset_s <= unit.apex_s <= face.end_s:
        return False
    faces_shown = [s.units for s in face.label.stages] or [face.label.units]
    strongest = max(max(shown.get(unit.unit, 0.0), shown.get(mirrored(unit.unit), 0.0)) for shown in faces_shown)
    return strongest * face.strength > _ACCOUNTED * unit.strength


def _flash(group: Sequence[UnitEvent], faces: Faces, rows: np.ndarray) -> FaceEvent | None:
    """The label that explains units which flash together; None where none does."""
    face = np.zeros(len(UNITS))
    for unit in group:
        face[INDEX[unit.unit]] = max(face[INDEX[unit.unit]], unit.strength)
    none, *explanations = mixtures(face, faces.patterns[rows], faces.bounds[rows], np.ones(len(UNITS)))
    alone = [m for m in explanations if len(m.rows) == 1]
    best = min(alone, key=lambda m: m.misfit, default=none)
    if none.misfit - best.misfit < _EXPLAINS or best.misfit > _LEFT * none.misfit:
        return None
    row = int(rows[best.rows[0]])
    strongest = max(group, key=lambda u: u.strength)
    pattern = faces.patterns[row]
    return _event(faces.labels[row], faces.sides[row], group, strongest, float(face @ pattern / (pattern @ pattern)))


def _event(label: Label, side: str, group: Sequence[UnitEvent], strongest: UnitEvent, strength: float) -> FaceEvent:
    return FaceEvent(
        label=label,
        side=side,  # type: ignore[arg-type]
        onset_s=min(u.onset_s for u in group),
        apex_s=strongest.apex_s,
        end_s=max(u.end_s for u in group),
        rise_s=0.0,
        strength=float(np.clip(strength, 0.0, 1.0)),
    )
