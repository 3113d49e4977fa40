"""What a person sees: progress on stderr and only on a terminal, results on stdout."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import typer

from tdmm_core.runtime.process import is_main
from tdmm_core.runtime.progress import SILENT, Progress


class TerminalProgress:
    """One bar with rate and time left, drawn by rich on stderr."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._bar = RichProgress(*columns, console=Console(stderr=True), transient=True)
        self._task: Any = None
        self._unit = ""

    def start(self, task: str, total: int | None, unit: str) -> None:
        self.finish()
        self._unit = unit
        self._bar.start()
        self._task = self._bar.add_task(task, total=total, rate="", note="")

    def advance(self, count: int = 1, note: str = "") -> None:
        if self._task is None:
            return
        speed = self._bar.tasks[0].speed
        rate = f"{speed:.1f} {self._unit}/s" if speed else ""
        self._bar.update(self._task, advance=count, rate=rate, **({"note": note} if note else {}))

    def finish(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._bar.stop()
            self._task = None

    def log(self, line: str) -> None:
        if self._task is None:
            typer.echo(line, err=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False)


class PlainProgress:
    """Only the lines that matter, for logs."""

    def start(self, task: str, total: int | None, unit: str) -> None: ...
    def advance(self, count: int = 1, note: str = "") -> None: ...
    def finish(self) -> None: ...

    def log(self, line: str) -> None:
        typer.echo(line, err=True)


def make_progress(quiet: bool) -> Progress:
    """Nothing when quiet or on a helper process, a bar on a terminal, plain lines otherwise."""
    if quiet or not is_main():
        return SILENT
    return TerminalProgress() if sys.stderr.isatty() else PlainProgress()


def tell(summary: object, *, as_json: bool, lines: list[str]) -> None:
    """Print a result on stdout: `lines` for people, or the summary as one JSON object; once, whatever the number of processes."""
    if not is_main():
        return
    if as_json:
        data = asdict(summary) if is_dataclass(summary) and not isinstance(summary, type) else summary
        typer.echo(json.dumps(data, default=_plain, ensure_ascii=False))
    else:
        for line in lines:
            typer.echo(line)


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (set, tuple)):
        return list(value)
    raise TypeError(f"cannot write {type(value).__name__} as JSON")
