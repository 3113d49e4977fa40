"""tdmm eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def evaluate(
    motion: Annotated[Path, typer.Argument(metavar="MOTION", help="The true motion (.h5) of clips with sentences.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.h5", help="Also keep the figures in a report artifact.")] = None,
    against: Annotated[Path | None, typer.Option("--against", metavar="FITTED.h5", help="Measure this motion of the same clips instead.")] = None,
    task: Annotated[list[str], typer.Option("--task", metavar="TASK", help="tokenizer, l2m or m2l; repeatable, all by default.")] = [],
    tokenizer: o.TokenizerFolder = None,
    l2m: Annotated[Path | None, typer.Option("--l2m", metavar="FOLDER", help="Made by tdmm train-l2m; the embedded one by default.")] = None,
    m2l: Annotated[Path | None, typer.Option("--m2l", metavar="FOLDER", help="Made by tdmm train-m2l; the embedded one by default.")] = None,
    fitted: Annotated[
        Path | None, typer.Option("--fitted", metavar="FITTED.h5", help="With task m2l: describe this motion of the same clips too.")
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", metavar="openai:MODEL", help="With task m2l: a chat model that marks too; its replies go into -o.")
    ] = None,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    device: o.Device = "auto",
    force: o.Force = False,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Score the models, or a fit, each figure beside its floor.

    The motion tokenizer and both language directions are scored on held-out clips.

    \b
    Examples:
      tdmm eval corpus.motion.h5
      tdmm eval corpus.motion.h5 --against fitted.h5
    """
    from tdmm_core.pipelines import evaluate as pipeline

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, force=force, quiet=quiet)
    given = {"against": against, "tokenizer": tokenizer, "l2m": l2m, "m2l": m2l, "fitted": fitted, "judge": judge}
    candidates = pipeline.Candidates(tasks=pipeline.checked_tasks(task), **given)
    summary = pipeline.evaluate(motion, output, run, config=chosen.eval, candidates=candidates, sampling=chosen.animate)
    tell(summary, as_json=json, lines=summary.lines())
