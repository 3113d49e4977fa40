"""The `tokens` artifact: clips as codes of one motion tokenizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.clips import clip_values, read_clip
from tdmm_core.artifacts.columns import ArtifactFile
from tdmm_core.artifacts.header import Making
from tdmm_core.artifacts.rows import Row
from tdmm_core.artifacts.schema import TOKENS
from tdmm_core.artifacts.writer import ArtifactWriter
from tdmm_core.domain.clip import Clip, TokenClip
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError

TERMS = ("expression", "global_orient")
"What one token a frame carries."


class TokensFile(ArtifactFile):
    """An open tokens artifact: a ClipSource of TokenClip; `tokens` and `clip` read one half alone, which is faster."""

    schema = TOKENS

    def __getitem__(self, index: int) -> TokenClip:
        return TokenClip(clip=self.clip(index), tokens=self.tokens(index))

    def __iter__(self) -> Iterator[TokenClip]:
        return (self[i] for i in range(len(self)))

    def clip(self, index: int) -> Clip:
        """What is said of a clip, without its codes."""
        return read_clip(self.columns, self._index(index))

    def tokens(self, index: int) -> MotionTokens:
        """The codes of a clip. Raises InputError where they are damaged."""
        index = self._index(index)
        codes, status = (self.columns.frames(name, index) for name in ("codes", "status"))
        shared = {n: self._shared[n] for n in ("fps", "num_codes", "tokenizer_digest", "face_model", "face_model_digest")}
        try:
            return MotionTokens(codes=codes, status=status, **shared)  # type: ignore[arg-type]
        except InputError as e:
            raise InputError(f"{self.path}: clip {self.columns.text('id', index)!r} is damaged: {e}") from e

    @property
    def lengths(self) -> np.ndarray:
        """(C,) frames of each clip."""
        return self.columns.numbers("length")

    @property
    def splits(self) -> np.ndarray:
        """(C,) split of each clip."""
        return self.columns.texts("split")

    @property
    def num_codes(self) -> int:
        return self._shared["num_codes"]  # type: ignore[return-value]

    @property
    def codes_per_frame(self) -> int:
        return self._shared["codes_per_frame"]  # type: ignore[return-value]

    @property
    def fps(self) -> float:
        return self._shared["fps"]  # type: ignore[return-value]

    @property
    def tokenizer_digest(self) -> str:
        return self._shared["tokenizer_digest"]  # type: ignore[return-value]

    @property
    def terms(self) -> tuple[str, ...]:
        """The motion's terms that the codes carry."""
        return self._shared["terms"]  # type: ignore[return-value]

    @cached_property
    def _shared(self) -> dict[str, object]:
        return {name: self.columns.shared(name) for name in TOKENS.shared}


class TokensWriter(ArtifactWriter[TokenClip]):
    """Writes a tokens artifact, see ArtifactWriter. All its clips are of one motion tokenizer."""

    schema = TOKENS

    def __init__(
        self, path: Path | str, making: Making, *, force: bool = False, resume: bool = True, block_size: int = 1, terms: Sequence[str] = TERMS
    ) -> None:
        super().__init__(path, making, force=force, resume=resume, block_size=block_size)
        self._terms = list(terms)

    def _row(self, item: TokenClip) -> Row:
        tokens = item.tokens
        if not tokens.num_frames:
            raise InputError(f"clip {item.clip.id!r}: expected codes of at least one frame, got none")
        shared = {
            "fps": tokens.fps,
            "num_codes": tokens.num_codes,
            "codes_per_frame": tokens.codes_per_frame,
            "terms": self._terms,
            "tokenizer_digest": tokens.tokenizer_digest,
            "face_model": tokens.face_model,
            "face_model_digest": tokens.face_model_digest,
        }
        values = clip_values(item.clip) | {"length": tokens.num_frames}
        return Row(values=values, frames={"codes": tokens.codes, "status": tokens.status}, shared=shared)


def open_tokens(path: Path | str) -> TokensFile:
    """Open a tokens artifact to read. Raises InputError with what the file is instead."""
    return TokensFile(path)
