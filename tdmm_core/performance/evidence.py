"""How much a motion speaks for a script: the evidence of every event that was asked for, in natural logarithms of odds, added up.

A fitter shrinks faces and leaves some units behind, so what was not read may yet have been done. It is looked for where it was asked for: how the
units change with it is held against the faces of all families of the lexicon, by direction and not by size. Owns the odds; knows no file.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script, Side
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.claims import Claim, ClaimKind, claims, judged, matched
from tdmm_core.performance.families import Faces, faces
from tdmm_core.performance.lid_events import read_lids
from tdmm_core.performance.unit_curves import unit_curves
from tdmm_core.performance.units import INDEX, UNITS

_LIDS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
_READ: dict[ClaimKind, tuple[float, float, float]] = {
    "face": (-1.1, 0.2, 2.5), "speech": (-0.8, 1.8, 2.6), "head": (-2.5, 1.0, 2.4), "gaze": (-1.5, 0.7, 1.9), "blink": (-2.0, 0.3, 1.5),
    "stillness": (-1.8, 3.0, 3.0),
}  # fmt: skip
"Of what was asked: not read; read at another time; read at its time."
_HOW: dict[ClaimKind, tuple[float, float]] = {"direction": (-1.8, 1.0), "side": (-1.5, 1.0), "count": (-0.6, 0.5), "order": (-1.8, 0.5)}
"Of how it was asked, where it was read: otherwise; so."
_FACE, _LEAST_FACE, _MOST_FACE = (-3.6, 3.5, 3.7), -2.5, 3.5
"Of a face that was not read at its time: constant, times likeness, times share of other families that are less like it; and the limits."
_IGNORED = 1.0
"A clip ignored its prompt where the evidence that it did not is less than this."
_SMOOTH_S, _RAMP, _LONGEST_RAMP_S = 0.06, 0.3, 0.35
"Smoothing of the units; a face comes and goes within this share of its event, and at most within so long."
_PRIOR_FRAMES = 1.5
"Frames in which nothing changes, added to those of every event: short events tell little."
_FAINT = 0.1
"Changes of this size have half a direction."
_AT_END_S = 0.1


def ignored(asked: Script, motion: FaceMotion, seen: Script) -> bool:
    """Whether a clip ignored what it was asked for; `seen` is what was read of the motion. Raises InputError as `claims` does."""
    return evidence(asked, motion, seen) < _IGNORED


def evidence(asked: Script, motion: FaceMotion, seen: Script) -> float:
    """Logarithm of the odds that the motion follows `asked` and not the script of another clip, by what was `seen` of it and by its units."""
    if not asked.events:
        return _READ["stillness"][2 * claims(asked, seen)[0].kept]
    changes = _changes(asked, motion)
    meant, timed = (matched(asked.events, seen.events, timed=t) for t in (False, True))
    whole = sum(_of_event(*row) for row in zip(asked.events, changes, meant, timed, strict=True))
    return whole + sum(_HOW["order"][c.kept] for c in claims(asked, seen) if c.kind == "order" and c.read)


def _of_event(event: Event, change: np.ndarray, seen: Event | None, at_its_time: Event | None) -> float:
    """Evidence of one event; `change` (52,) of the units with it."""
    what, *how = judged(event, seen)
    odds = _READ[what.kind][0 if seen is None else 1 if at_its_time is None else 2]
    if at_its_time is None and what.kind == "face":
        odds = max(_of_face(event, change), odds if seen is not None else -np.inf)
    return odds + (sum(_of_manner(c) for c in how) if seen is not None else 0.0)


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


def _changes(asked: Script, motion: FaceMotion) -> np.ndarray:
    """(events, 52): how much each unit changes with each event, all events at once, by least squares over the clip."""
    curves, fps = unit_curves(motion), motion.fps
    curves[:, _LIDS] = read_lids(curves[:, _LIDS], fps).slow
    level = gaussian_filter1d(curves, _SMOOTH_S * fps, axis=0, mode="nearest")
    times = (np.arange(len(level)) + 0.5) / fps
    courses = np.stack([np.ones(len(times)), *(_course(e, times, asked.duration_s) for e in asked.events)], axis=1)  # (T, 1 + events)
    prior = np.diag([1e-9] + [_PRIOR_FRAMES] * len(asked.events))
    return np.linalg.solve(courses.T @ courses + prior, courses.T @ level)[1:]


def _course(event: Event, times: np.ndarray, duration_s: float) -> np.ndarray:
    """(T,) how far an event is done: 0 to 1 and back, unless it lasts to the end."""
    ramp_s = min(_LONGEST_RAMP_S, _RAMP * (event.end_s - event.start_s))
    rise = np.clip((times - event.start_s) / ramp_s, 0.0, 1.0)
    if event.end_s >= duration_s - _AT_END_S:
        return rise
    return np.minimum(rise, np.clip((event.end_s - times) / ramp_s, 0.0, 1.0))
