"""From the source's times to an even clock: what is known at each instant, by which source frames, and how what is not known is filled.

Nothing is carried over a cut: not by interpolation, not by bridging.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import BRIDGED, HELD, OBSERVED

_WIDEST_S = 0.2
"Source frames farther apart than this say nothing of what lies between them: slow footage stays observed, a still picture does not."
_EPSILON_S = 5e-4


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """T instants of an even clock and what is known at each; O of them are observed, each through up to four source frames."""

    times_s: np.ndarray
    "(T,) float64, by the source's clock."
    status: np.ndarray
    "(T,) uint8: OBSERVED, BRIDGED or HELD."
    shots: np.ndarray
    "(T,) int, the shot on show."
    rows: np.ndarray
    "(O, 4) int, source frames that an observed instant is made of, all with a face and of one shot."
    weights: np.ndarray
    "(O, 4) float64, summing to 1."

    @property
    def observed(self) -> np.ndarray:
        """(O,) indices of the observed instants."""
        return np.flatnonzero(self.status == OBSERVED)

    @property
    def follows(self) -> np.ndarray:
        """(O - 1,) bool: whether an observed instant comes right after the one before it, in the same shot."""
        at = self.observed
        return (np.diff(at) == 1) & (np.diff(self.shots[at]) == 0)

    def sample(self, values: np.ndarray, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(o, ...) float64 of (N, ...) values of the source, at some or all of the observed instants."""
        rows, weights = self.rows[which], self.weights[which]
        shape = (-1, *[1] * (values.ndim - 1))
        # Rows of weight 0 may be anything but NaN, and they are: they repeat a frame with a face.
        return sum(values[rows[:, k]] * weights[:, k].reshape(shape) for k in range(4))


def timeline(
    times_s: np.ndarray, found: np.ndarray, *, fps: float, num_frames: int, bridge_s: float, shots: np.ndarray | None = None
) -> Timeline:  # fmt: skip
    """Lay `num_frames` instants over (N,) source times, of which (N,) `found` showed a face; at least one must. `shots` (N,) tells cuts.

    An instant is observed when the source frames on both sides of it show a face, or the nearer one does and is near. Runs of others are bridged
    when they last `bridge_s` at most and have a face on both sides, in one shot; else they are held.
    """
    shots = np.zeros(len(times_s), np.int64) if shots is None else shots
    instants = times_s[0] + np.arange(num_frames) / fps
    before = np.searchsorted(times_s, instants + _EPSILON_S, side="right").clip(1) - 1
    after = np.minimum(before + 1, len(times_s) - 1)
    after = np.where(shots[after] == shots[before], after, before)
    known = _known(times_s, found, instants, (before, after))
    if not (known >= 0).any():
        # The only sighting fell between two instants: the nearest instant takes it.
        sighting = int(np.flatnonzero(found)[0])
        known[np.abs(instants - times_s[sighting]).argmin()] = before[:] = after[:] = sighting
    status = np.where(known >= 0, OBSERVED, HELD).astype(np.uint8)
    shown = np.where(known >= 0, shots[np.maximum(known, 0)], shots[before])
    for start, stop in runs(status == HELD):
        inside = start > 0 and stop < num_frames and shown[start - 1] == shown[stop]
        if inside and stop - start <= bridge_s * fps + 1e-9:
            status[start:stop] = BRIDGED
    at = status == OBSERVED
    both = found[before] & found[after] & (times_s[after] - times_s[before] <= _WIDEST_S)
    low, high = np.where(both, before, known)[at], np.where(both, after, known)[at]
    rows, weights = _cubic(times_s, found, shots, instants[at], (low, high))
    return Timeline(times_s=instants, status=status, shots=shown, rows=rows, weights=weights)


def _known(times_s: np.ndarray, found: np.ndarray, instants: np.ndarray, sides: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(T,) the source frame that makes an instant observed: the nearer one of its two sides; -1 where it has no face or is too far off."""
    before, after = sides
    nearest = np.where(np.abs(instants - times_s[before]) <= np.abs(times_s[after] - instants), before, after)
    near = np.abs(times_s[nearest] - instants) <= _WIDEST_S / 2 + _EPSILON_S
    return np.where(found[nearest] & near, nearest, -1)


def _cubic(
    times_s: np.ndarray, found: np.ndarray, shots: np.ndarray, instants: np.ndarray, sides: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Source frames (O, 4) and weights (O, 4) of a cubic through two frames whose slopes their neighbours give (Catmull-Rom, uneven times)."""
    low, high = sides
    first, last = np.maximum(low - 1, 0), np.minimum(high + 1, len(times_s) - 1)

    def usable(other: np.ndarray, end: np.ndarray) -> np.ndarray:
        return (other != end) & found[other] & (shots[other] == shots[end]) & (np.abs(times_s[other] - times_s[end]) <= _WIDEST_S)

    first, last = np.where(usable(first, low), first, low), np.where(usable(last, high), last, high)
    span = np.maximum(times_s[high] - times_s[low], 1e-9)
    u = ((instants - times_s[low]) / span).clip(0, 1) * (low != high)
    weights = np.zeros((len(low), 4))
    weights[:, 1] = 1 - 3 * u**2 + 2 * u**3
    weights[:, 2] = 3 * u**2 - 2 * u**3
    for slope, left, right, columns in ((u - 2 * u**2 + u**3, first, high, (0, 2)), (u**3 - u**2, low, last, (1, 3))):
        share = slope * span / np.maximum(times_s[right] - times_s[left], 1e-9) * (low != high)
        weights[:, columns[0]] -= share
        weights[:, columns[1]] += share
    return np.stack([first, low, high, last], 1), weights


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of every run of True in (T,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def fill(values: np.ndarray, status: np.ndarray) -> np.ndarray:
    """(T, P) from the (O, P) observed: bridged frames between their neighbours by linear interpolation, held ones as the last known."""
    observed = np.flatnonzero(status == OBSERVED)
    every = np.arange(len(status))
    between = np.stack([np.interp(every, observed, column) for column in values.T], axis=1)
    last = np.searchsorted(observed, every, side="right") - 1
    held = values[np.maximum(last, 0)]
    return np.where((status == HELD)[:, None], held, between)
