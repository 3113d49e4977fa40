"""The `text` artifact: what language models answered to questions about motions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from tdmm_core.artifacts.columns import ArtifactFile
from tdmm_core.artifacts.rows import Row
from tdmm_core.artifacts.schema import TEXTS
from tdmm_core.artifacts.writer import ArtifactWriter
from tdmm_core.domain.description import Description


class TextFile(ArtifactFile):
    """An open text artifact: a ClipSource of Description."""

    schema = TEXTS

    def __getitem__(self, index: int) -> Description:
        index = self._index(index)
        return Description(**{name: self.columns.text(name, index) for name in ("id", "question", "answer", "model_digest")})

    def __iter__(self) -> Iterator[Description]:
        return (self[i] for i in range(len(self)))


class TextWriter(ArtifactWriter[Description]):
    """Writes a text artifact, see ArtifactWriter. A clip may have several questions; `staged_ids` names it from its first answer on."""

    schema = TEXTS

    def _row(self, item: Description) -> Row:
        return Row(values=asdict(item))


def open_text(path: Path | str) -> TextFile:
    """Open a text artifact to read. Raises InputError with what the file is instead."""
    return TextFile(path)
