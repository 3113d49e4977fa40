"""What codes stand for: how often each is used and by which faces. Sums alone, so memory does not grow with the corpus; knows no network.

A code means what its frames look like; its own vector is only where it lies.
"""

from __future__ import annotations

import numpy as np

_ROTATION = 3


class CodeUsage:
    """Gathers the frames behind each of K codes: expression (E,) and head rotation (3,), an axis-angle: its mean is fair for small turns."""

    def __init__(self, num_codes: int, metric: np.ndarray) -> None:
        """`metric` (E, E): |expression @ metric| is the RMS displacement of the face in mm."""
        self._metric = metric.astype(np.float64)
        width = len(metric) + _ROTATION
        self.counts = np.zeros(num_codes, np.int64)
        "(K,) frames."
        self._sums = np.zeros((num_codes, width))
        self._squares = np.zeros((num_codes, 2))

    def add(self, codes: np.ndarray, expression: np.ndarray, rotation: np.ndarray) -> None:
        """Frames: codes (T,), expression (T, E), axis-angle rotation (T, 3) radians."""
        codes = np.asarray(codes, np.int64)
        rows = np.concatenate([expression, rotation], axis=1).astype(np.float64)
        squares = np.stack([np.square(expression @ self._metric).sum(axis=1), np.square(rotation).sum(axis=1)], axis=1)
        self.counts += np.bincount(codes, minlength=len(self.counts))
        np.add.at(self._sums, codes, rows)
        np.add.at(self._squares, codes, squares)

    @property
    def num_frames(self) -> int:
        return int(self.counts.sum())

    @property
    def num_used(self) -> int:
        return int(np.count_nonzero(self.counts))

    @property
    def perplexity(self) -> float:
        """Exponential of the entropy of the codes; 0 without frames."""
        share = self.counts[self.counts > 0] / max(self.num_frames, 1)
        return float(np.exp(-np.sum(share * np.log(share)))) if len(share) else 0.0

    def most_used(self, most: int) -> np.ndarray:
        """Up to `most` codes that are used, the most used first."""
        order = np.argsort(-self.counts, kind="stable")[:most]
        return order[self.counts[order] > 0]

    def means(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean expression (n, E) and rotation (n, 3) of used codes (n,)."""
        mean = self._sums[codes] / self.counts[codes, None]
        return mean[:, :-_ROTATION].astype(np.float32), mean[:, -_ROTATION:].astype(np.float32)

    def spreads(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How far the frames of used codes (n,) lie from their mean: root mean square of the face in mm (n,) and of the head in degrees (n,)."""
        mean = self._sums[codes] / self.counts[codes, None]
        face, turn = mean[:, :-_ROTATION] @ self._metric, mean[:, -_ROTATION:]
        of_mean = np.stack([np.square(face).sum(axis=1), np.square(turn).sum(axis=1)], axis=1)
        spread = np.sqrt(np.maximum(self._squares[codes] / self.counts[codes, None] - of_mean, 0.0))
        return spread[:, 0], np.degrees(spread[:, 1])
