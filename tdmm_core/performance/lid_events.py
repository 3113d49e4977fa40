"""What lids do: blinks and winks, told from lids that stay low. Knows the two lid curves and no other unit, no label and no head.

A blink is a bump of both lids too short to be a closing of the eyes: what a morphological opening over half a second takes away. A wink is a
bump of one lid beyond the other; it may dwell a little longer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d, grey_opening
from scipy.signal import find_peaks

_BLINK_S, _WINK_S = 0.5, 1.1
"Longest blink and wink."
_BLINK, _WINK = 0.3, 0.3
"Least closure of a blink, and of one lid beyond the other in a wink."
_RUN_S = 0.9
"Blinks this close to one another are one event with a count."
_FLUTTER_HZ, _MOST_BLINKS, _FLUTTER_S = 4.2, 5, 0.15
"Lids flutter from this rate on, or a slower one where there are so many; under this smoothing they are half closed."


@dataclass(frozen=True, kw_only=True)
class LidEvent:
    """Blinks in a row, or winks of one eye in a row."""

    side: str
    "left, right: a wink; both: blinks."
    start_s: float
    end_s: float
    instants_s: tuple[float, ...]
    "When the lid was lowest, each time."

    @property
    def count(self) -> int:
        return len(self.instants_s)


@dataclass(frozen=True, kw_only=True, eq=False)
class Lids:
    """Both lids, the quick parted from the slow."""

    slow: np.ndarray
    "(T, 2) left, right closure without blinks and winks."
    events: tuple[LidEvent, ...]


def read_lids(closure: np.ndarray, fps: float) -> Lids:
    """Blinks and winks of the lids' closure (T, 2), left and right, 0 to 1."""
    common = closure.min(axis=1)
    beyond = closure - common[:, None]
    steady = _opened(common, _BLINK_S, fps)
    quick = common - steady
    events = _in_rows(quick, _BLINK, "both", fps)
    slow = np.repeat(steady[:, None], 2, axis=1)
    for k, side in enumerate(("left", "right")):
        held = _opened(beyond[:, k], _WINK_S, fps)
        wink = beyond[:, k] - held
        slow[:, k] += held
        events += _in_rows(wink, _WINK, side, fps)
    flutters = [e for e in events if _flutters(e)]
    for e in flutters:
        span = slice(int(e.start_s * fps), int(np.ceil(e.end_s * fps)) + 1)
        slow[span] = gaussian_filter1d(closure, _FLUTTER_S * fps, axis=0, mode="nearest")[span]
    return Lids(slow=slow, events=tuple(sorted((e for e in events if e not in flutters), key=lambda e: (e.start_s, e.side))))


def _flutters(event: LidEvent) -> bool:
    """Whether lids tremble: more bumps, or quicker ones, than anybody blinks on purpose."""
    if event.side != "both" or event.count < 3:
        return False
    hz = (event.count - 1) / (event.instants_s[-1] - event.instants_s[0])
    return hz > _FLUTTER_HZ or (event.count >= _MOST_BLINKS and hz > 0.6 * _FLUTTER_HZ)


def _opened(curve: np.ndarray, width_s: float, fps: float) -> np.ndarray:
    return grey_opening(curve, size=max(3, round(width_s * fps)), mode="nearest")


def _in_rows(quick: np.ndarray, height: float, side: str, fps: float) -> list[LidEvent]:
    padded = np.concatenate([[0.0], quick, [0.0]])
    peaks, found = find_peaks(padded, height=height, prominence=0.6 * height, width=1, rel_height=0.9)
    rows: list[list[int]] = []
    for i, peak in enumerate(peaks):
        if rows and peak - peaks[rows[-1][-1]] < _RUN_S * fps:
            rows[-1].append(i)
        else:
            rows.append([i])
    last = len(quick) - 1
    return [
        LidEvent(
            side=side,
            start_s=max(0.0, found["left_ips"][row[0]] - 1) / fps,
            end_s=min(last, found["right_ips"][row[-1]] - 1) / fps,
            instants_s=tuple((peaks[i] - 1) / fps for i in row),
        )
        for row in rows
    ]  # fmt: skip
