"""tdmm animate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def animate(
    prompt: Annotated[
        str | None, typer.Argument(metavar="PROMPT|MOTION", help="A sentence, - for one a line on stdin, or a motion file to render or export.")
    ] = None,
    output: Annotated[
        str,
        typer.Option("-o", "--output", metavar="OUTPUT", help=".npz, .h5, .csv (Live Link Face) or .mp4; a folder for several; - for npz on stdout."),
    ] = ...,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", metavar="FILE", help="One sentence a line; the folder -o NAME/ gets 000.npz, 001.npz, ...")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", metavar="SECONDS", help="Exactly this long; by default the model ends the motion itself.")
    ] = None,
    fps: o.OutputRate = None,
    model: Annotated[Path | None, typer.Option("--model", metavar="FOLDER", help="Made by tdmm train-l2m; the embedded one by default.")] = None,
    tokenizer: o.TokenizerFolder = None,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    device: o.Device = "auto",
    force: o.Force = False,
    resume: o.Resume = True,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Perform a sentence, or render a motion that exists.

    \b
    Examples:
      tdmm animate "a slow pout turning to surprise" -o out.npz
      tdmm animate out.npz -o out.mp4
      tdmm animate out.npz -o out.csv --fps 60
      tdmm animate --prompts sentences.txt -o motions/
    """
    from tdmm_core.pipelines import animate as pipeline

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, force=force, resume=resume, quiet=quiet)
    target = o.output_path(output)
    sentences = o.sentences_of(prompt, prompts)
    if isinstance(sentences, Path):
        summary = pipeline.show_motion(sentences, target, run, fps=fps)
    else:
        summary = pipeline.animate_to(
            target, sentences, run, config=chosen.animate, model=model, tokenizer=tokenizer, seconds=seconds, many=prompts is not None, fps=fps
        )
    if output != "-":
        tell(summary, as_json=json, lines=list(summary.outputs))
