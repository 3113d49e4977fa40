"""tdmm describe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def describe(
    motion: Annotated[str, typer.Argument(metavar="MOTION", help="A motion (.npz, .h5 or a Live Link .csv), or - for stdin.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.h5", help="Also keep the answers in a text artifact.")] = None,
    question: Annotated[str | None, typer.Option("-q", "--question", metavar="SENTENCE", help="Ask this instead of for a description.")] = None,
    model: Annotated[Path | None, typer.Option("--model", metavar="FOLDER", help="Made by tdmm train-m2l; the embedded one by default.")] = None,
    tokenizer: o.TokenizerFolder = None,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    device: o.Device = "auto",
    force: o.Force = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Say what a face does, from its motion alone.

    \b
    Examples:
      tdmm describe out.npz
      tdmm animate "a wide grin" -o - | tdmm describe -
    """
    from tdmm_core.pipelines import describe as pipeline

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, force=force, quiet=quiet)
    summary = pipeline.describe_to(output, o.output_path(motion), run, config=chosen.describe, question=question, folders=(model, tokenizer))
    many = len(summary.answers) > 1
    tell(summary, as_json=json, lines=[f"{a.id}\t{a.answer}" if many else a.answer for a in summary.answers])
