"""A tokens artifact as motion: its codes decoded by the motion tokenizer that made them."""

from __future__ import annotations

from pathlib import Path

from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.opening import is_hdf5
from tdmm_core.artifacts.tokens import open_tokens
from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import InputError

AT_ONCE = 64


def is_tokens(path: Path | str) -> bool:
    """Whether a path is a tokens artifact."""
    path = Path(path)
    return str(path) != "-" and path.is_file() and is_hdf5(path) and read_header(path).kind == "tokens"


def decoded_tokens(path: Path, tokenizer: Path | None) -> list[MotionClip]:
    """The clips of a tokens artifact as motion; `tokenizer` is a folder, None takes the embedded one.

    Raises InputError where another motion tokenizer made the codes.
    """
    from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default

    motion_tokenizer = MotionTokenizer.load(tokenizer) if tokenizer else load_default()
    clips: list[MotionClip] = []
    with open_tokens(path) as file:
        if file.tokenizer_digest != motion_tokenizer.digest:
            raise InputError(
                f"{path}: codes of motion tokenizer {file.tokenizer_digest[:12]}, but --tokenizer {tokenizer or 'embedded'} is "
                f"{motion_tokenizer.digest[:12]}; give the folder of the first with --tokenizer"
            )
        filled = [i for i in range(len(file)) if file.lengths[i] > 0]
        for start in range(0, len(filled), AT_ONCE):
            coded = [file[i] for i in filled[start : start + AT_ONCE]]
            motions = motion_tokenizer.decode_batch([c.tokens for c in coded])
            clips += [MotionClip(clip=c.clip, motion=m) for c, m in zip(coded, motions, strict=True)]
    if not clips:
        raise InputError(f"{path}: expected clips with codes, got none")
    return clips
