"""What stands beyond the ends of a clip: places within it, by rule. Knows no network and no face."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Ends = Callable[[np.ndarray, int], np.ndarray]
"Places (n,) int64, counted from the first frame, and the clip's frames, to places (n,) within the clip."


def held(places: np.ndarray, length: int) -> np.ndarray:
    """Beyond its ends the clip stays at its first and last frame."""
    return np.clip(places, 0, length - 1)


def turned(places: np.ndarray, length: int) -> np.ndarray:
    """Beyond its ends the clip runs backward, as often as it takes: where codes take turns, one held would stand for all."""
    around = places % (2 * length)
    return np.where(around < length, around, 2 * length - 1 - around)


def beyond(length: int, reach: int, ends: Ends) -> np.ndarray:
    """(length + 2 reach,) int64: where each frame of a clip with `reach` more on either side is taken from."""
    return ends(np.arange(-reach, length + reach), length)
