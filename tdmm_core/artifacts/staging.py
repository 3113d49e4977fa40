"""Staging: the folder `NAME.partial/` in which finished blocks wait, and the manifest that says which run they belong to.

A run may be killed at any instant: what is in a block stays, and the same command goes on from there. Owns the rule of when an output or its blocks
may be taken up, replaced or must be refused. Knows no kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from tdmm_core.artifacts.atomic import atomic_path, make_folder, remove, write_errors
from tdmm_core.artifacts.blocks import SUFFIX, Entry, read_entries, write_block
from tdmm_core.artifacts.digest import canonical_json
from tdmm_core.artifacts.header import Header, Making, Parent, read_header, tool_name
from tdmm_core.artifacts.opening import check_exists
from tdmm_core.artifacts.rows import Row
from tdmm_core.artifacts.schema import Schema
from tdmm_core.errors import InputError

_MANIFEST = "manifest.json"


class Staging:
    """The blocks of one artifact that is being made."""

    def __init__(self, path: Path, schema: Schema, making: Making, *, force: bool, resume: bool) -> None:
        """Take up the blocks of the same run where `resume`, else begin anew.

        Raises InputError where `path` exists without `force`, or blocks of a run with other settings lie there.
        """
        self.path, self.schema, self.making = path, schema, making
        self.folder = path.with_name(path.name + ".partial")
        with write_errors(path):
            self.finished = self._finished(force=force, resume=resume)
        self.entries: dict[tuple[str, ...], Entry] = {}
        self._read: set[Path] = set()
        if self.finished is None:
            self._take_up(force=force, resume=resume)

    def add(self, rows: Iterable[Row]) -> None:
        """Write rows as a block."""
        rows = list(rows)
        if rows:
            with write_errors(self.path):
                entries = write_block(self.folder, self.schema, rows)
            self.entries.update({e.key: e for e in entries})
            self._read.add(entries[0].block)

    def reread(self) -> list[Entry]:
        """Every staged clip, those of other workers too. Raises InputError where two blocks tell different things of one clip."""
        for block in sorted(set(self.folder.glob("*" + SUFFIX)) - self._read):
            self._read.add(block)
            for entry in read_entries(block):
                known = self.entries.setdefault(entry.key, entry)
                if known.digest != entry.digest:
                    raise InputError(f"{self.folder}: clip {entry.key[0]!r} was made twice with different content; start anew with --no-resume")
        return list(self.entries.values())

    def remove(self) -> None:
        """Remove the folder with its blocks."""
        remove(self.folder)

    def _finished(self, *, force: bool, resume: bool) -> Header | None:
        """The header of a file that this very run has finished already (it was killed at its last step), else None."""
        if self.path.is_dir():
            raise InputError(f"{self.path}: expected a file name to write, got a folder")
        if not self.path.exists() or force:
            return None
        if resume:
            header = self._same_run()
            if header is not None:
                self._remove_leftover()
                return header
        raise InputError(f"{self.path}: exists already; use --force to replace it, or another name with -o")

    def _remove_leftover(self) -> None:
        """Remove the blocks of the run that finished; a folder without a manifest is what a removal left that was cut short."""
        manifest = self.folder / _MANIFEST
        if not manifest.exists() or self._is_ours(manifest):
            self.remove()

    def _same_run(self) -> Header | None:
        try:
            check_exists(self.path)
            header = read_header(self.path)
        except InputError:
            return None
        same = header.kind == self.schema.kind and header.version == self.schema.version and header.tool == tool_name()
        return header if same and header.making.same_as(self.making) else None

    def _take_up(self, *, force: bool, resume: bool) -> None:
        manifest = self.folder / _MANIFEST
        if not resume:
            self.remove()
        if manifest.exists() and not self._is_ours(manifest):
            if not force:
                raise InputError(
                    f"{self.folder}: holds clips of an interrupted run with other settings, seed or inputs; "
                    f"repeat that run's command to go on with it, or use --force to discard them"
                )
            self.remove()
        make_folder(self.folder)
        if not manifest.exists():
            with atomic_path(manifest) as temporary:
                temporary.write_text(self._manifest())
        self.reread()

    def _manifest(self) -> str:
        schema, making = self.schema, self.making
        parents = [asdict(p) for p in making.parents]
        return canonical_json({"kind": schema.kind, "version": schema.version, "config": making.config, "seed": making.seed, "parents": parents})

    def _is_ours(self, manifest: Path) -> bool:
        try:
            told = json.loads(manifest.read_text())
            making = Making(config=told["config"], seed=told["seed"], parents=tuple(Parent(**p) for p in told["parents"]))
            return (told["kind"], told["version"]) == (self.schema.kind, self.schema.version) and self.making.same_as(making)
        except (OSError, ValueError, KeyError, TypeError):
            return False


def staged_names(path: Path) -> set[str]:
    """Names of the clips that an interrupted run has staged for `path`, whatever its settings; nothing is changed."""
    return {entry.key[0] for block in path.with_name(path.name + ".partial").glob("*" + SUFFIX) for entry in read_entries(block)}
