"""The checked-in manual pages are the application's own help of today."""

from pathlib import Path

import pytest

from tdmm_cli.app import COMMANDS
from tdmm_cli.manpages import pages, rendered_help

MAN = Path(__file__).resolve().parents[2] / "man"


@pytest.fixture(scope="module")
def current() -> dict[str, str]:
    return pages()


def test_pages_are_in_step_with_the_application(current: dict[str, str]) -> None:
    stale = [name for name, text in current.items() if not (MAN / name).exists() or (MAN / name).read_text() != text]
    assert stale == [], "run `make man`"
    assert {p.name for p in MAN.iterdir()} == set(current)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_shows_an_example_that_names_it(command: str) -> None:
    text = rendered_help(command)
    assert "Example" in text and f"tdmm {command} " in text
