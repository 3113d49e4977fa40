"""A table of labels: a CSV file with one line for each video."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from tdmm_core.domain.clip import Split
from tdmm_core.errors import InputError
from tdmm_core.synthesis.footage import Told
from tdmm_core.synthesis.labelling import intensity_from, label_from

_FILE = ("file", "video", "path", "filename", "name")
_SENTENCES = ("caption", "prompt", "sentence", "text", "description")
_OWN = ("label", "intensity", "subject", "gender", "split", "licence", "paraphrases", "talking")
_GENDERS = {"f": "female", "female": "female", "w": "female", "woman": "female", "m": "male", "male": "male", "man": "male", "": ""}


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """What a CSV file says, by file name."""

    path: Path
    rows: Mapping[str, Told]
    passed_over: tuple[str, ...]
    "Columns that mean nothing here."

    def teller(self, otherwise: Callable[[Path], Told]) -> Callable[[Path], Told]:
        """Tells by the path below the folder, by file name or by its stem; `otherwise` tells of videos that the table does not name."""

        def tell(path: Path) -> Told:
            found = next((self.rows[k] for k in _names(path) if k in self.rows), None)
            return otherwise(path) if found is None else found

        return tell

    def absent(self, paths: Sequence[Path]) -> list[str]:
        """Names of the table that none of the videos has; `paths` are below the folder."""
        there = {name for path in paths for name in _names(path)}
        return [name for name in self.rows if name not in there]


def _names(path: Path) -> tuple[str, ...]:
    """By what a table may name a video."""
    return path.as_posix(), path.with_suffix("").as_posix(), path.name, path.stem


def read_labels(path: Path) -> LabelTable:
    """Read a table whose header has `file` and any of label, caption, paraphrases (| between), intensity, subject, gender, split, licence, talking.

    Raises InputError that names the line and column of what cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, dialect=_dialect(file.readline()))
            file.seek(0)
            names = [(n or "").strip().lower() for n in reader.fieldnames or []]
            table = [dict(zip(names, [(v or "").strip() for v in row.values() if not isinstance(v, list)], strict=False)) for row in reader]
    except FileNotFoundError as e:
        raise InputError(f"--labels {path}: no such file") from e
    except (OSError, UnicodeDecodeError, csv.Error) as e:
        raise InputError(f"--labels {path}: expected a CSV file in UTF-8, got something else ({e})") from e
    key = next((n for n in _FILE if n in names), None)
    if key is None or not set(names) & {"label", *_SENTENCES}:
        raise InputError(f"--labels {path}: expected a header with file and label or caption, got {', '.join(names) or 'nothing'}")
    rows: dict[str, Told] = {}
    for line, row in enumerate(table, start=2):
        if row[key] in rows:
            raise InputError(f"--labels {path}: line {line} names {row[key]!r} a second time")
        rows[row[key]] = _told(row, f"--labels {path}: line {line}")
    return LabelTable(path=path, rows=rows, passed_over=tuple(n for n in names if n not in (*_FILE, *_SENTENCES, *_OWN)))


def _told(row: Mapping[str, str], where: str) -> Told:
    intensity, gender, split = row.get("intensity", ""), row.get("gender", "").lower(), row.get("split", "").lower() or None
    if intensity and intensity_from(intensity) is None:
        raise InputError(f"{where}: expected an intensity such as 0.7, 70% or strong, got {intensity!r}")
    if gender not in _GENDERS:
        raise InputError(f"{where}: expected gender female or male, got {gender!r}")
    if split is not None and split not in get_args(Split):
        raise InputError(f"{where}: expected split train, validation or test, got {split!r}")
    captions = [row.get(n, "") for n in _SENTENCES] + row.get("paraphrases", "").split("|")
    label = row.get("label", "")
    return Told(
        label=label_from(label) or label,
        intensity=intensity_from(intensity) if intensity else None,
        talking=row.get("talking", "").lower() in ("1", "true", "yes"),
        sentences=tuple(dict.fromkeys(s.strip() for s in captions if s.strip())),
        subject_id=row.get("subject", ""),
        gender=_GENDERS[gender],
        split=split,  # type: ignore[arg-type]
        licence=row.get("licence", ""),
    )


def _dialect(first_line: str) -> type[csv.Dialect]:
    separator = max(",;\t", key=first_line.count)

    class Dialect(csv.excel):
        delimiter = separator

    return Dialect
