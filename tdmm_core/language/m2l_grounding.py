"""A first meaning for motion words: which word pieces each code's face goes with in the clips, found before any language model is trained.

A small map from what is known of a code scores every word piece. A clip's score of a piece is a soft maximum over its frames, and is fitted to
whether the clip's sentences hold the piece (multiple-instance learning with the noisy-or's kin, log-mean-exp). Seconds of this save the language
model the hour in which it would have to find out which code is a smile. Knows word ids, not the language model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

_BATCH = 64
_HIDDEN = 128
_RATE = 5e-3
_COMMONEST, _RAREST = 0.25, 0.002
"Pieces in a greater or a smaller share of the clips say too little."
_FEWEST = 3


@dataclass(frozen=True, kw_only=True)
class Grounding:
    """How much the sight of a word's code speaks for each word piece."""

    pieces: np.ndarray
    "(C,) int64 ids of word pieces."
    evidence: np.ndarray
    "(W, C) float32, in nats, beside what is said anyway."

    def meanings(self, embeddings: Tensor, middle: Tensor) -> Tensor:
        """Where each word stands from `middle` (H,): (W, H), the pieces' embeddings (N, H) mixed by their share of the evidence."""
        share = torch.from_numpy(self.evidence).softmax(dim=1)  # (W, C)
        return share @ (embeddings[torch.from_numpy(self.pieces)].float() - middle)


def ground(motions: Sequence[np.ndarray], said: Sequence[np.ndarray], features: np.ndarray, *, steps: int, seed: int) -> Grounding | None:
    """Fit `motions` (word numbers of each clip) to `said` (word pieces of its sentences); `features` (W, F) of the words.

    None where no piece is neither too common nor too rare, or for no steps.
    """
    pieces = telling_pieces(said)
    if not len(pieces) or steps < 1:
        return None
    held = torch.from_numpy(np.stack([np.isin(pieces, s) for s in said])).float()  # (clips, C)
    source = torch.Generator().manual_seed(seed)
    scale = float(np.sqrt(features.shape[1]))
    scorer = _Scorer(torch.from_numpy(features) * scale, held.mean(dim=0), source)
    optimizer = torch.optim.AdamW(scorer.parameters(), lr=_RATE, weight_decay=1e-3)
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = _RATE * (1 - step / steps)
        chosen = torch.randint(len(motions), (_BATCH,), generator=source)
        words, mask = _padded([motions[i] for i in chosen.tolist()])
        loss = functional.binary_cross_entropy_with_logits(scorer(words, mask), held[chosen]) * len(pieces)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return Grounding(pieces=pieces, evidence=scorer.evidence().numpy())


class _Scorer(nn.Module):
    """Evidence of each word for each piece, and the score of a clip."""

    def __init__(self, features: Tensor, usual: Tensor, source: torch.Generator) -> None:
        super().__init__()
        width, count = features.shape[1], len(usual)
        self.features = features
        self.linear = nn.Parameter(torch.zeros(width, count))
        self.inner = nn.Parameter(torch.randn(width, _HIDDEN, generator=source) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(_HIDDEN))
        self.outer = nn.Parameter(torch.zeros(_HIDDEN, count))
        self.usual = nn.Parameter(torch.logit(usual))

    def evidence(self) -> Tensor:
        """(W, C)."""
        return self.features @ self.linear + functional.gelu(self.features @ self.inner + self.bias) @ self.outer

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Log odds (B, C) that a clip's sentences hold each piece, from its words (B, T)."""
        seen = functional.embedding(words, self.evidence()).masked_fill(~mask[..., None], -torch.inf)  # (B, T, C)
        return torch.logsumexp(seen, dim=1) - mask.sum(dim=1, keepdim=True).log() + self.usual


def telling_pieces(said: Sequence[np.ndarray]) -> np.ndarray:
    """Word pieces (C,) that tell clips apart: neither in most of them nor in hardly any. `said` are the pieces of each clip's sentences."""
    pieces, counts = np.unique(np.concatenate([np.unique(s) for s in said]), return_counts=True)
    return pieces[(counts >= max(_FEWEST, _RAREST * len(said))) & (counts <= _COMMONEST * len(said))].astype(np.int64)


def _padded(rows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    longest = max(len(r) for r in rows)
    words = np.zeros((len(rows), longest), np.int64)
    for i, row in enumerate(rows):
        words[i, : len(row)] = row
    return torch.from_numpy(words), torch.arange(longest) < torch.tensor([len(r) for r in rows])[:, None]
