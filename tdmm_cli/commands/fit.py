"""tdmm fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def fit(
    inputs: Annotated[list[Path], typer.Argument(metavar="INPUT", help="A corpus (.h5), videos, or motions of any tool.")],
    output: o.MotionOutputs,
    landmarker: Annotated[
        Path | None, typer.Option("--landmarker", metavar="FILE", help="MediaPipe face_landmarker.task; fetched once by default.")
    ] = None,
    face: Annotated[
        int | None, typer.Option("--face", metavar="N", help="Which face, where several are seen: 1 is the largest for the longest time.")
    ] = None,
    shape: Annotated[
        Path | None, typer.Option("--shape", metavar="FILE", help="Hold the identity of a motion (.npz, .h5) of the same person.")
    ] = None,
    preview: Annotated[
        Path | None, typer.Option("--preview", metavar="FILE.mp4", help="Write the film, the overlay and the mesh side by side.")
    ] = None,
    worst: Annotated[
        Path | None, typer.Option("--worst", metavar="FILE.png", help="Write a sheet of the fits with the greatest reprojection error.")
    ] = None,
    face_model: o.FaceModel = None,
    eyelids: o.Eyelids = None,
    landmarks: o.LandmarkEmbedding = None,
    source_fps: o.SourceRate = None,
    fps: o.OutputRate = None,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    workers: o.Workers = 0,
    force: o.Force = False,
    resume: o.Resume = True,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Fit the face model to every frame of a video or a corpus, or carry motion over from another face model or tool.

    \b
    Examples:
      tdmm fit talk.mp4 -o talk.npz -o talk.glb
      tdmm fit corpus.h5 -o motion.h5 --worst worst.png
      tdmm fit talk.mp4 --face-model flame:flame2023.pkl -o flame.npz
      tdmm fit take.csv -o take.h5
      tdmm fit smirk.pkl --face-model flame:flame2020.pkl --source-fps 25 -o flame.h5
      tdmm fit flame.h5 --face-model open-head-1 -o arkit.csv
    """
    from tdmm_core.pipelines.fit_motions import Wish, all_motions, fit_motions, refuse_for_motions, refuse_for_videos

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, workers=workers, force=force, resume=resume, quiet=quiet)
    given = {name: value for name, value in (("fps", fps), ("face", face)) if value is not None}
    config = replace(chosen.fit, **given)
    named = o.name_face_model(face_model, eyelids, landmarks)
    if all_motions(inputs):
        refuse_for_motions({"--face": face, "--shape": shape, "--preview": preview, "--worst": worst, "--landmarker": landmarker})
        summary = fit_motions(inputs, o.output_paths(output), run, config=config, wish=Wish(face_model=named, source_fps=source_fps))
    else:
        from tdmm_core.pipelines.fit import fit as pipeline
        from tdmm_core.pipelines.fit_pictures import Extras

        refuse_for_videos(Wish(face_model=named, source_fps=source_fps))
        extras = Extras(shape=shape, preview=preview, worst=worst, face_model=named)
        summary = pipeline(inputs, o.output_paths(output), run, config=config, landmarker=landmarker, extras=extras)
    if "-" not in output:
        tell(summary, as_json=json, lines=summary.lines())
