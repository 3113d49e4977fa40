"""Making failed clips of a finished artifact anew: the others are carried over, so that only the failed ones are left to do."""

from __future__ import annotations

from tdmm_core.artifacts.columns import ArtifactFile
from tdmm_core.artifacts.writer import ArtifactWriter

_BLOCK = 256


def carry_over(writer: ArtifactWriter, file: ArtifactFile) -> int:
    """Stage every clip of `file` that is neither staged nor failed; returns how many failed."""
    known, size, failed = writer.staged_ids(), writer.block_size, 0
    writer.block_size = _BLOCK
    statuses = file.columns.texts("status")
    for index, name in enumerate(file.ids):
        failed += statuses[index] == "failed"
        if statuses[index] != "failed" and name not in known:
            writer.add(file[index])  # type: ignore[index]
    writer.flush()
    writer.block_size = size
    return failed
