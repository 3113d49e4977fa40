"""Manual pages from the application's own rendered help; a test keeps the two in step.

python -m tdmm_cli.manpages man
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from typer.testing import CliRunner

from tdmm_cli.app import COMMANDS, app

ENDING = """.SH EXIT STATUS
0 done, 1 failed, 2 bad input or usage, 3 a model, library or licensed file is missing, 4 some clips failed, 130 interrupted.
.SH ENVIRONMENT
.TP
TDMM_CACHE
Folder of fetched model files; ~/.cache/tdmm by default.
.TP
TDMM_DEBUG
Set to 1 to see the traceback of a failure.
.SH SEE ALSO
{see_also}
"""


def rendered_help(*command: str) -> str:
    """The text that `tdmm COMMAND --help` prints at a width of 100."""
    result = CliRunner().invoke(app, [*command, "--help"], prog_name="tdmm", terminal_width=100, env={"COLUMNS": "100", "LINES": "50"})
    assert result.exit_code == 0, result.output
    return result.output


def page(*command: str) -> str:
    """The roff source of one page."""
    name = "-".join(("tdmm", *command))
    usage, _, rest = rendered_help(*command).strip().partition("\n")
    prose, options = _split_options(rest)
    first = prose.split(".")[0].strip().replace("\n", " ")
    others = [n for n in ("tdmm", *(f"tdmm-{c}" for c in COMMANDS)) if n != name]
    see_also = ",\n".join(f".BR {n} (1)".replace(" (1)", " (1)") for n in others) + ",\n.BR tdmm-formats (5)"
    lines = [
        f'.TH {name.upper()} 1 "" "tdmm" "tdmm manual"',
        ".SH NAME",
        f"{name} \\- {_roff(first)}",
        ".SH SYNOPSIS",
        _roff(re.sub(r"^\s*Usage:\s*", "", usage)),
        ".SH DESCRIPTION",
        ".nf",
        _roff(prose),
        ".fi",
    ]
    for title, body in options:
        lines += [f".SH {title.upper()}", ".nf", _roff(body), ".fi"]
    return "\n".join(lines) + "\n" + ENDING.format(see_also=see_also.replace(",\n.BR", " ,\n.BR"))


def _split_options(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Prose before the first of the blocks (`Arguments:`, `Options:` ...; they alone have their title at the margin), and the blocks."""
    parts = re.split(r"^(\w[\w ,-]*):\n", text, flags=re.MULTILINE)
    prose = "\n".join(line[2:] if line.startswith("  ") else line for line in parts[0].strip("\n").split("\n"))
    return prose.strip("\n"), list(zip(parts[1::2], (p.rstrip("\n") for p in parts[2::2]), strict=True))


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in escaped.split("\n"))


def pages() -> dict[str, str]:
    """File name to content of every generated page."""
    from tdmm_cli.formats_page import formats_page

    return {"tdmm.1": page(), **{f"tdmm-{c}.1": page(c) for c in COMMANDS}, "tdmm-formats.5": formats_page()}


def main(folder: str) -> None:
    """Write every page into `folder`."""
    for name, text in pages().items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "man")
