"""Motion words: how codes are spelled in a language model's vocabulary, and what is known of each before training.

One word a code: `<motion_17>`; with several codes a frame, level q's codes follow those of the levels before it. Knows no network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import HELD
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError

START, END = "<motion_start>", "<motion_end>"


@dataclass(frozen=True, kw_only=True)
class MotionVocabulary:
    """The words of one motion tokenizer: W = num_codes x codes_per_frame, then the two that open and close a motion."""

    num_codes: int
    codes_per_frame: int = 1

    @property
    def num_codewords(self) -> int:
        """Words that stand for a code."""
        return self.num_codes * self.codes_per_frame

    @property
    def start(self) -> int:
        """Number of the word that opens a motion."""
        return self.num_codewords

    @property
    def end(self) -> int:
        """Number of the word that closes it."""
        return self.num_codewords + 1

    def words(self) -> list[str]:
        """Every word, in the order of the numbers."""
        return [f"<motion_{k}>" for k in range(self.num_codewords)] + [START, END]

    def numbers(self, codes: np.ndarray) -> np.ndarray:
        """Word numbers (T x Q,) int64 of codes (T, Q), frame by frame."""
        levels = np.arange(self.codes_per_frame, dtype=np.int64) * self.num_codes
        return (codes.astype(np.int64) + levels).reshape(-1)


def known_codes(tokens: MotionTokens) -> np.ndarray:
    """Codes (T, Q) without the held frames at either end; the whole where nothing was observed."""
    known = np.flatnonzero(tokens.status != HELD)
    return tokens.codes[known[0] : known[-1] + 1] if len(known) else tokens.codes


def word_features(vectors: np.ndarray, vocabulary: MotionVocabulary) -> np.ndarray:
    """What is known of each word (W + 2, F) float32, from `vectors` (K, F0) or (W, F0): its code's face in numbers.

    Columns are centred and share one scale, so that near faces stay near; a column that varies little is raised to a tenth of the
    strongest one's spread at most. Levels without vectors have zeros. The last two columns tell the two words without a code apart.
    Raises InputError when the vectors belong to another codebook.
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or len(vectors) not in (vocabulary.num_codes, vocabulary.num_codewords):
        raise InputError(f"code vectors: expected one row for each of {vocabulary.num_codes} codes, got shape {vectors.shape}")
    spread = vectors.std(axis=0)
    scaled = (vectors - vectors.mean(axis=0)) / np.maximum(spread, 0.1 * spread.max() + 1e-8)
    features = np.zeros((vocabulary.num_codewords + 2, vectors.shape[1] + 2), np.float32)
    features[: len(vectors), :-2] = scaled / np.sqrt(vectors.shape[1])
    features[vocabulary.start, -2] = features[vocabulary.end, -1] = 1.0
    return features


def near_words(vectors: np.ndarray, vocabulary: MotionVocabulary, *, count: int) -> np.ndarray:
    """For each code's word the `count` words of the nearest other codes (W, count) int64, by Euclidean distance of `vectors` (K, F0).

    A word of a level without vectors has only itself.
    """
    vectors = np.asarray(vectors, np.float32)
    count = min(count, len(vectors) - 1)
    square = (vectors**2).sum(axis=1)
    distance = square[:, None] - 2 * vectors @ vectors.T + square[None]  # (K, K)
    np.fill_diagonal(distance, np.inf)
    near = np.repeat(np.arange(vocabulary.num_codewords)[:, None], count, axis=1)
    near[: len(vectors)] = np.argsort(distance, axis=1, kind="stable")[:, :count]
    return near
