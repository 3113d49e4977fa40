"""Proving an artifact: every digest is computed anew from the bytes and compared with the one that was written."""

from __future__ import annotations

from pathlib import Path

from tdmm_core.artifacts.columns import ColumnStore
from tdmm_core.artifacts.digest import root_digest, row_digest
from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.model_folder import model_problems
from tdmm_core.artifacts.report import read_report, report_digest
from tdmm_core.artifacts.schema import REPORT, SCHEMAS
from tdmm_core.errors import InputError


def verify(path: Path | str) -> list[str]:
    """One sentence for each problem, naming the clip or the file; empty where all is as it was written.

    Raises InputError where the path is no artifact at all.
    """
    path = Path(path)
    if path.is_dir():
        return model_problems(path)
    header = read_header(path)
    if header.kind not in SCHEMAS:
        raise InputError(f"{path}: unknown kind {header.kind!r}, written by {header.tool}; upgrade tdmm to read it")
    try:
        if header.kind == REPORT.kind:
            return _differs(path, report_digest(read_report(path), header.making), header.digest)
        return _clips(path, header.kind)
    except InputError as e:
        return [str(e)]


def _clips(path: Path, kind: str) -> list[str]:
    columns = ColumnStore(path, SCHEMAS[kind])
    try:
        written, names = columns.texts("digest"), columns.texts("id")
        problems = []
        for i in range(columns.num_clips):
            try:
                found = row_digest(columns.schema, columns.row(i))
                if found != written[i]:
                    problems.append(f"{path}: clip {names[i]!r} is damaged: its digest is {found[:12]}, written was {written[i][:12]}")
            except InputError as e:
                problems.append(str(e))
        try:
            root = root_digest(kind, columns.header.version, columns.header.config, written)
        except ValueError:
            root = "unreadable"
        return problems + _differs(path, root, columns.header.digest)
    finally:
        columns.close()


def _differs(path: Path, found: str, written: str) -> list[str]:
    if found == written:
        return []
    return [f"{path}: the whole is damaged: its digest is {found[:12]}, written was {written[:12]}"]
