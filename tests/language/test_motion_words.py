"""How codes are spelled, what is known of them, and which are near."""

from __future__ import annotations

import numpy as np
import pytest

from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.language.motion_words import MotionVocabulary, known_codes, near_words, word_features


def test_words_and_numbers_agree_at_every_level() -> None:
    vocabulary = MotionVocabulary(num_codes=5, codes_per_frame=2)
    words = vocabulary.words()
    assert words[0] == "<motion_0>" and words[vocabulary.start] == "<motion_start>" and words[vocabulary.end] == "<motion_end>"
    assert len(set(words)) == len(words) == 12
    assert vocabulary.numbers(np.array([[1, 2], [4, 0]], np.uint16)).tolist() == [1, 7, 4, 5]


def test_held_ends_are_not_read() -> None:
    def known(status: list[int]) -> list[int]:
        tokens = MotionTokens(codes=np.arange(len(status))[:, None], num_codes=9, tokenizer_digest="t", status=np.array(status))
        return known_codes(tokens)[:, 0].tolist()

    assert known([2, 0, 2, 1, 2]) == [1, 2, 3]
    assert known([2, 2]) == [0, 1]


def test_near_codes_are_near_words_and_scale_does_not_matter() -> None:
    vocabulary = MotionVocabulary(num_codes=40)
    vectors = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32) * np.array([10, 5, 5, 2, 1, 0.0], np.float32)
    features = word_features(vectors, vocabulary)
    assert np.isfinite(features).all() and features.shape == (42, 8)
    assert np.allclose(word_features(vectors * 1000 + 7, vocabulary), features, atol=1e-3)
    near = near_words(vectors, vocabulary, count=3)
    slow = [[j for j in np.argsort(((vectors - vectors[i]) ** 2).sum(1), kind="stable") if j != i][:3] for i in range(40)]
    assert near.tolist() == slow
    assert not np.allclose(features[vocabulary.start], features[vocabulary.end])
    with pytest.raises(InputError, match="one row for each of 40 codes"):
        word_features(vectors[:-1], vocabulary)


def test_levels_without_vectors_are_read_too() -> None:
    features = word_features(np.eye(4), MotionVocabulary(num_codes=4, codes_per_frame=3))
    assert features.shape[0] == 14 and not features[4:12].any()
    near = near_words(np.eye(4), MotionVocabulary(num_codes=4, codes_per_frame=3), count=2)
    assert near.shape == (12, 2) and near[7].tolist() == [7, 7] and set(near[0]) < {1, 2, 3}
