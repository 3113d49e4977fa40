"""tdmm fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def fit(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="A corpus (.h5) or video files.")],
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="FILE", help="Motion: .h5 (one or many clips), .npz or .mp4 (one clip), - for npz on stdout."),
    ],
    landmarker: Annotated[
        Path | None, typer.Option("--landmarker", metavar="FILE", help="MediaPipe face_landmarker.task; fetched once by default.")
    ] = None,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    workers: o.Workers = 0,
    force: o.Force = False,
    resume: o.Resume = True,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fit the face model to every frame of a video or a corpus.

    \b
    Example:
      tdmm fit talk.mp4 -o talk.npz
    """
    from tdmm_core.pipelines.fit import fit as pipeline

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, workers=workers, force=force, resume=resume, quiet=quiet)
    summary = pipeline(inputs, o.output_path(output), run, config=chosen.fit, landmarker=landmarker)
    if output != "-":
        tell(summary, as_json=json, lines=[output])
