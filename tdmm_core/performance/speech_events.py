"""When a mouth speaks, or moves as if it did, told by rhythm: quick reversals of many mouth units that do not go together.

Laughter and chewing are quick too, but all their units beat as one; speech goes from one viseme to the next. Knows no label.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tdmm_core.performance.units import INDEX, UNITS, both_sides

_SPEAKING = {
    "jawOpen": 0.8, "mouthClose": 1.0, "mouthFunnel": 0.8, "mouthPucker": 0.8, "mouthRollLower": 0.8, "mouthRollUpper": 0.8, "mouthPress": 0.8,
    "mouthStretch": 0.6, "mouthUpperUp": 0.7, "mouthLowerDown": 0.8, "mouthShrugLower": 0.6, "mouthShrugUpper": 0.6, "mouthSmile": 0.3,
    "mouthFrown": 0.3, "mouthDimple": 0.4,
}  # fmt: skip
"Share of each unit that belongs to the words while a mouth speaks, so that little can be told from it about the face."
_ARTICULATORS = [INDEX[u] for n in ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretch", "mouthUpperUp", "mouthLowerDown",
                 "mouthPress", "mouthRollLower", "mouthRollUpper") for u in both_sides(n)]  # fmt: skip
_WINDOW_S = 0.8
_FAST_S, _SLOW_S = 0.04, 0.16
"Smoothings between which speech lies: about 2 to 8 Hz."
_LEAST, _LEAST_IN_WORDS = (0.05, 1.5, 8.0), (0.14, 1.08, 12.0)
"Root of the summed variance, number of independent motions, reversals a second over all mouth units; of speech, and of clear single words."
_CLEAR = 0.015
"Smallest reversal."
_PAUSE_S, _SHORTEST_S = 0.9, 0.6


@dataclass(frozen=True, kw_only=True)
class SpeechEvent:
    """A stretch of speech, with its pauses."""

    start_s: float
    end_s: float
    syllables_hz: float
    "Openings of the jaw a second."


def speech_share() -> np.ndarray:
    """(52,) share of each unit that belongs to the words while a mouth speaks."""
    share = np.zeros(len(UNITS))
    for name, value in _SPEAKING.items():
        share[[INDEX[u] for u in both_sides(name)]] = value
    return share


def speech_events(curves: np.ndarray, fps: float) -> tuple[SpeechEvent, ...]:
    """Stretches of speech of units (T, 52)."""
    window = round(_WINDOW_S * fps)
    mouth = curves[:, _ARTICULATORS]
    if len(mouth) < window:
        return ()
    quick = _quick(mouth, fps)
    starts = np.arange(0, len(mouth) - window + 1, max(1, window // 4))
    speaks = _speaks(quick, starts, window)
    events: list[SpeechEvent] = []
    for first, last in _joined(starts[speaks], window, fps):
        start, stop = _edges(quick, first, last, fps)
        if stop - start >= _SHORTEST_S * fps:
            jaw = quick[start:stop, 0]
            beats = np.count_nonzero((jaw[1:] > 0) & (jaw[:-1] <= 0))
            events.append(SpeechEvent(start_s=start / fps, end_s=stop / fps, syllables_hz=beats * fps / (stop - start)))
    return tuple(events)


def articulation(curves: np.ndarray, fps: float) -> np.ndarray:
    """(T,) how much the mouth moves at the pace of speech, from units (T, 52)."""
    return np.linalg.norm(_quick(curves[:, _ARTICULATORS], fps), axis=1)


def _quick(mouth: np.ndarray, fps: float) -> np.ndarray:
    return gaussian_filter1d(mouth, _FAST_S * fps, axis=0, mode="nearest") - gaussian_filter1d(mouth, _SLOW_S * fps, axis=0, mode="nearest")


def _speaks(quick: np.ndarray, starts: np.ndarray, window: int) -> np.ndarray:
    """(W,) whether each window looks like speech."""
    cuts = np.lib.stride_tricks.sliding_window_view(quick, window, axis=0)[starts]  # (W, units, window)
    spread = cuts @ cuts.transpose(0, 2, 1) / window
    whole = np.trace(spread, axis1=1, axis2=2)
    # (sum of eigenvalues)^2 / sum of their squares: how many independent motions there are.
    modes = whole**2 / np.maximum((spread**2).sum(axis=(1, 2)), 1e-12)
    turned = (cuts[..., 1:] * cuts[..., :-1] < 0) & (np.abs(cuts[..., 1:] - cuts[..., :-1]) > _CLEAR)
    reversals = turned.sum(axis=(1, 2)) / _WINDOW_S
    measures = np.stack([np.sqrt(whole), modes, reversals], axis=1)
    return (measures > _LEAST).all(axis=1) | (measures > _LEAST_IN_WORDS).all(axis=1)


def _joined(starts: np.ndarray, window: int, fps: float) -> list[tuple[int, int]]:
    """(first, last) frame of windows that overlap or leave only a pause between them."""
    rows: list[tuple[int, int]] = []
    for start in starts.tolist():
        if rows and start - rows[-1][1] <= _PAUSE_S * fps:
            rows[-1] = (rows[-1][0], start + window)
        else:
            rows.append((start, start + window))
    return rows


def _edges(quick: np.ndarray, first: int, last: int, fps: float) -> tuple[int, int]:
    """The stretch without the still ends that its first and last windows may have."""
    stir = gaussian_filter1d(np.abs(quick[first:last]).sum(axis=1), 0.06 * fps, mode="nearest")
    moving = np.flatnonzero(stir > 0.25 * np.median(stir))
    return first + int(moving[0]), min(len(quick), first + int(moving[-1]) + 1)
