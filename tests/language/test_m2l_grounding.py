"""Motion words get their first meaning from which sentences their codes go with, through the frames that matter."""

from __future__ import annotations

import numpy as np
import torch
from m2l_cases import NUM_CODES, code_vectors

from tdmm_core.language.m2l_grounding import ground
from tdmm_core.language.m2l_network import MotionWords
from tdmm_core.language.motion_words import MotionVocabulary, word_features

SMILE, FROWN, NOISE, ALWAYS, NEVER = 7, 9, 11, 13, 15
VOCABULARY = MotionVocabulary(num_codes=NUM_CODES)


def corpus(count: int = 200, seed: int = 0) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Clips that rest (code 0 and code 12, which say nothing) but for a few frames of a smile or a frown."""
    rng = np.random.default_rng(seed)
    motions, said = [], []
    for _ in range(count):
        smiles = rng.random() < 0.2
        frowns = not smiles and rng.random() < 0.25
        motion = rng.choice([0, 12], int(rng.integers(10, 20)))
        if smiles or frowns:
            motion[4:6] = rng.integers(1, 12) if smiles else rng.integers(13, NUM_CODES)
        motions.append(motion)
        said.append(np.array([ALWAYS, *[SMILE] * smiles, *[FROWN] * frowns, *[NOISE] * (rng.random() < 0.2)]))
    return motions, said


def test_a_code_speaks_for_the_pieces_that_its_clips_hold() -> None:
    motions, said = corpus()
    found = ground(motions, said, word_features(np.eye(NUM_CODES), VOCABULARY), steps=150, seed=0)
    assert found is not None and found.pieces.tolist() == [SMILE, FROWN, NOISE]
    smile, frown, noise = found.evidence[:NUM_CODES].T
    assert (smile[1:12] > frown[1:12] + 1).all() and (frown[13:] > smile[13:] + 1).all()
    assert smile[1:12].min() > max(smile[0], smile[12]) + 1
    assert np.abs(noise).max() < smile[1:12].mean()
    again = ground(motions, said, word_features(np.eye(NUM_CODES), VOCABULARY), steps=150, seed=0)
    assert np.array_equal(again.evidence, found.evidence)


def test_a_word_starts_towards_the_pieces_it_speaks_for() -> None:
    motions, said = corpus()
    found = ground(motions, said, word_features(np.eye(NUM_CODES), VOCABULARY), steps=150, seed=0)
    assert found is not None
    torch.manual_seed(0)
    embeddings = torch.randn(20, 32)
    meanings = found.meanings(embeddings, embeddings.mean(dim=0))
    assert meanings.shape == (NUM_CODES + 2, 32)
    near = torch.nn.functional.cosine_similarity(meanings[:, None], (embeddings - embeddings.mean(dim=0))[None], dim=-1)
    assert (near[1:12].argmax(dim=1) == SMILE).all() and (near[13:NUM_CODES].argmax(dim=1) == FROWN).all()


def test_without_telling_pieces_words_start_anywhere() -> None:
    motions, said = corpus(20)
    features = word_features(code_vectors(), VOCABULARY)
    assert ground(motions, [np.array([ALWAYS])] * 20, features, steps=9, seed=0) is None
    assert ground(motions, [np.array([i]) for i in range(20)], features, steps=9, seed=0) is None
    assert ground(motions, said, features, steps=0, seed=0) is None


def test_words_begin_at_their_meanings_and_near_faces_still_differ() -> None:
    features = word_features(code_vectors(), VOCABULARY)
    torch.manual_seed(0)
    words = MotionWords(features, torch.randn(50, 32), hidden=8, rate=3.0, seed=0)
    meanings = torch.nn.functional.normalize(torch.randn(NUM_CODES + 2, 32), dim=1)
    words.begin(meanings)
    table = words.table().detach() - words.middle
    assert (torch.nn.functional.cosine_similarity(table, meanings, dim=1) > 0.7).all()
    assert torch.cdist(table, table)[~torch.eye(NUM_CODES + 2).bool()].min() > 0.1
