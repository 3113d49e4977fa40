"""Word vectors that come with the `wordllama` package: one static vector a word piece, read in well under a second.

Owns where the package keeps its files and how a sentence is spelled before it is cut into pieces. It reads those files
without importing the package (which would bring a web client and set up logging) and without transformers.
It does not know what the vectors are for: context is added by the model that reads them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.errors import MissingPartError
from tdmm_core.textmodels.text_encoder import WORDS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


@dataclass(frozen=True, kw_only=True, eq=False)
class WordVectors:
    """Static vectors of word pieces, 256 numbers each, taken from large language models by the makers of wordllama."""

    vectors: np.ndarray
    "(N, D) float16, one row a word piece."
    tokenizer: Tokenizer
    files: tuple[Path, ...]
    "The files that decide the vectors."

    @property
    def name(self) -> str:
        return WORDS

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the bytes of the vectors' and the text tokenizer's files."""
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def pieces(self, text: str) -> list[str]:
        """The word pieces of a sentence as spelled for the vectors."""
        return self.tokenizer.encode(spelling(text), add_special_tokens=False).tokens

    def encode(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One (L, D) float32 array a sentence; a word unknown to the vocabulary is cut into smaller pieces, at last bytes."""
        encoded = self.tokenizer.encode_batch([spelling(t) for t in texts], add_special_tokens=False)
        return [self.vectors[e.ids].astype(np.float32) for e in encoded]


def spelling(text: str) -> str:
    """The sentence with compatible letters unified, in lower case and with single blanks.

    Upper case would fall apart into unrelated pieces ("SURPRISE" into four); the closing full stop says nothing.
    """
    flat = " ".join(unicodedata.normalize("NFKC", text).lower().split())
    return flat.rstrip(" .!") or flat


@lru_cache(maxsize=1)
def load_words() -> WordVectors:
    """The packaged word vectors. Raises MissingPartError when the wordllama package or one of its files is not there."""
    from safetensors import safe_open
    from tokenizers import Tokenizer

    weights, tokenizer_file = _packaged_files()
    with safe_open(str(weights), "np") as file:
        vectors = file.get_tensor("embedding.weight")
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return WordVectors(vectors=vectors, tokenizer=tokenizer, files=(weights, tokenizer_file))


def _packaged_files() -> tuple[Path, Path]:
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise MissingPartError("word vectors: expected the Python package wordllama, found none; run pip install wordllama")
    root = Path(spec.origin).parent
    for name in (WEIGHTS, TOKENIZER):
        if not (root / name).is_file():
            raise MissingPartError(f"word vectors: expected {name} in the wordllama package, found none; run pip install 'wordllama>=0.4'")
    return root / WEIGHTS, root / TOKENIZER
