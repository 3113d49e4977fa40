"""The column store, read: one dataset for each term over all clips or all frames, opened when it is asked for.

Frame columns are mapped into memory, so that a clip in the middle of millions of frames is as near as the first. Knows no domain object.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from tdmm_core.artifacts.convert import converted
from tdmm_core.artifacts.header import Header, check_kind, header_of
from tdmm_core.artifacts.opening import check_exists, damage, open_file
from tdmm_core.artifacts.rows import Row, Value
from tdmm_core.artifacts.schema import TEXT, Column, Schema
from tdmm_core.errors import InputError


class ColumnStore:
    """An open artifact as columns."""

    def __init__(self, path: Path | str, schema: Schema) -> None:
        """Open and check format, kind and version. Raises InputError with what the file is instead."""
        self.path, self.schema = Path(path), schema
        check_exists(self.path)
        self._num_bytes = self.path.stat().st_size
        self._file = open_file(self.path)
        try:
            self.header: Header = header_of(self._file, self.path)
            check_kind(self.header, self.path, schema.kind)
            self._renamed = converted(schema, self.header.version)
            self.num_clips = len(self._dataset("clips/id"))
        except InputError:
            self._file.close()
            raise
        self._shared: dict[str, object] = {}
        self._texts: dict[str, np.ndarray] = {}
        self._numbers: dict[str, np.ndarray] = {}
        self._frames: dict[str, np.ndarray | h5py.Dataset | None] = {}

    def close(self) -> None:
        """Close the file; columns that were mapped stay readable as long as someone holds them."""
        self._frames.clear()
        self._file.close()

    def shared(self, name: str) -> object:
        """A root attribute that holds for all clips; lists of names as tuples."""
        if name not in self._shared:
            self._shared[name] = self._attribute(name)
        return self._shared[name]

    def _attribute(self, name: str) -> object:
        with damage(self.path, f"root attribute {name}"):
            value = self._file.attrs[name]
            names = tuple(str(v) for v in value) if isinstance(value, np.ndarray) else (value,) if isinstance(value, str) else ()
            for text in names:
                text.encode()
        if isinstance(value, np.ndarray):
            return names
        return value.item() if isinstance(value, np.generic) else value

    def text(self, name: str, index: int) -> str:
        """One text; the first question reads the column."""
        if name not in self._texts:
            with damage(self.path, f"dataset clips/{name}"):
                self._texts[name] = self._clip_column(name).asstr()[()]
        return self._texts[name][index]

    def texts(self, name: str) -> np.ndarray:
        """(C,) strings."""
        self.text(name, slice(0))  # type: ignore[arg-type]
        return self._texts[name]

    def numbers(self, name: str) -> np.ndarray:
        """(C,) or (C, width) numbers of the clips."""
        if name not in self._numbers:
            with damage(self.path, f"dataset clips/{name}"):
                self._numbers[name] = self._clip_column(name)[()]
        return self._numbers[name]

    def frames(self, name: str, index: int) -> np.ndarray | None:
        """(T, ...) frames of one clip, read-only; None where the clip lacks the term."""
        column = self._mapped(name)
        if column is None:
            return None
        start, length = self._spans[index]
        with damage(self.path, f"dataset frames/{name}"):
            found = column[start : start + length]
        if len(found) != length:
            raise InputError(f"{self.path}: damaged: clip {self.text('id', index)!r} reaches beyond the end of dataset frames/{name}")
        if self._column(name).optional and np.isnan(found).all():
            return None
        return found

    def all_frames(self, name: str) -> np.ndarray:
        """(N, ...) frames of all clips, one after the other."""
        column = self._mapped(name)
        if column is None:
            raise InputError(f"{self.path}: has no dataset frames/{name}")
        with damage(self.path, f"dataset frames/{name}"):
            return column[:]

    def row(self, index: int) -> Row:
        """Everything of one clip, as it was given to the writer."""
        values: dict[str, Value] = {}
        for column in self.schema.clips:
            if column.name not in ("start", "digest"):
                values[column.name] = self.text(column.name, index) if column.dtype == TEXT else self.numbers(column.name)[index]
        frames: dict[str, np.ndarray] = {}
        if self.schema.frames and self._spans[index][1]:
            found = {c.name: self.frames(c.name, index) for c in self.schema.frames}
            frames = {n: v for n, v in found.items() if v is not None}
        shared = {n: list(v) if isinstance(v, tuple) else v for n in self.schema.shared for v in [self.shared(n)]} if frames else None
        return Row(values=values, frames=frames, shared=shared)

    @cached_property
    def _spans(self) -> np.ndarray:
        spans = np.stack([self.numbers("start"), self.numbers("length")], axis=1)
        if len(spans) and spans.min() < 0:
            raise InputError(f"{self.path}: damaged: dataset clips/start or clips/length holds a negative number")
        return spans

    def _column(self, name: str) -> Column:
        return next(c for c in self.schema.frames if c.name == name)

    def _clip_column(self, name: str) -> h5py.Dataset:
        dataset = self._dataset(f"clips/{name}")
        column = next(c for c in self.schema.clips if c.name == name)
        fits = column.dtype == TEXT or dataset.dtype == np.dtype(column.dtype)
        if not fits or len(dataset) != self.num_clips or dataset.ndim != (1 if column.width is None else 2):
            raise TypeError(f"expected {self.num_clips} values of type {column.dtype}, got shape {dataset.shape} of type {dataset.dtype}")
        return dataset

    def _dataset(self, name: str) -> h5py.Dataset:
        with damage(self.path, f"dataset {name}"):
            found = self._file[self._renamed.get(name, name)]
            if not isinstance(found, h5py.Dataset) or not found.shape:
                raise TypeError(f"expected a dataset with rows, got {type(found).__name__}")
            if found.size > self._num_bytes:
                raise ValueError(f"it claims {found.size} values, more than the file has bytes")
            return found

    def _mapped(self, name: str) -> np.ndarray | h5py.Dataset | None:
        if name not in self._frames:
            self._frames[name] = self._map(self._column(name))
        return self._frames[name]

    def _map(self, column: Column) -> np.ndarray | h5py.Dataset | None:
        name = f"frames/{column.name}"
        with damage(self.path, f"dataset {name}"):
            if column.optional and name not in self._file:
                return None
        dataset = self._dataset(name)
        offset = dataset.id.get_offset()
        if offset is None or dataset.size == 0 or dataset.dtype != np.dtype(column.dtype):
            return dataset
        with damage(self.path, f"dataset {name}"):
            return np.asarray(np.memmap(self.path, dtype=dataset.dtype, mode="r", offset=offset, shape=dataset.shape))


class ArtifactFile:
    """What the open artifacts of all kinds have in common: they count, index and walk their clips, and close."""

    schema: Schema

    def __init__(self, path: Path | str) -> None:
        self.columns = ColumnStore(path, self.schema)
        self.path = self.columns.path
        self.header = self.columns.header

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the clips, in the order of the file."""
        return tuple(self.columns.texts("id"))

    def index_of(self, id: str) -> int:
        """Place of a clip. Raises InputError for a name that the artifact does not have."""
        try:
            return self._places[id]
        except KeyError:
            raise InputError(f"{self.path}: has no clip {id!r}; its first is {next(iter(self._places), 'none')!r}") from None

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.ids)}

    def _index(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"clip {index} of {len(self)}")
        return index % len(self)

    def __len__(self) -> int:
        return self.columns.num_clips

    def close(self) -> None:
        self.columns.close()

    def __enter__(self):
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __reduce__(self) -> tuple[type, tuple[Path]]:
        """A worker process opens the file anew."""
        return type(self), (self.path,)
