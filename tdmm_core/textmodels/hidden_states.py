"""Last hidden states of a causal language model as a text encoder: one vector a word piece. Knows neither motion nor training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tdmm_core.textmodels.causal import CausalModel, load_causal

_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class HiddenStates:
    """A frozen causal language model that is read, not spoken to."""

    model: CausalModel

    @property
    def name(self) -> str:
        """Id or folder of the language model."""
        return self.model.name

    @property
    def digest(self) -> str:
        """SHA-256 over whatever decides the vectors."""
        return self.model.digest

    @property
    def dim(self) -> int:
        """H, the width of a vector."""
        return int(self.model.network.config.get_text_config().hidden_size)

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One (L, H) float32 array a sentence, L its own number of word pieces; the same alone or beside others up to rounding."""
        pieces = [self.model.ids(t) for t in texts]
        found: list[np.ndarray] = []
        for start in range(0, len(pieces), _AT_ONCE):
            found += self._encode(pieces[start : start + _AT_ONCE])
        return found

    def _encode(self, pieces: Sequence[list[int]]) -> list[np.ndarray]:
        import torch

        longest = max(1, *(len(p) for p in pieces))
        device = self.model.network.device
        ids = torch.full((len(pieces), longest), self.model.end_id, device=device)
        for row, piece in enumerate(pieces):
            ids[row, : len(piece)] = torch.tensor(piece, device=device)
        mask = (torch.arange(longest)[None] < torch.tensor([len(p) for p in pieces])[:, None]).long().to(device)  # (B, L)
        with torch.inference_mode():
            hidden = self.model.network.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state  # (B, L, H)
        vectors = hidden.float().cpu().numpy()
        return [vectors[row, : len(piece)].copy() for row, piece in enumerate(pieces)]


def load_hidden_states(name: str) -> HiddenStates:
    """The text encoder of the causal language model with that id or in that folder, float32 on the CPU.

    Raises MissingPartError where it is not on this machine.
    """
    return HiddenStates(load_causal(name))
