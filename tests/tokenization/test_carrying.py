from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.tokenization.carrying import ALONE, SEGMENT_FRAMES, Carrying, choose, choose_in_segments
from tdmm_core.tokenization.ends import beyond, held, turned
from tdmm_core.tokenization.pieces import in_segments


def some_books(seed: int, *, num_books: int = 1, num_codes: int = 7) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(num_codes, 3, generator=generator) / (q + 1) for q in range(num_books)]


def some_latents(seed: int, frames: int = 25) -> torch.Tensor:
    return torch.randn(2, frames, 3, generator=torch.Generator().manual_seed(seed + 1)).cumsum(dim=1) / 4


def slowly(latents: torch.Tensor, books: list[torch.Tensor], carrying: Carrying) -> list[list[list[int]]]:
    """The definition, one number after another."""
    lines = []
    for line in latents.double():
        left, rows = torch.zeros(3, dtype=torch.float64), []
        for latent in line:
            rest, row = latent + carrying.share * left, []
            for book in books:
                distances = [float((rest - vector).norm()) ** 2 for vector in book.double()]
                if rows and not row:
                    distances[rows[-1][0]] -= carrying.stay
                row.append(int(np.argmin(distances)))
                rest = rest - book[row[-1]].double()
            left = rest
            rows.append(row)
        lines.append(rows)
    return lines


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.0, 0.5, 0.95]), stay=st.sampled_from([0.0, 0.7]), num_books=st.sampled_from([1, 3]))
def test_codes_are_the_nearest_to_what_is_left(seed: int, share: float, stay: float, num_books: int):
    books, latents = some_books(seed, num_books=num_books), some_latents(seed)
    carrying = Carrying(share, stay)
    assert choose(latents, books, carrying).tolist() == slowly(latents, books, carrying)


def test_a_face_between_codes_is_told_by_turns():
    """Held at a fifth of the way between two codes, every fifth code or so is the farther one, and the mean is the face."""
    book = torch.tensor([[0.0], [1.0]])
    latents = torch.full((1, 60, 1), 0.2)
    codes = choose(latents, [book], Carrying(0.98))[0, :, 0]
    assert choose(latents, [book], ALONE).sum() == 0
    assert abs(float(codes.float()[10:].mean()) - 0.2) < 0.03
    assert codes.diff().abs().sum() > 15


def test_a_bonus_for_staying_makes_codes_change_less_often():
    books, latents = some_books(1, num_codes=30), some_latents(1, 400) / 4
    changes = [int((choose(latents, books, Carrying(0.8, stay)).diff(dim=1) != 0).sum()) for stay in (0.0, 0.3, 1.5)]
    assert changes[0] > changes[1] > changes[2] > 0 and changes[2] < 0.7 * changes[0], changes


@pytest.mark.parametrize("frames", [1, SEGMENT_FRAMES, SEGMENT_FRAMES + 1, 3 * SEGMENT_FRAMES - 5])
def test_segments_begin_anew_and_clips_are_coded_alone_as_together(frames: int):
    books, latents = some_books(5), some_latents(5, frames)
    codes = choose_in_segments(latents, books, Carrying(0.9, 0.1))
    assert codes.shape == (2, frames, 1)
    for start in range(0, frames, SEGMENT_FRAMES):
        part = slice(start, start + SEGMENT_FRAMES)
        assert torch.equal(codes[:, part], choose(latents[:, part], books, Carrying(0.9, 0.1)))
    rows = [latents[0].numpy(), latents[1, :1].numpy(), latents[1].numpy()]
    together = in_segments(rows, SEGMENT_FRAMES, 2, lambda x: choose(x, books, Carrying(0.9, 0.1)))
    assert [len(r) for r in together] == [frames, 1, frames]
    for made, wanted in zip(together, (codes[0], codes[1, :1], codes[1]), strict=True):
        assert np.array_equal(made, wanted.numpy())
    assert in_segments([], SEGMENT_FRAMES, 2, lambda x: x) == []


@pytest.mark.parametrize("length", [1, 2, 5, 40])
def test_beyond_its_ends_a_clip_stays_or_turns(length: int):
    assert beyond(length, 7, held).tolist() == [0] * 7 + list(range(length)) + [length - 1] * 7
    there_and_back = [*range(length), *reversed(range(length))] * 20
    middle = 10 * 2 * length
    assert beyond(length, 7, turned).tolist() == there_and_back[middle - 7 : middle + length + 7]
