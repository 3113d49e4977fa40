"""What a text encoder is: sentences in, one vector a word piece out. Knows neither motion nor what the vectors are for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np

WORDS = "words"
"Name of the embedded text encoder."


@runtime_checkable
class TextEncoder(Protocol):
    """A frozen text model that turns each sentence into one vector a word piece."""

    @property
    def name(self) -> str:
        """`words`, or the id or folder of a language model: what `load_text_encoder` finds it by."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 over whatever decides the vectors."""
        ...

    @property
    def dim(self) -> int:
        """D, the width of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One (L, D) float32 array a sentence, L its own number of word pieces."""
        ...


def load_text_encoder(name: str | None = None) -> TextEncoder:
    """The embedded word vectors for None or `words`; otherwise the last hidden states of a causal language model.

    `name` is then an id or a folder. Raises MissingPartError where the model cannot be found.
    """
    if name is None or name == WORDS:
        from tdmm_core.textmodels.words import load_words

        return load_words()
    from tdmm_core.textmodels.hidden_states import load_hidden_states

    return load_hidden_states(name)
