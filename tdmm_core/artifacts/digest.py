"""Digests (SHA-256): of a clip's columns, of a whole artifact, of a file.

A clip's digest is over what all clips share (fps, face model ...) and the little-endian bytes of its columns in the schema's order, each with its
name and length before it. The artifact's is over kind, version, resolved config and the sorted digests of its clips, so it depends neither on the
order of the clips nor on when, where and in how many pieces they were made.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tdmm_core.artifacts.rows import Row, column_bytes
from tdmm_core.artifacts.schema import Schema


def canonical_json(value: object) -> str:
    """JSON in one spelling: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def row_digest(schema: Schema, row: Row) -> str:
    """The digest of one clip, as lower-case hex."""
    total = hashlib.sha256()
    if row.num_frames:
        _add(total, "shared", canonical_json(row.shared).encode())
    for column in schema.clips:
        if column.in_digest and (row.num_frames or not isinstance(column.width, str)):
            _add(total, column.name, column_bytes(column, row.values[column.name]))
    for column in schema.frames:
        if column.name in row.frames:
            _add(total, "frames/" + column.name, column_bytes(column, row.frames[column.name]))
    return total.hexdigest()


def root_digest(kind: str, version: int, config: Mapping[str, object], digests: Iterable[str]) -> str:
    """The digest of an artifact whose clips have `digests`."""
    total = hashlib.sha256()
    _add(total, "kind", kind.encode())
    _add(total, "version", str(version).encode())
    _add(total, "config", canonical_json(config).encode())
    for digest in sorted(digests):
        total.update(bytes.fromhex(digest))
    return total.hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _add(total: hashlib._Hash, name: str, content: bytes) -> None:
    total.update(name.encode() + b"\0" + len(content).to_bytes(8, "little"))
    total.update(content)
