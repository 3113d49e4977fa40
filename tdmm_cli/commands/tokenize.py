"""tdmm tokenize."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell
from tdmm_core.runtime.process import is_main


def tokenize(
    motion: Annotated[list[Path], typer.Argument(metavar="MOTION...", help="Motion artifacts (.h5) or motions (.npz), one or several.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.h5", help="Tokens to write.")] = None,
    train: Annotated[bool, typer.Option("--train", help="Train a motion tokenizer on MOTION first and keep it in --tokenizer FOLDER.")] = False,
    tokenizer: o.TokenizerFolder = None,
    atlas: Annotated[
        Path | None, typer.Option("--atlas", metavar="PICTURE.png", help="Draw the most used codes, each with its mean face and its spread.")
    ] = None,
    fitting_noise: Annotated[
        float, typer.Option("--fitting-noise", metavar="SHARE", help="Disturb the motion first, by so much of a fit's usual error (0 to 2).")
    ] = 0.0,
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
    """Turn motion into tokens, one a frame.

    With --train the motion tokenizer is made first.

    \b
    Examples:
      tdmm tokenize corpus.motion.h5 -o tokens.h5 --atlas codes.png
      tdmm tokenize corpus.motion.h5 --train --tokenizer my-tokenizer/ -o tokens.h5
    """
    from tdmm_core.artifacts.atomic import check_artifact_name
    from tdmm_core.errors import InputError
    from tdmm_core.pipelines import tokenize as pipeline

    if output is None and not train:
        raise InputError("tokenize: expected -o TOKENS.h5, or --train with --tokenizer FOLDER")
    if atlas is not None and output is None:
        raise InputError("tokenize --atlas: expected -o TOKENS.h5, whose codes are to be drawn")
    if train and tokenizer is None:
        raise InputError("tokenize --train: expected --tokenizer FOLDER, where the new motion tokenizer is to be kept")
    if output is not None:
        check_artifact_name(output)
    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, force=force, resume=resume, quiet=quiet)
    summary = None
    if train and tokenizer is not None:
        summary = pipeline.train_tokenizer(motion, tokenizer, run, config=chosen.tokenize, deepspeed_config=deepspeed, all_clips=all_clips)
    if output is not None and is_main():
        summary = pipeline.tokenize(motion, output, run, tokenizer=tokenizer, all_clips=all_clips, atlas=atlas, fitting_noise=fitting_noise)
    tell(summary, as_json=json, lines=[str(output or tokenizer)])
