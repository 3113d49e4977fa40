"""tdmm describe."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell
from tdmm_cli.speaking import Speaker, talk

if TYPE_CHECKING:
    from tdmm_core.pipelines.describe import DescribeSummary


def describe(
    motion: Annotated[
        list[str],
        typer.Argument(metavar="MOTION...", help="Motions (.npz, .h5, Live Link .csv), or videos, which are fitted first; - for stdin."),
    ],
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE.h5", help="Also keep the answers in a text artifact.")] = None,
    question: Annotated[
        list[str], typer.Option("-q", "--question", metavar="SENTENCE", help="Ask this instead of for a description; repeatable.")
    ] = [],
    chat: Annotated[bool, typer.Option("--chat", help="Ask about one motion in the terminal, question by question; an empty line ends it.")] = False,
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

    Motion longer than 10 s is read in windows and summed up.

    \b
    Examples:
      tdmm describe out.npz
      tdmm describe selfie.mp4 -q "Does the person blink, and when?" -q "What happens first?"
      tdmm animate "a wide grin" -o - | tdmm describe -
    """
    from tdmm_core.pipelines import describe as pipeline

    chosen = o.load_settings(recipe, settings)
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, force=force, quiet=quiet)
    files = [o.output_path(m) for m in motion]
    given = {"config": chosen.describe, "folders": (model, tokenizer), "fit": chosen.fit}
    if chat:
        talk(lambda: pipeline.Conversation(files, run, **given), refused={"-o": output, "-q": question, "--json": json, "- for stdin": "-" in files})
        return
    speaker = None if json else Speaker(sys.stdout, questions=len(question))
    summary: DescribeSummary = pipeline.describe_to(output, files, run, question=question, spoken=speaker, **given)
    if json:
        tell(summary, as_json=True, lines=[])
