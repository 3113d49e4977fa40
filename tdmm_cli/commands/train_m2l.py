"""tdmm train-m2l."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def train_m2l(
    tokens: Annotated[list[Path], typer.Argument(metavar="TOKENS...", help="Tokens (.h5), made by `tdmm tokenize`; one file or several.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Model folder to write.")],
    tokenizer: o.TokenizerFolder = None,
    text_model: o.TextModel = None,
    deepspeed: o.DeepSpeedConfig = None,
    all_clips: o.AllClips = False,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    device: o.Device = "auto",
    force: o.Force = False,
    resume: o.Resume = True,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a model that describes motion (motion to language).

    One process by default; the same command runs on many under deepspeed, torchrun or srun.

    \b
    Examples:
      tdmm train-m2l tokens.h5 -o my-m2l/
      torchrun --nproc-per-node 8 -m tdmm_cli train-m2l tokens.h5 -o my-m2l/ --recipe paper
    """
    from tdmm_core.pipelines.train_m2l import train_m2l as pipeline

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, force=force, resume=resume, quiet=quiet)
    options = {"tokenizer": tokenizer, "text_model": text_model, "deepspeed_config": deepspeed, "all_clips": all_clips}
    summary = pipeline(tokens, output, run, config=chosen.m2l, **options)
    tell(summary, as_json=json, lines=[str(output)])
