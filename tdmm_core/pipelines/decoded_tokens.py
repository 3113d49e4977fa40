"""A tokens artifact as motion: its codes decoded by the motion tokenizer that made them."""

from __future__ import annotations

from pathlib import Path

from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.opening import is_hdf5
from tdmm_core.artifacts.tokens import open_tokens
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import InputError
from tdmm_core.pipelines.code_vectors import find_tokenizer

AT_ONCE = 64


def is_tokens(path: Path | str) -> bool:
    """Whether a path is a tokens artifact."""
    path = Path(path)
    return str(path) != "-" and path.is_file() and is_hdf5(path) and read_header(path).kind == "tokens"


def decoded_tokens(path: Path, tokenizer: Path | None, *, clip: str | None = None) -> list[MotionClip]:
    """The clips of a tokens artifact as motion, or the one called `clip`; `tokenizer` is a folder, None looks for the one that made the codes.

    Raises InputError where it is not at hand or another one was given, and for a name that no clip has.
    """
    found = find_tokenizer(path, tokenizer)
    clips: list[MotionClip] = []
    with open_tokens(path) as file:
        if found is None:
            lacking = f"its motion tokenizer {file.tokenizer_digest[:12]} is not at hand"
            raise InputError(f"{path}: {lacking}; give the folder of the one that made it: --tokenizer FOLDER")
        wanted = range(len(file)) if clip is None else [file.index_of(clip)]
        filled = [i for i in wanted if file.lengths[i] > 0]
        for start in range(0, len(filled), AT_ONCE):
            coded = [file[i] for i in filled[start : start + AT_ONCE]]
            motions = found.decode_batch([c.tokens for c in coded])
            clips += [MotionClip(clip=c.clip, motion=m) for c, m in zip(coded, motions, strict=True)]
    if not clips:
        raise InputError(f"{path}: expected clips with codes, got none")
    return clips
