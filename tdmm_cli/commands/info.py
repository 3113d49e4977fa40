"""tdmm info."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def info(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="An artifact, a motion or a model folder; none shows what is installed.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check every digest; ends in code 1 where something is damaged.")] = False,
    face_model: o.FaceModel = None,
    eyelids: o.Eyelids = None,
    landmarks: o.LandmarkEmbedding = None,
    json: o.Json = False,
) -> None:
    """Say what a file is and how it was made, or what is installed.

    Without FILE: the models, face models, libraries and devices found.

    \b
    Examples:
      tdmm info corpus.motion.h5 --verify
      tdmm info
      tdmm info --face-model flame:flame2023.pkl
    """
    from tdmm_core.pipelines import inspect as pipeline

    o.name_face_model(face_model, eyelids, landmarks)
    found = pipeline.inspect(file, verify=verify) if file else pipeline.inspect_installation()
    tell(found, as_json=json, lines=found.lines())
    if getattr(found, "problems", ()):
        raise typer.Exit(1)
