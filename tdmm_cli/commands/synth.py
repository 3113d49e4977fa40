"""tdmm synth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def synth(
    output: Annotated[Path, typer.Option("-o", "--output", help="Corpus to write (.h5); its motion and videos come to lie beside it.")],
    num_clips: Annotated[int | None, typer.Option("--num-clips", min=1, help="Number of clips; the recipe's by default.")] = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="--no-video writes the true motion alone, for large training sets.")] = True,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    workers: o.Workers = 0,
    force: o.Force = False,
    resume: o.Resume = True,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Make a balanced corpus of scripted faces: sentences, scripts, video and the true motion.

    \b
    Example:
      tdmm synth -o corpus.h5 --num-clips 20
    """
    from tdmm_core.pipelines.synth import synth as pipeline

    chosen = o.load_settings(recipe, [*settings, *([f"synth.num_clips={num_clips}"] if num_clips else [])])
    run = o.make_run(recipe=chosen.name, seed=seed, workers=workers, force=force, resume=resume, quiet=quiet)
    summary = pipeline(output, run, config=chosen.synth, video=video)
    tell(summary, as_json=json, lines=[str(output)])
