"""Blocks: small files that hold finished clips until the artifact is assembled.

A block is a JSON index (values, and where each array lies), the arrays' bytes, and a SHA-256 over both. It is renamed into place after it reached the
disk, so that a block under its own name is whole. Knows rows and columns, no kind.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.atomic import flush_to_disk
from tdmm_core.artifacts.digest import canonical_json, row_digest
from tdmm_core.artifacts.rows import Row
from tdmm_core.artifacts.schema import Schema
from tdmm_core.errors import TdmmError

SUFFIX = ".block"
_MAGIC = b"tdmmblk1"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What assembly must know of a staged clip before it reads it."""

    key: tuple[str, ...]
    digest: str
    block: Path
    index: int
    num_frames: int
    widths: dict[str, int]
    "Widths of the columns whose width is a letter, by column name."
    present: frozenset[str]
    "Names of its frame columns."
    shared: str
    "What it shares with the other clips, as JSON: one object in memory for all that agree. Empty where it has no frames."


def write_block(folder: Path, schema: Schema, rows: Sequence[Row]) -> list[Entry]:
    """Write rows as one block, flushed and renamed; its name follows from the clips in it."""
    index, payload = _encode(schema, rows)
    head = canonical_json(index).encode()
    body = _MAGIC + len(head).to_bytes(8, "little") + head + payload
    name = hashlib.sha256("\x1e".join("\x1f".join(r.key(schema)) for r in rows).encode()).hexdigest()[:24] + SUFFIX
    temporary = folder / f"{name}.{os.getpid()}.tmp"
    with temporary.open("wb") as file:
        file.write(body + hashlib.sha256(body).digest())
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, folder / name)
    flush_to_disk(folder)
    return list(_entries(folder / name, index))


def read_entries(block: Path) -> list[Entry]:
    """The index of a block, without its arrays."""
    with block.open("rb") as file:
        start = file.read(16)
        head = file.read(int.from_bytes(start[8:16], "little")) if start[:8] == _MAGIC else b""
    try:
        return list(_entries(block, json.loads(head)))
    except (ValueError, KeyError, TypeError) as e:
        raise _damaged(block) from e


def read_rows(block: Path) -> list[Row]:
    """All rows of a block, its checksum proved."""
    content = block.read_bytes()
    body = content[:-32]
    if body[:8] != _MAGIC or hashlib.sha256(body).digest() != content[-32:]:
        raise _damaged(block)
    size = int.from_bytes(body[8:16], "little")
    index, base = json.loads(body[16 : 16 + size]), 16 + size
    return [_decode(entry, body, base) for entry in index["rows"]]


def _encode(schema: Schema, rows: Sequence[Row]) -> tuple[dict[str, object], bytes]:
    entries, parts, offset = [], [], 0
    for row in rows:
        arrays: dict[str, list[object]] = {}
        for place, columns in (("values", row.values), ("frames", row.frames)):
            for name, value in columns.items():
                if isinstance(value, np.ndarray):
                    content = value.tobytes()
                    arrays[f"{place}/{name}"] = [value.dtype.str, list(value.shape), offset]
                    parts.append(content)
                    offset += len(content)
        texts = {n: v for n, v in row.values.items() if not isinstance(v, np.ndarray)}
        entries.append({
            "key": row.key(schema), "digest": row_digest(schema, row), "texts": texts, "arrays": arrays, "num_frames": row.num_frames,
            "widths": open_widths(schema, row), "shared": shared_json(row),
        })  # fmt: skip
    return {"rows": entries}, b"".join(parts)


def shared_json(row: Row) -> str:
    """What a row shares with others, as JSON; empty where it has no frames."""
    return canonical_json(row.shared) if row.shared is not None else ""


def open_widths(schema: Schema, row: Row) -> dict[str, int]:
    """Widths of the columns that the schema leaves open, for a row that has frames."""
    if not row.num_frames:
        return {}
    found = {c.name: len(np.atleast_1d(row.values[c.name])) for c in schema.clips if isinstance(c.width, str)}
    return found | {c.name: row.frames[c.name].shape[1] for c in schema.frames if isinstance(c.width, str)}


def _entries(block: Path, index: dict[str, object]) -> Iterator[Entry]:
    for i, entry in enumerate(index["rows"]):  # type: ignore[arg-type, var-annotated]
        yield Entry(
            key=tuple(entry["key"]),
            digest=entry["digest"],
            block=block,
            index=i,
            num_frames=entry["num_frames"],
            widths=entry["widths"],
            present=frozenset(n.removeprefix("frames/") for n in entry["arrays"] if n.startswith("frames/")),
            shared=sys.intern(entry["shared"]),
        )


def _decode(entry: dict, body: bytes, base: int) -> Row:
    places: dict[str, dict] = {"values": dict(entry["texts"]), "frames": {}}
    for name, (dtype, shape, offset) in entry["arrays"].items():
        place, column = name.split("/")
        count = int(np.prod(shape, dtype=np.int64))
        places[place][column] = np.frombuffer(body, dtype, count, base + offset).reshape(shape)
    return Row(values=places["values"], frames=places["frames"], shared=json.loads(entry["shared"]) if entry["shared"] else None)


def _damaged(block: Path) -> TdmmError:
    return TdmmError(f"{block}: this block of an interrupted run is damaged; remove it and run the same command again, which makes its clips anew")
