"""Sentences as a user gives them: on the command line, as the lines of a file, or one after the other in a script file. Knows no model."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tdmm_core.errors import InputError

MAX_CHARACTERS = 4000
MAX_LINES = 200
"Most lines of one script; a minute has no room for more."
_KEYS = {"prompt": str, "seconds": (int, float), "seed": int}
_LINE = '{"prompt": "she smiles", "seconds": 2}'


@dataclass(frozen=True, kw_only=True)
class Line:
    """One sentence to perform."""

    prompt: str
    seconds: float | None = None
    "Exactly this long; None leaves it to the run, or to the model."
    seed: int | None = None
    "The motion's own; None takes it from the run."


def read_prompts(path: Path) -> list[Line]:
    """The lines of a file, see `lines_of`. Raises InputError for a file that is no text or has none."""
    return lines_of(_text(path, "--prompts"), f"--prompts {path}")


def lines_of(text: str, where: str) -> list[Line]:
    """One sentence a line, or one JSON object a line with `prompt` and, where wanted, `seconds` and `seed`; empty lines are passed over.

    Raises InputError, which `where` opens, for a text without lines and for an object that cannot be used.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{where}: expected one sentence a line, got an empty file")
    return [_object(json_of(line, where), where) if line.lstrip().startswith("{") else Line(prompt=line) for line in lines]


def read_script(path: Path) -> list[Line]:
    """The lines of a script file, one after the other in one motion: a JSON list of objects with `prompt` and `seconds`.

    Raises InputError for a file that is something else.
    """
    where = f"--script {path}"
    rows = json_of(_text(path, "--script"), where)
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{where}: expected a JSON list of sentences with their seconds, [{_LINE}, ...], got {_short(rows)}")
    if len(rows) > MAX_LINES:
        raise InputError(f"{where}: expected at most {MAX_LINES} sentences, got {len(rows)}")
    lines = [_object(row, where) for row in rows]
    for line in lines:
        if line.seconds is None or line.seed is not None:
            lacking = "without seconds" if line.seconds is None else "with a seed"
            raise InputError(f"{where}: expected {_LINE} of each sentence, got {line.prompt!r} {lacking}")
    return lines


def checked_line(line: Line) -> Line:
    """The line with a checked prompt. Raises InputError as `checked_prompt`."""
    return replace(line, prompt=checked_prompt(line.prompt))


def checked_prompt(prompt: str) -> str:
    """The prompt with single blanks. Raises InputError for an empty or endless one and for control characters."""
    flat = " ".join(prompt.split())
    if not flat:
        raise InputError('prompt: expected a sentence such as "a slow pout turning to surprise", got an empty one')
    strange = next((c for c in flat if unicodedata.category(c) in ("Cc", "Cs")), None)
    if strange is not None:
        raise InputError(f"prompt: expected plain text, got the control character U+{ord(strange):04X}; leave it out")
    if len(flat) > MAX_CHARACTERS:
        raise InputError(f"prompt: expected at most {MAX_CHARACTERS} characters, got {len(flat)}; say it in fewer words")
    return flat


def as_lines(prompts: Sequence[str | Line]) -> list[Line]:
    """Sentences as lines, all of them checked."""
    return [checked_line(p if isinstance(p, Line) else Line(prompt=p)) for p in prompts]


def json_of(text: str, where: str) -> object:
    """Parsed JSON. Raises InputError, which `where` opens."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as e:
        raise InputError(f"{where}: expected JSON, got {_short(text)} ({e})") from e


def _object(row: object, where: str) -> Line:
    if not isinstance(row, dict) or "prompt" not in row:
        raise InputError(f"{where}: expected an object such as {_LINE}, got {_short(row)}")
    unknown = sorted(set(row) - set(_KEYS))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; known are {', '.join(_KEYS)}")
    for name, kind in _KEYS.items():
        if name in row and (not isinstance(row[name], kind) or isinstance(row[name], bool)):
            raise InputError(f"{where}: expected {name} as in {_LINE}, got {_short(row[name])}")
    if not 0 <= row.get("seed", 0) < 2**63:
        raise InputError(f"{where}: expected a seed of 0 to {2**63 - 1}, got {row['seed']}")
    return Line(prompt=row["prompt"], seconds=row.get("seconds"), seed=row.get("seed"))


def _text(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as e:
        raise InputError(f"{option} {path}: no such file") from e
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"{option} {path}: expected a text file in UTF-8 with one sentence a line, got something else") from e


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
