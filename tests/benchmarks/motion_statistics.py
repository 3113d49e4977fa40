"""Statistics of facial motion: events in a stream of units, how much two of them differ, ranges, speeds, which units move together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks, peak_widths

from tdmm_core.performance.units import UNITS

FPS = 25.0
REGIONS = {
    "brows": ("brow",), "lids": ("eyeBlink", "eyeSquint", "eyeWide"), "gaze": ("eyeLook",), "cheeks and nose": ("cheek", "noseSneer"),
    "jaw": ("jaw",), "mouth corners": ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch"),
    "lips": ("mouthPress", "mouthRoll", "mouthShrug", "mouthFunnel", "mouthPucker", "mouthLowerDown", "mouthUpperUp", "mouthClose"),
}  # fmt: skip
_EXPRESSIVE = [i for i, n in enumerate(UNITS) if not n.startswith(("eyeLook", "eyeBlink"))]
_CLEAR, _APART, _REACH = 0.5, 8, 75
"How far a peak must stand out (norm of units), frames between two, frames to look for the valley before it."


@dataclass(frozen=True, kw_only=True)
class Bout:
    """One excursion of the face and back."""

    pattern: np.ndarray
    "(52,) what the units at the apex have more than before it, gaze and blinks left out."
    rise_s: float
    "From a tenth to nine tenths of the apex."
    width_s: float
    "Above half of the apex."
    haste: float
    "Greatest speed on the way up, as a share of the way each second."

    @property
    def size(self) -> float:
        return float(np.linalg.norm(self.pattern))


def bouts(units: np.ndarray) -> list[Bout]:
    """Excursions of the face (T, 52), at 25 frames a second: peaks of its distance from rest that stand out from the valley before them.

    Rest is the 10th percentile of each unit; a bout's pattern is what its apex has more (or less) than the valley.
    """
    lift = np.zeros_like(units)
    lift[:, _EXPRESSIVE] = (units - np.quantile(units, 0.1, axis=0))[:, _EXPRESSIVE]
    lift = np.stack([np.convolve(c, np.ones(3) / 3, mode="same") for c in lift.T], axis=1)
    size = np.linalg.norm(np.maximum(lift, 0.0), axis=1)
    peaks, _ = find_peaks(np.pad(size, 1), prominence=_CLEAR, distance=_APART)
    widths = peak_widths(np.pad(size, 1), peaks, rel_height=0.5, wlen=2 * _REACH)[0]
    found, before = [], 0
    for apex, width in zip(peaks - 1, widths, strict=True):
        first = max(before, apex - _REACH)
        valley = first + int(size[first : apex + 1].argmin())
        share = (size[valley : apex + 1] - size[valley]) / (size[apex] - size[valley])
        low, high = (int(np.flatnonzero(share <= x)[-1]) for x in (0.1, 0.9))
        found.append(
            Bout(
                pattern=lift[apex] - lift[valley],
                rise_s=max(1, high - low) / FPS,
                width_s=float(width) / FPS,
                haste=float(np.diff(share).max() * FPS),
            )
        )
        before = int(apex)
    return found


def likeness(a: Bout, b: Bout) -> float:
    """Cosine of two apices: 1 for the same mixture of units, however strong."""
    return float(a.pattern @ b.pattern / (a.size * b.size))


@dataclass(frozen=True, kw_only=True)
class Variation:
    """How much two takes of one thing differ, medians over pairs."""

    pairs: int
    mixture: float
    "1 - cosine of the apices."
    strength: float
    "|ln| of the ratio of sizes at the apex."
    rise: float
    "|ln| of the ratio of rise times."
    width: float
    "|ln| of the ratio of widths."

    def __str__(self) -> str:
        terms = f"mixture {self.mixture:.3f}, strength {self.strength:.2f}, rise {self.rise:.2f}, width {self.width:.2f}"
        return f"{terms} ({self.pairs} pairs)"


def variation(pairs: Sequence[tuple[Bout, Bout]]) -> Variation:
    """Medians over pairs of bouts."""
    terms = np.array([
        (1.0 - likeness(a, b), *(abs(np.log(x / y)) for x, y in ((a.size, b.size), (a.rise_s, b.rise_s), (a.width_s, b.width_s)))) for a, b in pairs
    ])  # fmt: skip
    return Variation(pairs=len(pairs), **dict(zip(("mixture", "strength", "rise", "width"), np.median(terms, axis=0).tolist(), strict=True)))


def repeats(found: Sequence[Bout], least: float) -> list[tuple[Bout, Bout]]:
    """Pairs of bouts that are as alike as `least`: taken for two takes of one expression."""
    return [(a, b) for i, a in enumerate(found) for b in found[i + 1 :] if likeness(a, b) >= least]


def ranges(units: np.ndarray) -> np.ndarray:
    """(52,) from the 5th to the 99th percentile."""
    return np.quantile(units, 0.99, axis=0) - np.quantile(units, 0.05, axis=0)


def speeds(takes: Sequence[np.ndarray], order: int) -> np.ndarray:
    """(52,) 99th percentile of the first or second time derivative's magnitude, per second (squared), over takes (T, 52)."""
    return np.quantile(np.concatenate([np.abs(np.diff(t, n=order, axis=0)) for t in takes]), 0.99, axis=0) * FPS**order


def together(takes: Sequence[np.ndarray]) -> np.ndarray:
    """(52, 52) correlation of units over all frames; 0 where a unit does not move."""
    units = np.concatenate(takes)
    moving = units.std(axis=0) > 0.01
    matrix = np.zeros((len(UNITS), len(UNITS)))
    matrix[np.ix_(moving, moving)] = np.corrcoef(units[:, moving].T)
    return matrix
