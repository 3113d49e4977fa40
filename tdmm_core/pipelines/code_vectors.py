"""The motion tokenizer that made a tokens artifact, where it can be found, and what its codes look like."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tdmm_core.artifacts.tokens import TokensFile, open_tokens
from tdmm_core.errors import InputError
from tdmm_core.pipelines.run import Run

if TYPE_CHECKING:
    import numpy as np

    from tdmm_core.tokenization.tokenizer import MotionTokenizer


def find_code_vectors(tokens: Path, tokenizer: Path | None, run: Run) -> np.ndarray | None:
    """(K, D) float32, near vectors for codes of near faces; None, with a line in the log, where the motion tokenizer is not at hand.

    Raises InputError for a given folder that did not make these tokens.
    """
    found = find_tokenizer(tokens, tokenizer)
    if found is not None:
        return found.code_vectors()
    with open_tokens(tokens) as file:
        digest = file.tokenizer_digest
    run.progress.log(f"{tokens}: its motion tokenizer {digest[:12]} is not at hand; what codes look like is learned from nothing (--tokenizer helps)")
    return None


def find_tokenizer(tokens: Path, tokenizer: Path | None = None) -> MotionTokenizer | None:
    """The motion tokenizer in the folder given, else an embedded one, else that beside the tokens under the name that they remember; None without.

    Raises InputError for a given folder that did not make these tokens.
    """
    with open_tokens(tokens) as file:
        digest, places = file.tokenizer_digest, _places(file, tokens)
    if tokenizer is not None:
        found = _load(tokenizer)
        if found.digest != digest:
            raise InputError(
                f"{tokens}: made by motion tokenizer {digest[:12]}, but --tokenizer {tokenizer} is {found.digest[:12]}; give the one that made them"
            )
        return found
    from tdmm_core.tokenization.tokenizer import load_embedded

    if (embedded := load_embedded(digest)) is not None:
        return embedded
    for place in places:
        if (place / "config.json").is_file() and (found := _load(place)).digest == digest:
            return found
    return None


def _places(file: TokensFile, tokens: Path) -> list[Path]:
    return [tokens.resolve().parent / p.name for p in file.header.parents if p.kind == "motion-tokenizer"]


def _load(folder: Path) -> MotionTokenizer:
    from tdmm_core.tokenization.tokenizer import MotionTokenizer

    return MotionTokenizer.load(folder)
