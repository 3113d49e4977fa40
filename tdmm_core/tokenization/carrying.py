"""Which code each frame takes where what a code leaves over is carried to the next frame; knows no network and no face.

Error diffusion (R. Floyd and L. Steinberg 1976) along time, also known as noise shaping: a frame's aim is its latent and a share of what the code
before left over. So a face that lies between codes is told by turns by the codes around it, and a decoder that sees many frames hears the
mean: the errors of single codes move to high frequencies, where it can take them out. One code a frame then says much more than which of K faces.
The price is that codes change more often; a bonus for the code before lets them change only where it pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

SEGMENT_FRAMES = 64
"Nothing is carried from one segment of a clip to the next, so segments are coded side by side."
SEGMENTS_AT_ONCE = 64
"Bounds the memory of one pass."


class Carrying(NamedTuple):
    """How frames lean on the frames before them."""

    share: float = 0.0
    "Of what a frame's codes leave over, what the next frame's aim takes in: 0 to below 1."
    stay: float = 0.0
    "By how much the squared distance of the (first) code before may exceed another's and it is still kept."


ALONE = Carrying()
"Each frame by itself."


def choose(latents: Tensor, books: Sequence[Tensor], carrying: Carrying) -> Tensor:
    """Codes (B, T, Q) int64 of (B, T, D) latents: the nearest vector of each of the Q `books` (K, D) in turn to what the ones before leave over."""
    if carrying == ALONE:
        return _nearest(latents, books)
    if len(books) == 1:
        return _by_scores(latents, books[0], carrying)[..., None]
    return _by_vectors(latents, books, carrying)


def choose_in_segments(latents: Tensor, books: Sequence[Tensor], carrying: Carrying) -> Tensor:
    """As `choose` for lines (B, T, D) of any length, cut into segments."""
    count, frames, width = latents.shape
    if carrying == ALONE or frames <= SEGMENT_FRAMES:
        return choose(latents, books, carrying)
    spare = -frames % SEGMENT_FRAMES
    segments = functional.pad(latents, (0, 0, 0, spare)).reshape(-1, SEGMENT_FRAMES, width)
    codes = torch.cat([choose(part, books, carrying) for part in segments.split(SEGMENTS_AT_ONCE)])
    return codes.reshape(count, frames + spare, -1)[:, :frames]


def _nearest(aimed: Tensor, books: Sequence[Tensor], kept: Tensor | None = None, stay: float = 0.0) -> Tensor:
    """(..., D) to (..., Q), each for itself; `kept` (n,) are first codes that are preferred by `stay`, where aims are (n, D)."""
    rest, columns = aimed, []
    for book in books:
        # |z - c|^2 without |z|^2, which is the same for every code
        scores = torch.addmm(book.square().sum(dim=1), rest.reshape(-1, rest.shape[-1]), book.T, alpha=-2.0)
        if kept is not None and not columns:
            scores.scatter_add_(1, kept[:, None], scores.new_full((len(kept), 1), -stay))
        columns.append(scores.argmin(dim=1).reshape(rest.shape[:-1]))
        rest = rest - functional.embedding(columns[-1], book)
    return torch.stack(columns, dim=-1)


def _by_vectors(latents: Tensor, books: Sequence[Tensor], carrying: Carrying) -> Tensor:
    """As it is said, frame after frame."""
    left, rows = torch.zeros_like(latents[:, 0]), []
    for t in range(latents.shape[1]):
        aimed = latents[:, t] + carrying.share * left
        rows.append(_nearest(aimed, books, rows[-1][:, 0] if rows else None, carrying.stay))
        left = aimed - sum(functional.embedding(rows[-1][:, q], book) for q, book in enumerate(books))
    return torch.stack(rows, dim=1)


def _by_scores(latents: Tensor, book: Tensor, carrying: Carrying) -> Tensor:
    """The same for one book without a product of matrices at every frame: (B, T).

    The aim u enters only by s = book u, and what it leaves over, u - c, by s - book c, a row of the book's Gram matrix.
    """
    scores, gram = latents @ book.T, book @ book.T
    handicap = gram.diagonal() / 2  # the nearest c has the largest u . c - |c|^2 / 2
    carried, columns = torch.zeros_like(scores[:, 0]), []
    bonus = scores.new_full((len(scores), 1), carrying.stay / 2)
    for t in range(latents.shape[1]):
        aimed = torch.add(scores[:, t], carried, alpha=carrying.share)
        worth = aimed - handicap
        if columns:
            worth.scatter_add_(1, columns[-1][:, None], bonus)
        columns.append(worth.argmax(dim=1))
        carried = aimed - gram[columns[-1]]
    return torch.stack(columns, dim=1)
