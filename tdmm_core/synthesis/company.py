"""Which labels can be seen at once: no shared place of the face, no two gazes, nothing undone, speech under a face with free lips. Draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tdmm_core.performance.lexicon import Label, Lexicon

_BUSY_LIPS = ("jawOpen", "mouthPressLeft", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthShrugLower", "tongueOut", "cheekPuff")
_UNDOES = (("eyeWide", "eyeBlink"), ("mouthFrown", "mouthSmile"), ("mouthStretch", "mouthPucker"), ("mouthPress", "jawOpen"))
"Units that undo one another: where one shows, the other cannot."


@cache
def company_of(lexicon: Lexicon, *, close: bool = False) -> Mapping[str, Mapping[str, None]]:
    """For each label the names of those that are `compatible` with it, in the lexicon's order."""
    labels = list(lexicon.labels.values())
    parts = {x.name: _parts(x, close) for x in labels}
    return {a.name: {b.name: None for b in labels if _fit(a, b, parts[a.name] & parts[b.name])} for a in labels}


def compatible(a: Label, b: Label, *, close: bool = False) -> bool:
    """Whether two labels can happen at once and both be seen: no shared place of the face or head axis, no two faces, no two gazes.

    `close` lets them share a place, but no unit: then they blend, as a smile and a wrinkled nose do. Speech goes under a face whose lips are
    free: a sad one, a smiling one.
    """
    return _fit(a, b, _parts(a, close) & _parts(b, close))


def _fit(a: Label, b: Label, shared: set[str]) -> bool:
    if a.name == b.name or (a.kind == b.kind and a.kind != "action"):
        return False
    return not shared or (_spoken_under(a, b) and not {p for p in shared if not p.startswith(("mouth", "jaw"))})


def _spoken_under(a: Label, b: Label) -> bool:
    """Whether one speaks and the other is a face that leaves it the lips: held, its jaw and lips free."""
    face, speech = (a, b) if a.kind == "expression" else (b, a)
    if face.kind != "expression" or face.rhythm is not None or not speech.speaks:
        return False
    return all(face.units.get(u, 0.0) <= 0.45 for u in _BUSY_LIPS)


def _parts(label: Label, close: bool) -> set[str]:
    """Units, or coarse places, that a label takes up."""
    shown = [unit for unit, strength in label.units.items() if strength >= 0.25]
    parts = {unit if close else _place(unit) for unit in shown}
    if close:
        parts |= {f"{pair[0]} or {pair[1]}" for unit in shown for pair in _UNDOES if unit.startswith(pair)}
    parts |= {f"head {axis}" for axis, degrees in label.head.items() if abs(degrees) >= 6}
    return parts


def _place(unit: str) -> str:
    if unit.startswith("eyeLook"):
        return "gaze"
    if unit.startswith(("eye", "cheekSquint")):
        return "lids"
    if unit.startswith("brow"):
        return "brows"
    return "nose" if unit.startswith("nose") else "mouth"
