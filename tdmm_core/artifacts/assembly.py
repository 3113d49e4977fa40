"""Assembly: staged clips become one HDF5 file, batch by batch, so that memory stays flat however large the artifact is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np

from tdmm_core.artifacts.agreement import Agreement
from tdmm_core.artifacts.blocks import Entry, read_rows
from tdmm_core.artifacts.header import Header, to_fields
from tdmm_core.artifacts.rows import Row
from tdmm_core.artifacts.schema import TEXT, Column, Schema
from tdmm_core.artifacts.sink import create_hdf5

_BATCH_FRAMES = 32768
_BATCH_CLIPS = 1024


def assemble(path: Path, schema: Schema, header: Header, entries: Sequence[Entry]) -> None:
    """Write the staged clips, in the order of `entries`, as an artifact at `path`."""
    agreement = agreement_of(schema, entries)
    num_clips, num_frames = len(entries), sum(e.num_frames for e in entries)
    present = frozenset().union(*(e.present for e in entries))
    frames = [c for c in schema.frames if not c.optional or c.name in present or c.name == "source_time_s"]
    with create_hdf5(path) as file:
        for column in schema.clips:
            _create(file, f"clips/{column.name}", column, num_clips, agreement.widths)
        for column in frames:
            _create(file, f"frames/{column.name}", column, num_frames, agreement.widths)
        _fill(file, schema, frames, entries)
        for name, value in (to_fields(header) | _storable(agreement.shared)).items():
            file.attrs[name] = value


def agreement_of(schema: Schema, entries: Iterable[Entry]) -> Agreement:
    """What the staged clips share. Raises InputError that names the first clip that differs, and in what."""
    agreement = Agreement(schema)
    for entry in entries:
        agreement.take(entry.key[0], entry.shared, entry.widths)
    return agreement


def _create(file: h5py.File, name: str, column: Column, rows: int, widths: dict[str, int]) -> None:
    shape: tuple[int, ...] = (rows,)
    if column.width is not None:
        shape = (rows, widths.get(column.name, 0) if isinstance(column.width, str) else column.width)
    dtype = h5py.string_dtype() if column.dtype == TEXT else np.dtype(column.dtype)
    dataset = file.create_dataset(name, shape=shape, dtype=dtype, fill_time="ifset" if column.dtype == TEXT else "never")
    row_axis = "clip" if name.startswith("clips/") else "frame"
    dataset.attrs["axes"] = f"{row_axis},{column.axis}" if column.axis else row_axis
    dataset.attrs["unit"] = column.unit


def _fill(file: h5py.File, schema: Schema, frames: Sequence[Column], entries: Sequence[Entry]) -> None:
    clip, frame = 0, 0
    for batch in _batches(entries):
        rows = list(_rows(batch))
        starts = frame + np.concatenate([[0], np.cumsum([r.num_frames for r in rows])])
        for column in schema.clips:
            file["clips"][column.name][clip : clip + len(rows)] = _clip_column(file, column, batch, rows, starts)
        for column in frames:
            if starts[-1] > frame:
                file["frames"][column.name][frame : starts[-1]] = _frame_column(file, column, rows)
        clip, frame = clip + len(rows), int(starts[-1])


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    frames = 0
    for entry in entries:
        if batch and (len(batch) == _BATCH_CLIPS or frames + entry.num_frames > _BATCH_FRAMES):
            yield batch
            batch, frames = [], 0
        batch.append(entry)
        frames += entry.num_frames
    if batch:
        yield batch


def _rows(batch: Sequence[Entry]) -> Iterator[Row]:
    held: dict[Path, list[Row]] = {}
    for entry in batch:
        if entry.block not in held:
            held[entry.block] = read_rows(entry.block)
        yield held[entry.block][entry.index]


def _clip_column(file: h5py.File, column: Column, batch: Sequence[Entry], rows: Sequence[Row], starts: np.ndarray) -> object:
    match column.name:
        case "digest":
            return [e.digest for e in batch]
        case "start":
            return starts[:-1]
    if column.dtype == TEXT:
        return [r.values[column.name] for r in rows]
    shape = file["clips"][column.name].shape[1:]
    values = [r.values[column.name] for r in rows]
    return np.stack([np.zeros(shape, column.dtype) if np.shape(v) != shape else v for v in values])


def _frame_column(file: h5py.File, column: Column, rows: Sequence[Row]) -> np.ndarray:
    shape = file["frames"][column.name].shape[1:]
    missing = [
        r.frames.get(column.name) if column.name in r.frames else np.full((r.num_frames, *shape), np.nan, column.dtype) for r in rows if r.num_frames
    ]
    return np.concatenate(missing)


def _storable(shared: dict[str, object]) -> dict[str, object]:
    """Lists of names as arrays of UTF-8 strings."""
    return {n: np.array(v, dtype=h5py.string_dtype()) if isinstance(v, list) else v for n, v in shared.items()}
