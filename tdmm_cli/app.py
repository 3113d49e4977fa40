"""The application: its subcommands and its version. Nothing heavy is imported before a command runs."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from tdmm_cli.commands import animate, describe, evaluate, fit, info, synth, tokenize, train_l2m, train_m2l
from tdmm_cli.failures import guard
from tdmm_cli.grouped import GroupedCommand

app = typer.Typer(
    name="tdmm",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

COMMANDS = {
    "synth": synth.synth,
    "fit": fit.fit,
    "tokenize": tokenize.tokenize,
    "train-l2m": train_l2m.train_l2m,
    "train-m2l": train_m2l.train_m2l,
    "animate": animate.animate,
    "describe": describe.describe,
    "eval": evaluate.evaluate,
    "info": info.info,
}
for name, command in COMMANDS.items():
    app.command(name, cls=GroupedCommand)(guard(command))


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tdmm {version('tdmm')}")
        raise typer.Exit


@app.callback()
def root(
    show: Annotated[bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)] = False,
    local_rank: Annotated[int, typer.Option("--local_rank", hidden=True, help="Given by the deepspeed launcher, which sets LOCAL_RANK too.")] = 0,
) -> None:
    """Words into facial motion, and facial motion into words.

    \b
    Start here:
      tdmm animate "a slow pout turning to surprise" -o out.npz
      tdmm animate out.npz -o out.mp4
      tdmm describe out.npz
    """


def main() -> None:
    """Entry point of the `tdmm` command."""
    app(prog_name="tdmm")
