"""The `report` artifact: one group for each table of figures, and one for the settings they were made with.

A report is small and written whole, in one step; its digest is over its tables as JSON.
"""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np

from tdmm_core.artifacts.atomic import atomic_path, check_place
from tdmm_core.artifacts.digest import canonical_json, root_digest, text_digest
from tdmm_core.artifacts.header import Header, Making, check_kind, header_of, new_header, to_fields
from tdmm_core.artifacts.opening import damage, open_hdf5
from tdmm_core.artifacts.schema import REPORT
from tdmm_core.artifacts.sink import create_hdf5
from tdmm_core.domain.report import Cell, Report, Table
from tdmm_core.errors import InputError

_SETTINGS = "settings"


def write_report(path: Path | str, report: Report, making: Making, *, force: bool = False) -> Header:
    """Write a report. Raises InputError where the file exists without `force` or cannot be written."""
    path = check_place(path, force=force)
    if _SETTINGS in report.tables:
        raise InputError("report: a table may not be named 'settings'; that name holds the settings")
    header = new_header(REPORT.kind, making, report_digest(report, making), version=REPORT.version)
    with atomic_path(path) as temporary, create_hdf5(temporary) as file:
        for name, table in report.tables.items():
            _write_table(file.create_group(name), table)
        settings = file.create_group(_SETTINGS)
        for name, value in report.settings.items():
            settings.attrs[name] = value
        file.attrs["tables"] = np.array(list(report.tables), dtype=h5py.string_dtype())
        for name, value in to_fields(header).items():
            file.attrs[name] = value
    return header


def read_report(path: Path | str) -> Report:
    """Read a report. Raises InputError with what the file is instead, or what of it is damaged."""
    path = Path(path)
    with open_hdf5(path) as file:
        check_kind(header_of(file, path), path, REPORT.kind)
        with damage(path, "the list of tables"):
            names = [str(n) for n in file.attrs["tables"]]
        tables = {}
        for name in names:
            with damage(path, f"table {name}"):
                tables[name] = _read_table(file[name])
        with damage(path, "the settings"):
            settings = {name: _plain(value) for name, value in file[_SETTINGS].attrs.items()}
    return Report(tables=tables, settings=settings)


def report_digest(report: Report, making: Making) -> str:
    """The digest of a report's tables and settings."""
    parts = [canonical_json([name, [[column, _stored(table, i)] for i, column in enumerate(table.columns)]]) for name, table in report.tables.items()]
    parts.append(canonical_json([_SETTINGS, dict(report.settings)]))
    return root_digest(REPORT.kind, REPORT.version, making.config, [text_digest(p) for p in parts])


def _stored(table: Table, index: int) -> list[Cell]:
    """A column's cells in one type where they can be: numbers are whole only where all of them are."""
    cells = [c.item() if isinstance(c, np.generic) else c for c in (row[index] for row in table.rows)]
    if any(isinstance(c, str) for c in cells) or all(isinstance(c, int) for c in cells):
        return cells
    return [float(c) for c in cells]


def _write_table(group: h5py.Group, table: Table) -> None:
    """One dataset for each column, numbers as int64 or float64; a column of texts and numbers mixed holds JSON."""
    group.attrs["columns"] = np.array(table.columns, dtype=h5py.string_dtype())
    for i, _ in enumerate(table.columns):
        cells = _stored(table, i)
        if any(isinstance(c, str) for c in cells):
            mixed = not all(isinstance(c, str) for c in cells)
            dataset = group.create_dataset(str(i), data=[json.dumps(c) if mixed else c for c in cells], dtype=h5py.string_dtype())
            dataset.attrs["json"] = mixed
        else:
            dataset = group.create_dataset(str(i), data=np.array(cells, dtype="<f8" if any(isinstance(c, float) for c in cells) else "<i8"))
        dataset.attrs["axes"] = "row"
        dataset.attrs["unit"] = "1"


def _read_table(group: h5py.Group) -> Table:
    columns = tuple(str(c) for c in group.attrs["columns"])
    cells = [_cells(group[str(i)]) for i in range(len(columns))]
    return Table(columns=columns, rows=tuple(zip(*cells, strict=True)))


def _cells(dataset: h5py.Dataset) -> list[Cell]:
    if h5py.check_string_dtype(dataset.dtype) is None:
        return dataset[()].tolist()
    texts = dataset.asstr()[()].tolist()
    return [json.loads(t) for t in texts] if dataset.attrs["json"] else texts


def _plain(value: object) -> Cell:
    return value.item() if isinstance(value, np.generic) else value  # type: ignore[return-value]
