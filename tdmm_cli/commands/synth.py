"""tdmm synth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.console import tell

LARGE = "Large runs"


def synth(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.h5", help="Corpus to write; its motion and videos come to lie beside it.")],
    inputs: Annotated[list[Path], typer.Argument(metavar="SHARD.h5", help="With --merge: the shards; those beside the output by default.")] = [],
    num_clips: Annotated[int | None, typer.Option("--num-clips", metavar="N", min=1, help="Number of clips; the recipe's by default.")] = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="--no-video writes the true motion alone, for large training sets.")] = True,
    shard: Annotated[
        str | None,
        typer.Option("--shard", metavar="I/N", help="Make share I of N; SLURM's array task by default.", rich_help_panel=LARGE),
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Unite the shards of one plan.", rich_help_panel=LARGE)] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Make the failed clips of a finished corpus anew, and those alone.", rich_help_panel=LARGE)
    ] = False,
    recipe: o.RecipeName = "base",
    settings: o.Settings = [],
    seed: o.Seed = 0,
    workers: o.Workers = 0,
    force: o.Force = False,
    resume: o.Resume = True,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Make a balanced corpus of scripted faces.

    It holds sentences, scripts and videos, and beside it lies the true motion.

    \b
    Examples:
      tdmm synth -o corpus.h5 --num-clips 20
      tdmm synth -o corpus.h5 --shard 2/8      (writes corpus.2-of-8.h5)
      tdmm synth -o corpus.h5 --merge
    """
    from tdmm_core.pipelines.shards import array_shard, parse_shard
    from tdmm_core.pipelines.synth import synth as scripted
    from tdmm_core.pipelines.synth_merge import merge as unite

    chosen = o.load_settings(recipe, [*settings, *([f"synth.num_clips={num_clips}"] if num_clips else [])])
    run = o.make_run(recipe=chosen.name, seed=seed, workers=workers, force=force, resume=resume, quiet=quiet)
    share = parse_shard(shard) if shard else array_shard()
    if merge:
        summary = unite(output, run, inputs=inputs)
    else:
        summary = scripted(output, run, config=chosen.synth, video=video, shard=share, retry_failed=retry_failed)
    tell(summary, as_json=json, lines=[summary.output])
    o.check_failures(summary.output, summary.num_failed, summary.num_clips, first=summary.first_failure)
