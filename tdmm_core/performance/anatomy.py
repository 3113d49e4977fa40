"""What one unit does to another: antagonists that inhibit, neighbours that come along, lids over moving eyes. Knows no label and no time."""

from __future__ import annotations

import numpy as np

from tdmm_core.performance.units import INDEX, UNITS, both_sides

_EXCLUSIVE = (("eyeLookUp", "eyeLookDown"), ("eyeLookIn", "eyeLookOut"), ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"))
"Only the difference of these two can be seen."

_INHIBITS = (
    ("eyeBlink", "eyeWide", 1.0), ("jawOpen", "mouthPress", 0.75), ("jawOpen", "mouthRollUpper", 0.4), ("jawOpen", "mouthRollLower", 0.4),
    ("mouthPucker", "mouthStretch", 0.6), ("mouthPucker", "mouthSmile", 0.5), ("mouthFunnel", "mouthPress", 0.6),
    ("mouthRollLower", "mouthLowerDown", 0.6),
    ("tongueOut", "mouthPress", 1.0), ("tongueOut", "mouthRollLower", 0.7), ("tongueOut", "mouthRollUpper", 0.7), ("cheekPuff", "jawOpen", 0.7),
    ("tongueOut", "mouthClose", 1.0), ("eyeWide", "eyeSquint", 0.3), ("browDown", "browOuterUp", 0.35), ("mouthSmile", "mouthFrown", 0.5),
)  # fmt: skip
"(who, whom, share): full `who` takes that share of `whom` away."

_ALONG = (
    ("mouthSmile", "cheekSquint", 0.45), ("mouthSmile", "mouthDimple", 0.25), ("cheekSquint", "eyeSquint", 0.55), ("noseSneer", "browDown", 0.35),
    ("noseSneer", "mouthUpperUp", 0.35), ("mouthUpperUp", "noseSneer", 0.35), ("eyeBlink", "cheekSquint", 0.2), ("browOuterUp", "eyeWide", 0.2),
    ("mouthFrown", "mouthShrugLower", 0.35), ("mouthStretch", "mouthLowerDown", 0.25), ("jawOpen", "mouthLowerDown", 0.25),
    ("mouthPucker", "mouthFunnel", 0.35), ("mouthUpperUp", "mouthLowerDown", 0.15),
    ("mouthPress", "mouthRollLower", 0.25), ("mouthFunnel", "jawOpen", 0.25), ("browDown", "eyeSquint", 0.35), ("jawOpen", "mouthStretch", 0.2),
    ("noseSneer", "cheekSquint", 0.55), ("mouthUpperUp", "cheekSquint", 0.2), ("jawLeft", "mouthLeft", 0.4), ("jawRight", "mouthRight", 0.4),
    ("mouthShrugLower", "mouthShrugUpper", 0.6), ("mouthDimple", "mouthStretch", 0.25), ("browInnerUp", "browOuterUp", 0.25),
)  # fmt: skip
"""(who, whom, share): at most that share of `who` shows in `whom` too; how much is the actor's. After the appearance changes that FACS lists for
each AU: AU 9 and 10 raise the infraorbital triangle, AU 6 narrows the eye, AU 30 drags the lips along, and so on."""


def _links(rows: tuple[tuple[str, str, float], ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    links = []
    for who, whom, share in rows:
        sources, targets = both_sides(who), both_sides(whom)
        paired = len(sources) == len(targets)
        links += [(INDEX[s], INDEX[t], share) for i, s in enumerate(sources) for j, t in enumerate(targets) if not paired or i == j]
    who, whom, share = zip(*links, strict=True)
    return np.array(who), np.array(whom), np.array(share)


_INHIBITION = _links(_INHIBITS)
_COMPANY = _links(_ALONG)
_PAIRS = tuple((INDEX[x], INDEX[y]) for a, b in _EXCLUSIVE for x, y in zip(both_sides(a), both_sides(b), strict=True))


def company(rng: np.random.Generator, units: np.ndarray, freedom: float = 1.0) -> np.ndarray:
    """Strengths (52,) with a random part of each unit's usual company added: people co-activate units differently, by `freedom` 0 not at all."""
    who, whom, share = _COMPANY
    added = units.copy()
    np.maximum.at(added, whom, units[whom] + freedom * units[who] * share * rng.uniform(0.0, 1.0, len(share)) * (rng.random(len(share)) < 0.6))
    return added


_ARTICULATORS = {
    "jawOpen": 0.8, "mouthClose": 1.0, "mouthFunnel": 0.7, "mouthPucker": 0.7, "mouthRollLower": 0.8, "mouthRollUpper": 0.8, "mouthShrugLower": 0.6,
    "mouthShrugUpper": 0.6, "mouthPress": 0.8, "mouthStretch": 0.35, "mouthSmile": 0.25, "mouthFrown": 0.2, "mouthUpperUp": 0.4,
    "mouthLowerDown": 0.5, "mouthDimple": 0.3, "jawForward": 0.5, "jawLeft": 0.6, "jawRight": 0.6, "cheekPuff": 1.0, "tongueOut": 1.0,
}  # fmt: skip
"Share of each unit that a face gives up to the words while it speaks: the corners of the mouth keep most, the lips and the jaw little."
_GIVEN_UP = np.zeros(len(UNITS))
for _name, _share in _ARTICULATORS.items():
    _GIVEN_UP[[INDEX[u] for u in both_sides(_name)]] = _share


def articulated(curves: np.ndarray, speaks: np.ndarray) -> np.ndarray:
    """Curves (T, 52) of a face that speaks by `speaks` (T,), 0 to 1: what the lips need for the words is given up."""
    return curves * (1.0 - speaks[:, None] * _GIVEN_UP) if speaks.any() else curves


def reach(units: np.ndarray) -> np.ndarray:
    """The most that the usual company of units (52,) can add to each: what a reader must leave open."""
    who, whom, share = _COMPANY
    added = np.zeros_like(units)
    np.maximum.at(added, whom, units[who] * share)
    return added


def settle(curves: np.ndarray) -> np.ndarray:
    """Curves (T, 52) after inhibition and between 0 and 1: antagonists cancel, closed lids take wide eyes away, and so on."""
    curves = np.clip(curves, 0.0, 1.0)
    for a, b in _PAIRS:
        both = np.minimum(curves[:, a], curves[:, b])
        curves[:, a] -= both
        curves[:, b] -= both
    who, whom, share = _INHIBITION
    kept = 1.0 - curves[:, who] * share  # (T, links)
    for k, target in enumerate(whom):
        curves[:, target] *= kept[:, k]
    close = INDEX["mouthClose"]
    curves[:, close] = np.minimum(curves[:, close], curves[:, INDEX["jawOpen"]])
    return curves
