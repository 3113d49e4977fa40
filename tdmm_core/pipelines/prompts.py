"""Sentences as a user gives them: on the command line or as the lines of a file. Knows no model."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from tdmm_core.errors import InputError

MAX_CHARACTERS = 4000


def read_prompts(path: Path) -> list[str]:
    """The lines of a text file, in order; empty lines are passed over. Raises InputError for a file that is no text or has none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError as e:
        raise InputError(f"--prompts {path}: no such file") from e
    except (OSError, UnicodeDecodeError) as e:
        raise InputError(f"--prompts {path}: expected a text file in UTF-8 with one sentence a line, got something else") from e
    prompts = [line for line in lines if line.strip()]
    if not prompts:
        raise InputError(f"--prompts {path}: expected one sentence a line, got an empty file")
    return prompts


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
