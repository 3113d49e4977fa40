"""How much a motion speaks for a script: the evidence of every event that was asked for, in natural logarithms of odds, added up.

A fitter shrinks faces and leaves some units behind, so what was not read may yet have been done. It is looked for where it was asked for: how the
units change then is held against the faces of all families of the lexicon, by direction and not by size. Owns the odds; knows no file.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script, Side
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.changes import Change, changes
from tdmm_core.performance.claims import Claim, ClaimKind, claims, judged, kind_of, matched
from tdmm_core.performance.families import Faces, faces
from tdmm_core.performance.units import UNITS

_READ: dict[ClaimKind, tuple[float, float, float]] = {
    "face": (-1.1, 0.2, 2.3), "speech": (-0.8, 1.8, 2.6), "head": (-2.5, 1.0, 2.4), "gaze": (-1.5, 0.7, 1.9), "blink": (-2.0, 0.3, 1.5),
    "stillness": (-1.8, 3.0, 3.0),
}  # fmt: skip
"Of what was asked: not read; read at another time; read at its time."
_HOW: dict[ClaimKind, tuple[float, float]] = {"direction": (-1.8, 1.0), "side": (-1.5, 1.0), "count": (-0.6, 0.5), "order": (-1.8, 0.5)}
"Of how it was asked, where it was read: otherwise; so."
_FACE, _LEAST_FACE, _MOST_FACE = (-4.7, 4.5, 4.8), -3.2, 4.5
"Of a face that was not read at its time: constant, times likeness, times share of other families that are less like it; and the limits."
_IGNORED = 0.4
"A clip ignored its prompt where the evidence that it did not is less than this."
_BESIDE = 0.35
"What the units say of a face that was read at its time counts this much: a reading rests on the same units."
_STIR: dict[ClaimKind, tuple[float, float, float, float]] = {
    "speech": (-1.0, 3.0, -1.2, 2.0), "gaze": (-1.4, 2.0, -1.8, 2.2), "head": (-2.2, 1.9, -2.5, 1.8),
}  # fmt: skip
"Of speech, gaze and head motion that was not read: constant, times how much more mouth, eyes or head stir, and the limits."
_UNASKED: dict[ClaimKind, float] = {"face": -1.4, "gaze": -0.9, "head": -0.4, "speech": -0.2}
"Of what was read and not asked for, times its intensity."
_MOST_UNASKED = -2.0
"All of it together takes no more away: performers add to what they are told."
_POWERS, _RETIMED, _SHORTEST_S = (0.65, 1.5), -0.5, 0.1
"Other times at which a script may be kept, what that takes away, and the shortest event then."
_FAINT = 0.1
"Changes of this size have half a direction."


def ignored(asked: Script, motion: FaceMotion, seen: Script) -> bool:
    """Whether a clip ignored what it was asked for; `seen` is what was read of the motion. Raises InputError as `claims` does."""
    return evidence(asked, motion, seen) < _IGNORED


def evidence(asked: Script, motion: FaceMotion, seen: Script) -> float:
    """Logarithm of the odds that the motion follows `asked` and not the script of another clip, by what was `seen` of it and by its units.

    A prompt tells the order, not the seconds: the script's own times count, and with less right the same events earlier or later.
    """
    if not asked.events:
        return _READ["stillness"][2 * claims(asked, seen)[0].kept]
    earlier_or_later = (_at_its_times(_retimed(asked, power), motion, seen) for power in _POWERS)
    return max(_at_its_times(asked, motion, seen), *(e + _RETIMED for e in earlier_or_later))


def _at_its_times(asked: Script, motion: FaceMotion, seen: Script) -> float:
    meant, timed = (matched(asked.events, seen.events, timed=t) for t in (False, True))
    rows = zip(asked.events, changes(asked.events, motion, asked.duration_s), meant, timed, strict=True)
    unasked = sum(_of_unasked(e, asked) for e in seen.events if e not in meant)
    whole = sum(_of_event(*row) for row in rows) + max(unasked, _MOST_UNASKED)
    return whole + sum(_HOW["order"][c.kept] for c in claims(asked, seen) if c.kind == "order" and c.read)


def _retimed(script: Script, power: float) -> Script:
    """The same events in the same order, all of them earlier (a power above 1) or later, most of all those in the middle."""

    def at(time_s: float) -> float:
        return script.duration_s * min(1.0, time_s / script.duration_s) ** power

    events = (replace(e, start_s=max(0.0, min(at(e.start_s), at(e.end_s) - _SHORTEST_S)), end_s=max(at(e.end_s), _SHORTEST_S)) for e in script.events)
    return replace(script, events=tuple(events))


def _of_event(event: Event, change: Change, seen: Event | None, at_its_time: Event | None) -> float:
    """Evidence of one event: of the reading, and of what changes at its time, the more where the reading is silent."""
    what, *how = judged(event, seen)
    if at_its_time is not None:
        odds = _READ[what.kind][2] + (_BESIDE * _of_face(event, change.units) if what.kind == "face" else 0.0)
    else:
        odds = max(_of_change(what.kind, event, change), _READ[what.kind][1] if seen is not None else -np.inf)
    return odds + (sum(_of_manner(c) for c in how) if seen is not None else 0.0)


def _of_unasked(event: Event, asked: Script) -> float:
    """What was read and not asked for; a mouth that is to speak may look like any face."""
    kind = kind_of(event)
    speaks = kind == "face" and any(kind_of(a) == "speech" and _shared_s(a, event) > 0.5 * (event.end_s - event.start_s) for a in asked.events)
    return 0.0 if speaks else _UNASKED.get(kind, 0.0) * event.intensity


def _shared_s(a: Event, b: Event) -> float:
    return min(a.end_s, b.end_s) - max(a.start_s, b.start_s)


def _of_change(kind: ClaimKind, event: Event, change: Change) -> float:
    if kind == "face":
        return _of_face(event, change.units)
    if kind not in _STIR:
        return _READ[kind][0]
    constant, louder, least, most = _STIR[kind]
    return float(np.clip(constant + louder * change.stir[kind], least, most))


def _of_manner(claim: Claim) -> float:
    return _HOW[claim.kind][claim.kept] if claim.kind in _HOW else 0.0


def _of_face(event: Event, change: np.ndarray) -> float:
    """How the units change with an event, held against the faces of its label and of all other families."""
    known = faces()
    rows = enumerate(zip(known.labels, known.sides, strict=True))
    own = [i for i, (label, side) in rows if label.name == event.label and _may_be(event.side, side)]
    if not own:  # speech, winks and what else is no face
        return _READ["face"][0]
    likeness = _likeness(change, known)
    family = known.labels[own[0]].family
    best: dict[str, float] = {}
    for label, value in zip(known.labels, likeness, strict=True):
        best[label.family] = max(best.get(label.family, -1.0), float(value))
    mine = float(likeness[own].max())
    ahead = float(np.mean([mine > value for other, value in best.items() if other != family]))
    constant, alike, rank = _FACE
    return float(np.clip(constant + alike * mine + rank * ahead, _LEAST_FACE, _MOST_FACE))


def _may_be(asked: Side, shown: Side) -> bool:
    return "both" in (asked, shown) or asked == shown


def _likeness(change: np.ndarray, known: Faces) -> np.ndarray:
    """(N,) cosine of a change of units (52,) and each face, as the skin moves; less than it is for faint changes."""
    metric, patterns = _metric(), known.patterns @ _metric().T
    moved = metric @ change
    return patterns @ moved / np.maximum(np.linalg.norm(patterns, axis=1), 1e-9) / (np.linalg.norm(moved) + _FAINT)


@cache
def _metric() -> np.ndarray:
    """(52, 52): its product with units has the length by which they move the skin of the face, large units less than in proportion.

    A fitter takes units for others that move the same skin, antagonists the other way round: in this measure they are alike. The square root
    of a unit's own size keeps brows and lids from being nothing beside the jaw.
    """
    model = load_open_head()
    order = [model.expression_names.index(name) for name in UNITS]
    moves = 1000.0 * model.expression_basis[order][:, model.masks["face"]].reshape(len(UNITS), -1).astype(np.float64)
    moves /= np.sqrt(moves.shape[1])  # root mean square, mm
    sizes = np.linalg.norm(moves, axis=1)
    triangular = np.linalg.qr(moves.T)[1]
    looked_at = np.array([0.0 if name.startswith("eyeLook") else 1.0 for name in UNITS])
    return triangular * (looked_at / np.sqrt(sizes + 1e-3))
