"""A report: named tables of figures, each beside its floor, and the settings that they were made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tdmm_core.errors import InputError

Cell = str | float | int


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        bad = next((r for r in self.rows if len(r) != len(self.columns)), None)
        if bad is not None:
            raise InputError(f"table: expected {len(self.columns)} cells in each row, got {len(bad)}")

    @staticmethod
    def of(records: Sequence[Mapping[str, Cell]]) -> Table:
        """A table of records that share their keys."""
        columns = tuple(records[0]) if records else ()
        return Table(columns=columns, rows=tuple(tuple(r[c] for c in columns) for r in records))

    def records(self) -> list[dict[str, Cell]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Tables by name (`metrics`, `per_clip`, ...) and settings (sampling, models, counts)."""

    tables: Mapping[str, Table]
    settings: Mapping[str, Cell] = field(default_factory=dict)
