"""The 52 units of facial action by ARKit's names, and what left and right mean among them; knows no face model and no label."""

from __future__ import annotations

_SIDED = (
    "eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp", "eyeSquint", "eyeWide", "mouthSmile", "mouthFrown", "mouthDimple",
    "mouthStretch", "mouthPress", "mouthLowerDown", "mouthUpperUp", "browDown", "browOuterUp", "cheekSquint", "noseSneer",
)  # fmt: skip
_DIRECTED = ("jaw", "mouth")
_SINGLE = (
    "jawForward", "jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "browInnerUp", "cheekPuff", "tongueOut",
)  # fmt: skip

UNITS: tuple[str, ...] = (*(f"{n}{s}" for n in (*_SIDED, *_DIRECTED) for s in ("Left", "Right")), *_SINGLE)
"The 52 units, in the performer's own order; a face model's order may differ, so curves are always placed by name."

INDEX: dict[str, int] = {name: i for i, name in enumerate(UNITS)}
PAIRS: tuple[tuple[int, int], ...] = tuple((INDEX[f"{n}Left"], INDEX[f"{n}Right"]) for n in _SIDED)
"(left, right) of the units that come in pairs and move together."


def both_sides(name: str) -> tuple[str, ...]:
    """A unit's name as it is, or Left and Right of a pair's common name; empty where there is no such unit."""
    if name in INDEX:
        return (name,)
    return (f"{name}Left", f"{name}Right") if name in _SIDED else ()


def mirrored(name: str) -> str:
    """The same unit on the other side of the face."""
    for here, there in (("Left", "Right"), ("Right", "Left")):
        if name.endswith(here):
            return name.removesuffix(here) + there
    return name
