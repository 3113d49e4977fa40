"""A row: one clip as the columns of its kind, on its way between a domain object and a file.

Owns how a value becomes little-endian bytes. Knows no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tdmm_core.artifacts.schema import TEXT, Column, Schema
from tdmm_core.errors import InputError

Value = str | int | float | np.ndarray


@dataclass(frozen=True, kw_only=True)
class Row:
    """One clip's values and frames by column name, and what it shares with the other clips of its artifact."""

    values: Mapping[str, Value]
    frames: Mapping[str, np.ndarray] = field(default_factory=dict)
    "(T, ...) arrays; an optional column may be absent."
    shared: Mapping[str, object] | None = None
    "None where the clip has no frames."

    @property
    def num_frames(self) -> int:
        return len(next(iter(self.frames.values()))) if self.frames else 0

    def key(self, schema: Schema) -> tuple[str, ...]:
        """What names the row in its artifact."""
        return tuple(str(self.values[name]) for name in schema.keys)


def column_bytes(column: Column, value: Value) -> bytes:
    """The bytes of a value: UTF-8 or little-endian numbers."""
    return str(value).encode() if column.dtype == TEXT else np.ascontiguousarray(value, dtype=column.dtype).tobytes()


def checked(schema: Schema, row: Row) -> Row:
    """The row with every number in its column's type. Raises InputError for text that cannot be stored."""
    values: dict[str, Value] = {}
    for column in schema.clips:
        if column.name in ("start", "digest"):
            continue
        value = row.values[column.name]
        values[column.name] = _text(column, row, str(value)) if column.dtype == TEXT else np.asarray(value, dtype=column.dtype)
    frames = {c.name: np.asarray(row.frames[c.name], dtype=c.dtype) for c in schema.frames if c.name in row.frames}
    return Row(values=values, frames=frames, shared=row.shared)


def _text(column: Column, row: Row, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise InputError(f"clip {row.values['id']!r}: its {column.name} holds characters that UTF-8 cannot carry ({e.reason})") from e
    if "\0" in text:
        raise InputError(f"clip {row.values['id']!r}: its {column.name} holds a NUL character, which a text column cannot carry")
    return text
