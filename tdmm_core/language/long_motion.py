"""Motion beyond one sentence or one window: stretch after stretch, each sampled with the codes before it in view, so that it goes on from them.

A stretch has its own sentence or goes on with the last one. Knows neither sentences nor files nor what a code means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tdmm_core.language.config import AnimateConfig
from tdmm_core.language.l2m_network import L2MNetwork
from tdmm_core.language.sampling import Request, sample_codes
from tdmm_core.runtime.seeding import derive_seed

SEEN = 12
"Frames before it that a new sentence sees: enough to know face and speed, too few to be taken for the sentence's own doing."


@dataclass(frozen=True, kw_only=True, eq=False)
class Stretch:
    """A part of a motion."""

    words: np.ndarray
    "(L, D) float32, the prompt's word vectors."
    num_frames: int | None
    "None leaves the end to the model."
    num_before: int = 0
    "Frames before it that it sees."


def stretches_of(sentences: Sequence[tuple[np.ndarray, int | None]], longest: int) -> list[Stretch]:
    """Stretches of word vectors with their frames, one sentence after the other; what is longer than the network's `longest` goes on in windows
    that overlap by half."""
    found: list[Stretch] = []
    for words, num_frames in sentences:
        before = min(SEEN, longest // 2) if found else 0
        if num_frames is None:
            found.append(Stretch(words=words, num_frames=None, num_before=before))
            continue
        left = num_frames
        while left:
            part = min(left, longest - before)
            found.append(Stretch(words=words, num_frames=part, num_before=before))
            left, before = left - part, longest // 2
    return found


def sample_long(
    network: L2MNetwork, stretches: Sequence[Stretch], config: AnimateConfig, *, seed: int, min_frames: int = 1
) -> list[np.ndarray]:
    """Codes (T,) int64 of each stretch. The first is what it would be alone.

    Raises InputError as `sample_codes`.
    """
    found: list[np.ndarray] = []
    codes = np.zeros(0, np.int64)
    for index, stretch in enumerate(stretches):
        before = codes[len(codes) - min(stretch.num_before, len(codes)) :]
        own = seed if index == 0 else derive_seed(seed, "stretch", index)
        request = Request(words=stretch.words, seed=own, num_frames=stretch.num_frames, before=before if len(before) else None)
        found += sample_codes(network, [request], config, min_frames=min_frames)
        codes = np.concatenate([codes, found[-1]])
    return found
