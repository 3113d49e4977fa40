"""Writing an artifact: clips are staged as they are finished and assembled at the end; the same for every kind.

Owns the order of the steps. Each kind's module says how its items become rows.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from tdmm_core.artifacts.assembly import agreement_of, assemble
from tdmm_core.artifacts.atomic import flush_to_disk, remove, write_errors
from tdmm_core.artifacts.blocks import Entry, open_widths, shared_json
from tdmm_core.artifacts.digest import root_digest
from tdmm_core.artifacts.header import Header, Making, new_header
from tdmm_core.artifacts.rows import Row, checked
from tdmm_core.artifacts.schema import Schema
from tdmm_core.artifacts.staging import Staging
from tdmm_core.errors import InputError

Item = TypeVar("Item")


class ArtifactWriter(ABC, Generic[Item]):
    """Stages items in `NAME.partial/` and commits them as the artifact `NAME`.

    A run that is killed loses the items that were not staged yet (one, with `block_size` 1) and goes on from the others. Where the very same run
    (config, seed, inputs, tool version) has finished the file already, the writer is `complete`: its clips count as staged, commit gives its header.
    """

    schema: Schema

    def __init__(self, path: Path | str, making: Making, *, force: bool = False, resume: bool = True, block_size: int = 1) -> None:
        """Raises InputError where `path` exists without `force`, cannot be written, or blocks of another run lie beside it."""
        self.path, self.making, self.block_size = Path(path), making, block_size
        self._staging = Staging(self.path, self.schema, making, force=force, resume=resume)
        self._waiting: dict[tuple[str, ...], Row] = {}
        self._finished_ids = self._ids_of_finished() if self.complete else frozenset()
        self._agreement = agreement_of(self.schema, self._staging.entries.values())

    @property
    def complete(self) -> bool:
        """Whether the same run has finished the artifact already."""
        return self._staging.finished is not None

    def staged_ids(self) -> set[str]:
        """Names of the clips that are done, on disk or waiting for their block to fill."""
        return {key[0] for key in (*self._staging.entries, *self._waiting)} | set(self._finished_ids)

    def add(self, item: Item) -> None:
        """Stage an item. Raises InputError where its clip is there already or differs from the others in what all must share."""
        row = checked(self.schema, self._row(item))
        key = row.key(self.schema)
        if self.complete:
            if key[0] not in self._finished_ids:
                raise InputError(f"{self.path}: is finished and has no clip {key[0]!r}; use --force to make it anew")
            return
        if key in self._staging.entries or key in self._waiting:
            raise InputError(f"{self.path}: clip {key[0]!r} is there already; each clip needs a name of its own")
        self._agreement.take(key[0], shared_json(row), open_widths(self.schema, row))
        self._waiting[key] = row
        if len(self._waiting) >= self.block_size:
            self.flush()

    def flush(self) -> None:
        """Bring the waiting items to disk as a block."""
        rows, self._waiting = list(self._waiting.values()), {}
        self._staging.add(rows)

    def commit(self, order: Sequence[str] | None = None) -> Header:
        """Assemble the artifact under its own name, in `order` of clip names (else sorted), and remove the blocks.

        Raises InputError where `order` and the staged clips differ, and TdmmError on a full disk (the blocks stay).
        """
        if self._staging.finished is not None:
            return self._staging.finished
        self.flush()
        entries = self._ordered(self._staging.reread(), order)
        digest = root_digest(self.schema.kind, self.schema.version, self.making.config, [e.digest for e in entries])
        header = new_header(self.schema.kind, self.making, digest, version=self.schema.version)
        temporary = self._staging.folder / "assembled.h5"
        try:
            with write_errors(self.path):
                assemble(temporary, self.schema, header, entries)
                flush_to_disk(temporary)
                os.replace(temporary, self.path)
                flush_to_disk(self.path.parent)
        finally:
            remove(temporary)
        self._staging.remove()
        self._staging.finished = header
        return header

    @abstractmethod
    def _row(self, item: Item) -> Row:
        """The row that an item is stored as."""

    def _ids_of_finished(self) -> frozenset[str]:
        from tdmm_core.artifacts.columns import ColumnStore

        columns = ColumnStore(self.path, self.schema)
        try:
            return frozenset(columns.texts("id"))
        finally:
            columns.close()

    def _ordered(self, entries: list[Entry], order: Sequence[str] | None) -> list[Entry]:
        if order is None:
            return sorted(entries, key=lambda e: e.key)
        place = {name: i for i, name in enumerate(order)}
        staged = {e.key[0] for e in entries}
        lacking = [name for name in order if name not in staged]
        surplus = sorted(staged - set(place))
        if lacking or surplus:
            what = f"lacks clip {lacking[0]!r}" if lacking else f"has clip {surplus[0]!r}, which was not asked for"
            raise InputError(f"{self._staging.folder}: {what}; run the command again with --no-resume")
        return sorted(entries, key=lambda e: (place[e.key[0]], e.key))

    def __enter__(self):
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Without a commit the blocks stay for the next run; a folder without a block goes."""
        if self.complete:
            return
        self.flush()
        if not self._staging.entries:
            self._staging.remove()
