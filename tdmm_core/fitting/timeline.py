"""From the source's times to an even clock: interpolation between sightings, short gaps bridged, long ones held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import BRIDGED, HELD, OBSERVED


@dataclass(frozen=True, kw_only=True, eq=False)
class Timeline:
    """T instants of an even clock and what was known at each."""

    times_s: np.ndarray
    "(T,) float64, by the source's clock."
    status: np.ndarray
    "(T,) uint8: OBSERVED, BRIDGED or HELD."

    @property
    def observed(self) -> np.ndarray:
        """(O,) indices of the observed instants."""
        return np.flatnonzero(self.status == OBSERVED)


def timeline(times_s: np.ndarray, found: np.ndarray, *, fps: float, num_frames: int, bridge_s: float) -> Timeline:
    """Lay `num_frames` instants over (N,) source times, of which (N,) `found` showed a face; at least one must.

    An instant is observed when it lies within reach of a source frame with a face: between two neighbours that both have one, or
    nearest to one. Runs of others are bridged when they last `bridge_s` at most and have a face on both sides, else held.
    """
    instants = times_s[0] + np.arange(num_frames) / fps
    after = np.searchsorted(times_s, instants).clip(0, len(times_s) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(instants - times_s[before] <= times_s[after] - instants, before, after)
    status = np.where(found[nearest], OBSERVED, HELD).astype(np.uint8)
    if not (status == OBSERVED).any():
        # The only sighting fell between two instants: the nearest instant takes it.
        status[np.abs(instants - times_s[np.flatnonzero(found)[0]]).argmin()] = OBSERVED
    for start, stop in runs(status == HELD):
        if start > 0 and stop < num_frames and stop - start <= bridge_s * fps + 1e-9:
            status[start:stop] = BRIDGED
    return Timeline(times_s=instants, status=status)


def runs(mask: np.ndarray) -> list[tuple[int, int]]:
    """Start and stop of every run of True in (T,) bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def at_instants(values: np.ndarray, times_s: np.ndarray, instants: np.ndarray) -> np.ndarray:
    """(O, ...) values of an even clock by linear interpolation between (N, ...) sightings, N of them with a face."""
    after = np.searchsorted(times_s, instants).clip(1, max(1, len(times_s) - 1))
    if len(times_s) == 1:
        return np.repeat(values, len(instants), axis=0)
    span = times_s[after] - times_s[after - 1]
    share = ((instants - times_s[after - 1]) / span).clip(0, 1)
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    return values[after - 1] * (1 - share) + values[after] * share


def fill(values: np.ndarray, status: np.ndarray) -> np.ndarray:
    """(T, P) from the (O, P) observed: bridged frames between their neighbours by linear interpolation, held ones as the last known."""
    observed = np.flatnonzero(status == OBSERVED)
    every = np.arange(len(status))
    between = np.stack([np.interp(every, observed, column) for column in values.T], axis=1)
    last = np.searchsorted(observed, every, side="right") - 1
    held = values[np.maximum(last, 0)]
    return np.where((status == HELD)[:, None], held, between)
