"""The `corpus` artifact: clips as they were planned and generated, and where their videos lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.clips import clip_values, plain, read_clip
from tdmm_core.artifacts.columns import ArtifactFile
from tdmm_core.artifacts.rows import Row
from tdmm_core.artifacts.schema import CORPUS, TEXT
from tdmm_core.artifacts.writer import ArtifactWriter
from tdmm_core.domain.clip import CorpusClip

_OWN = tuple(f.name for f in fields(CorpusClip) if f.name != "clip")
_TEXTS = frozenset(c.name for c in CORPUS.clips if c.dtype == TEXT)


class CorpusFile(ArtifactFile):
    """An open corpus: a ClipSource of CorpusClip."""

    schema = CORPUS

    def __getitem__(self, index: int) -> CorpusClip:
        index = self._index(index)
        own = {n: self.columns.text(n, index) if n in _TEXTS else plain(self.columns.numbers(n)[index]) for n in _OWN}
        return CorpusClip(clip=read_clip(self.columns, index), **own)  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[CorpusClip]:
        return (self[i] for i in range(len(self)))

    @property
    def splits(self) -> np.ndarray:
        """(C,) split of each clip."""
        return self.columns.texts("split")

    @property
    def statuses(self) -> np.ndarray:
        """(C,) status of each clip."""
        return self.columns.texts("status")

    @property
    def labels(self) -> np.ndarray:
        """(C,) main label of each clip."""
        return self.columns.texts("label")

    @property
    def backends(self) -> np.ndarray:
        """(C,) generator of each clip."""
        return self.columns.texts("backend")

    @property
    def frame_counts(self) -> np.ndarray:
        """(C,) frames of each video."""
        return self.columns.numbers("num_frames")

    @property
    def rates(self) -> np.ndarray:
        """(C,) frames per second of each video."""
        return self.columns.numbers("fps")

    def video(self, index: int) -> Path | None:
        """Where the video of a clip lies; None where it has none."""
        name = self.columns.text("video", self._index(index))
        return self.path.parent / name if name else None


class CorpusWriter(ArtifactWriter[CorpusClip]):
    """Writes a corpus, see ArtifactWriter."""

    schema = CORPUS

    def _row(self, item: CorpusClip) -> Row:
        return Row(values=clip_values(item.clip) | {name: getattr(item, name) for name in _OWN})


def open_corpus(path: Path | str) -> CorpusFile:
    """Open a corpus to read. Raises InputError with what the file is instead."""
    return CorpusFile(path)
