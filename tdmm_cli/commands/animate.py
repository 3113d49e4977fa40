"""tdmm animate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell


def animate(
    prompt: Annotated[
        str | None,
        typer.Argument(metavar="PROMPT|MOTION", help="A sentence, - for one a line on stdin, or a motion or tokens file to render or export."),
    ] = None,
    output: o.MotionOutputs = ...,
    prompts: Annotated[
        Path | None,
        typer.Option(
            "--prompts",
            metavar="FILE",
            help='One sentence a line, or one {"prompt": ..., "seconds": ..., "seed": ...}; -o NAME/ gets 000.npz, 001.npz, ..., an .h5 all of them.',
        ),
    ] = None,
    script: Annotated[
        Path | None,
        typer.Option("--script", metavar="FILE.json", help='Sentences one after the other in one motion: [{"prompt": ..., "seconds": ...}, ...].'),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", metavar="SECONDS", help="Exactly this long, up to 60; by default the model ends the motion itself.")
    ] = None,
    num_samples: Annotated[int, typer.Option("--num-samples", metavar="N", min=1, help="Motions of each sentence.")] = 1,
    shape: Annotated[
        str, typer.Option("--shape", metavar="FACE", help="Whose face: random, a motion file, or coefficients such as 0.5,-1.")
    ] = "",
    clip: Annotated[str | None, typer.Option("--clip", metavar="ID", help="Of a motion's or tokens' clips, the one that is rendered.")] = None,
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
      tdmm animate "a slow pout turning to surprise" -o out.npz -o out.mp4
      tdmm animate "she smiles" --seconds 3 --shape random -o smile.html
      tdmm animate out.npz -o out.glb
      tdmm animate out.npz -o out.csv --fps 60
      tdmm animate tokens.h5 --clip 000123 -o out.mp4
      tdmm animate --prompts sentences.txt --num-samples 4 -o motions/
      tdmm animate --script scene.json -o scene.html
    """
    from tdmm_core.pipelines import animate as pipeline

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, force=force, resume=resume, quiet=quiet)
    targets = o.output_paths(output)
    wishes = pipeline.Wishes(seconds=seconds, num_samples=num_samples, shape=shape, fps=fps, many=prompts is not None, clip=clip)
    sentences = o.sentences_of(prompt, prompts, script)
    if isinstance(sentences, Path):
        summary = pipeline.show_motion(sentences, targets, run, tokenizer=tokenizer, wishes=wishes)
    else:
        summary = pipeline.animate_to(targets, sentences, run, config=chosen.animate, model=model, tokenizer=tokenizer, wishes=wishes)
    if "-" not in output:
        tell(summary, as_json=json, lines=list(summary.outputs))
