"""Where a film was cut: pictures that resemble the one before far less than their neighbours do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

_ROWS, _COLUMNS, _FINER = 24, 32, 4
_CLEAR, _SLIGHT = 0.25, 0.012
"Change of the picture that is a cut by itself unless all is in motion, and the least that a cut between like pictures makes."
_ABOVE_NEXT, _ABOVE_USUAL = 4.0, 12.0
"How far a cut between like pictures stands out from the changes beside it, and from the usual change around it."
_AROUND = 25
"Frames on each side that say what is usual."
_MEMORY = 32
"Pictures among which one that comes back is looked for."
_SAME = 0.15
"A picture has come back when it is nearer to an earlier one than this share of its change."


class Thumbnails:
    """Small grey pictures, of which only the changes from one to the next are kept, and what a changed picture comes back to."""

    def __init__(self) -> None:
        self._recent: deque[np.ndarray] = deque(maxlen=_MEMORY)
        self._changes: list[float] = []
        self._returns: dict[int, int] = {}

    def add(self, frame: np.ndarray) -> None:
        """Take the next (H, W, 3) uint8 picture."""
        now, index = thumbnail(frame), len(self._changes)
        self._changes.append(change(now, self._recent[-1]) if self._recent else 0.0)
        if self._changes[-1] > _SLIGHT:
            apart = [change(now, then) for then in self._recent]
            nearest = int(np.argmin(apart))
            if apart[nearest] < _SAME * self._changes[-1]:
                self._returns[index] = index - len(apart) + nearest
        self._recent.append(now)

    @property
    def changes(self) -> np.ndarray:
        """(N,) how far each picture is from the one before; 0 for the first."""
        return np.asarray(self._changes)

    def shots(self, goes_on: Callable[[int], bool]) -> np.ndarray:
        """(N,) int: the shot of each picture. After a flash or an insert that lasts for a second at most the shot before it goes on.

        `goes_on` says of a picture whether a face lies in it just as in the one before; then only a clear change is a cut.
        """
        shots, changes = np.zeros(len(self._changes), np.int64), self.changes
        found = [i for i in np.flatnonzero(cuts(changes)).tolist() if changes[i] > _CLEAR or not goes_on(i)]
        for count, i in enumerate(found, start=1):
            shots[i:] = shots[self._returns[i]] if i in self._returns else count
        return shots


def change(one: np.ndarray, other: np.ndarray) -> float:
    """One minus the correlation of two thumbnails, 0 to 2: brightness and contrast do not count."""
    return float(((one - other) ** 2).sum() / 2) if len(one) == len(other) else 1.0


def thumbnail(frame: np.ndarray) -> np.ndarray:
    """(P,) float32 of mean 0 and length 1, or less for a picture of one grey: its green in a few hundred cells."""
    height, width = frame.shape[:2]
    rows, columns = (max(1, min(size // _FINER, cells)) for size, cells in ((height, _ROWS), (width, _COLUMNS)))
    down, across = (max(1, size // (cells * _FINER)) for size, cells in ((height, rows), (width, columns)))
    green = frame[::down, ::across, 1]
    high, wide = len(green) // rows, green.shape[1] // columns
    cells = green[: rows * high, : columns * wide].reshape(rows, high, columns, wide).mean((1, 3), dtype=np.float32)
    flat = cells.ravel() - cells.mean()
    # A picture of one grey has no pattern to compare; noise must not pass for one.
    return flat / max(float(np.linalg.norm(flat)), 1.0 * len(flat) ** 0.5)


def cuts(changes: np.ndarray) -> np.ndarray:
    """(N,) bool: whether a cut lies before each picture, from the (N,) changes of the picture.

    A hand that comes or a head that turns changes several pictures running; a cut changes one.
    """
    found = np.zeros(len(changes), bool)
    for i in np.flatnonzero(changes > _SLIGHT):
        beside = max(changes[i - 1] if i > 1 else 0.0, changes[i + 1] if i + 1 < len(changes) else 0.0)
        around = np.delete(changes[max(1, i - _AROUND) : i + _AROUND + 1], i - max(1, i - _AROUND))
        usual = float(np.median(around)) if len(around) else 0.0
        clear = changes[i] > _CLEAR and changes[i] > 2 * beside
        found[i] = clear or (changes[i] > _ABOVE_NEXT * beside and changes[i] > _ABOVE_USUAL * usual)
    return found
