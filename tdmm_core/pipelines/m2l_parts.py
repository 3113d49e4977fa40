"""What Motion2Language needs, found and matched by digest: its language model and its motion tokenizer."""

from __future__ import annotations

from pathlib import Path

from tdmm_core.artifacts.header import Parent
from tdmm_core.errors import InputError
from tdmm_core.pipelines.run import Run
from tdmm_core.textmodels.embedded import EMBEDDED_NAME
from tdmm_core.tokenization.tokenizer import CONFIG_NAME, MotionTokenizer, load_embedded

KIND = "motion-to-language"
ASSET = "smollm2-135m"


def embedded_file(name: str | None, run: Run) -> Path | None:
    """The embedded language model's file, fetched on first use, where `name` is that model; None for any other."""
    if name is not None and name != EMBEDDED_NAME:
        return None
    from tdmm_core.assets.find import find_asset

    return find_asset(ASSET, progress=run.progress)


def tokenizer_of(digest: str, *, given: Path | None, tokens: Path, parents: tuple[Parent, ...]) -> MotionTokenizer:
    """The motion tokenizer with that digest: `given`, else the embedded one, else the folder beside the tokens that they were made with.

    Raises InputError where it is none of these.
    """
    if given is not None:
        tokenizer = MotionTokenizer.load(given)
        if tokenizer.digest != digest:
            raise InputError(f"{tokens}: codes of motion tokenizer {digest[:12]}, but --tokenizer {given} is {tokenizer.digest[:12]}; give the first")
        return tokenizer
    if (embedded := load_embedded(digest)) is not None:
        return embedded
    beside = [tokens.parent / p.name for p in parents if p.kind == "motion-tokenizer"]
    for folder in beside:
        if (folder / CONFIG_NAME).is_file() and (found := MotionTokenizer.load(folder)).digest == digest:
            return found
    names = " or ".join(str(f) for f in beside) or "beside it"
    raise InputError(f"{tokens}: the motion tokenizer {digest[:12]} that made it is not at {names}; put its folder there or give it with --tokenizer")
