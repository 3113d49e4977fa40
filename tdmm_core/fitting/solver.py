"""A whole clip at once: expression and pose of every frame, with its neighbours in time; shape and lens are given.

Projected Gauss-Newton on all frames together. Only neighbours are coupled, unit by unit, so the system is a narrow band.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing import parent_process
from typing import Protocol, TypeVar

import numpy as np

from tdmm_core.fitting.landmark_model import LandmarkModel
from tdmm_core.fitting.problem import Answer, Equations, Face, Observations, frame_cost, thinned_equations

Made = TypeVar("Made")
_WORTH = 3e-3
"Share of the cost that a step must gain for another one to be worth its time."
_CHUNK = 64
"Frames whose derivatives are held in memory at once."
_WINDOW, _OVERLAP = 750, 50
"Frames solved together, and how far a window looks into its neighbours: far beyond the reach of evenness."


@dataclass(frozen=True, kw_only=True, eq=False)
class Evenness:
    """How evenly things move: one over the usual second difference of each unit, and where frames follow one another."""

    precision: np.ndarray
    "(P,), per frame^2."
    follows: np.ndarray
    "(T - 1,) bool: whether a frame is the next in time of the one before it."

    @property
    def centres(self) -> np.ndarray:
        """Indices of frames whose two neighbours both count."""
        return np.flatnonzero(self.follows[1:] & self.follows[:-1]) + 1


class Seen(Protocol):
    """Observations, or what makes them when asked for some frames."""

    def __getitem__(self, frames: slice) -> Observations: ...


def solve_clip(lm: LandmarkModel, face: Face, seen: Seen, start: Answer, *, even: Evenness, iterations: int) -> Answer:
    """Expression and pose of T frames from a first guess, in overlapping windows, so that an hour needs no more memory than a minute."""
    vectors = np.empty_like(start.vector)
    for low in range(0, len(vectors), _WINDOW):
        high = min(low + _WINDOW, len(vectors))
        outer = slice(max(0, low - _OVERLAP), min(high + _OVERLAP, len(vectors)))
        part = Evenness(precision=even.precision, follows=even.follows[outer.start : outer.stop - 1])
        solved = solve_frames(lm, face, seen[outer], Answer.of(start.vector[outer]), even=part, iterations=iterations).vector
        vectors[low:high] = solved[low - outer.start : high - outer.start]
    return Answer.of(vectors)


def solve_frames(lm: LandmarkModel, face: Face, seen: Observations, start: Answer, *, even: Evenness, iterations: int) -> Answer:
    """Expression and pose of T frames from a first guess."""
    vector, cost = start.vector, _cost(lm, face, start.vector, seen, even)
    for _ in range(iterations):
        step = _step(lm, face, vector, seen, even)
        for scale in (1.0, 0.5, 0.2, 0.05):
            tried = Answer.of(vector + scale * step).vector
            after = _cost(lm, face, tried, seen, even)
            if after < cost:
                break
        else:
            break
        vector, gain, cost = tried, cost - after, after
        if gain < _WORTH * cost:
            break
    return Answer.of(vector)


def _cost(lm: LandmarkModel, face: Face, vector: np.ndarray, seen: Observations, even: Evenness) -> float:
    bent = _second_differences(vector, even.centres) * even.precision
    return sum(_by_chunks(lambda p: frame_cost(lm, face, Answer.of(vector[p]), seen[p]), len(vector))) + float((bent**2).sum())


def _second_differences(vector: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return vector[centres - 1] - 2 * vector[centres] + vector[centres + 1]


def _step(lm: LandmarkModel, face: Face, vector: np.ndarray, seen: Observations, even: Evenness) -> np.ndarray:
    """(T, P) Gauss-Newton step; units at a bound that would leave it stay."""
    from scipy.linalg import solveh_banded

    equations = _all_equations(lm, face, vector, seen)
    gradient = equations.gradient + _bending_gradient(vector, even)
    units = vector.shape[1] - 6
    held = np.zeros(vector.shape, bool)
    held[:, :units] = ((vector[:, :units] <= 0) & (gradient[:, :units] > 0)) | ((vector[:, :units] >= 1) & (gradient[:, :units] < 0))
    free = ~held
    # In units in which all columns weigh alike, single precision is enough for a step.
    scale = 1 / np.sqrt(np.einsum("tpp->tp", equations.hessian).mean(0, dtype=np.float64) + even.precision**2 + 1e-12)  # (P,)
    weight = (free * scale).astype(np.float32)
    hessian = equations.hessian
    hessian *= weight[:, :, None]
    hessian *= weight[:, None, :]
    band = _band(hessian, even.precision * scale, free, even.centres)
    band[0] += (1 - free + 1e-6).ravel()
    step = solveh_banded(band, (gradient * free * scale).ravel().astype(np.float32), lower=True, check_finite=False, overwrite_ab=True)
    return -step.reshape(vector.shape) * scale


def _all_equations(lm: LandmarkModel, face: Face, vector: np.ndarray, seen: Observations) -> Equations:
    each = _by_chunks(lambda p: thinned_equations(lm, face, Answer.of(vector[p]), seen[p]), len(vector))
    return Equations(hessian=np.concatenate([e.hessian for e in each]), gradient=np.concatenate([e.gradient for e in each]))


def _by_chunks(work: Callable[[slice], Made], num_frames: int) -> list[Made]:
    """What `work` makes of every few frames, in order; on two threads, unless this is one of several processes that share the cores."""
    parts = [slice(i, i + _CHUNK) for i in range(0, num_frames, _CHUNK)]
    if parent_process() is not None or len(parts) == 1:
        return [work(p) for p in parts]
    return list(_threads().map(work, parts))


@cache
def _threads() -> ThreadPoolExecutor:
    """The same two for the whole run: every new thread would keep some memory of its own."""
    return ThreadPoolExecutor(2)


def _bending_gradient(vector: np.ndarray, even: Evenness) -> np.ndarray:
    centres = even.centres
    bent = _second_differences(vector, centres) * even.precision**2
    gradient = np.zeros_like(vector)
    for offset, factor in ((-1, 1), (0, -2), (1, 1)):
        # Centres are distinct, so plain indexed addition is safe.
        gradient[centres + offset] += factor * bent
    return gradient


def _band(hessian: np.ndarray, precision: np.ndarray, free: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(2 P + 1, T P) single precision: the lower band of the whole clip's matrix; columns that are not `free` (T, P) are tied to nothing."""
    num_frames, num_own = free.shape
    band = np.zeros((2 * num_own + 1, num_frames, num_own), np.float32)
    for below in range(num_own):
        band[below, :, : num_own - below] = np.diagonal(hessian, -below, 1, 2)
    strength = precision**2
    for first, second, factor in ((-1, -1, 1), (0, 0, 4), (1, 1, 1), (-1, 0, -2), (0, 1, -2), (-1, 1, 1)):
        both = free[centres + first] & free[centres + second]
        band[(second - first) * num_own, centres + first] += factor * strength * both
    return band.reshape(2 * num_own + 1, -1)
