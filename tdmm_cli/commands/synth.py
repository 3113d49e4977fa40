"""tdmm synth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tdmm_cli import options as o
from tdmm_cli.generators import check_unused, footage_source, generator_door, task_of

_CORPUS = "-o FILE.h5, the corpus to write"
GENERATOR, FOOTAGE, LARGE, WORDS = "Generators", "Footage", "Large runs", "Sentences and pictures"


def synth(
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="FILE.h5", help="With --merge: the shards; with --check and --overview: the corpora; those beside by default."),
    ] = [],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE.h5", help="Corpus to write; its motion and videos come to lie beside it.")
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option("--check", metavar="MOTION.h5", help="Find the clips of a fitted corpus that ignored their prompt; write MOTION.check.h5."),
    ] = None,
    num_clips: Annotated[int | None, typer.Option("--num-clips", metavar="N", min=1, help="Number of clips; the recipe's by default.")] = None,
    video: Annotated[bool, typer.Option("--video/--no-video", help="--no-video writes the true motion alone, for large training sets.")] = True,
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            metavar="NAME",
            help="scripted (embedded), wan2.1, wan2.1-14b, wan2.2, wan2.2-14b, diffusers, open-sora, humo or veo. "
            "Settings: --set synth.generator.FIELD=VALUE.",
            rich_help_panel=GENERATOR,
        ),
    ] = "scripted",
    model: Annotated[
        str | None, typer.Option("--model", metavar="ID|FOLDER", help="Another model for the backend than its own.", rich_help_panel=GENERATOR)
    ] = None,
    project: Annotated[
        Path | None, typer.Option("--project", metavar="FOLDER", help="Checkout of Open-Sora or HuMo.", rich_help_panel=GENERATOR)
    ] = None,
    launch: Annotated[
        str | None,
        typer.Option("--launch", metavar="COMMAND", help="What starts their scripts; torchrun on one card by default.", rich_help_panel=GENERATOR),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be made and what it would cost; make nothing.", rich_help_panel=GENERATOR)
    ] = False,
    footage: Annotated[
        Path | None, typer.Option("--footage", metavar="FOLDER", help="Make the corpus of the videos in a folder.", rich_help_panel=FOOTAGE)
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option("--layout", metavar="NAME", help="What their paths tell: names (words in them), mead or tdmm.", rich_help_panel=FOOTAGE),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            "--labels", metavar="FILE.csv", help="What they show: file and label or caption, and more; see tdmm-formats.", rich_help_panel=FOOTAGE
        ),
    ] = None,
    annotate: Annotated[
        str | None,
        typer.Option(
            "--annotate",
            metavar="MODEL",
            help="Describe the others with a model that sees: gemini-..., openai:NAME (OPENAI_BASE_URL), an id or a folder.",
            rich_help_panel=FOOTAGE,
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="TEXT", help="Their licence, remembered in every clip.", rich_help_panel=FOOTAGE)
    ] = None,
    origin: Annotated[
        str | None, typer.Option("--source", metavar="TEXT", help="Where they come from, remembered too.", rich_help_panel=FOOTAGE)
    ] = None,
    refine: Annotated[
        str,
        typer.Option(
            "--refine",
            metavar="MODEL",
            help="Let a language model rewrite the sentences, where it keeps their meaning: openai:NAME for an OpenAI-compatible endpoint "
            "(OPENAI_BASE_URL, OPENAI_API_KEY), an id or a folder, or embedded.",
            rich_help_panel=WORDS,
        ),
    ] = "",
    overview: Annotated[
        Path | None, typer.Option("--overview", metavar="FIG.png", help="Draw corpora into one picture; make nothing.", rich_help_panel=WORDS)
    ] = None,
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
    device: o.Device = "auto",
    workers: o.Workers = 0,
    force: o.Force = False,
    resume: o.Resume = True,
    json: o.Json = False,
    quiet: o.Quiet = False,
) -> None:
    """Make a balanced corpus of faces that act.

    It holds sentences, scripts and videos by any generator; where the embedded one performs, the true motion lies beside it.

    \b
    Examples:
      tdmm synth -o corpus.h5 --num-clips 20
      tdmm synth -o wan.h5 --backend wan2.2 --num-clips 20 --dry-run
      tdmm synth -o mead.h5 --footage MEAD/ --layout mead
      tdmm synth -o corpus.h5 --shard 2/8      (writes corpus.2-of-8.h5)
      tdmm synth -o corpus.h5 --merge
      tdmm synth --overview fig.png corpus.h5
      tdmm synth --check corpus.motion.h5
    """
    from tdmm_core.pipelines.check import check as check_corpus
    from tdmm_core.pipelines.overview import overview as look
    from tdmm_core.pipelines.shards import share_of
    from tdmm_core.pipelines.synth import synth as perform
    from tdmm_core.pipelines.synth_dry_run import dry_run as rehearse
    from tdmm_core.pipelines.synth_footage import collect
    from tdmm_core.pipelines.synth_generated import generate
    from tdmm_core.pipelines.synth_merge import merge as unite

    chosen = o.load_settings(recipe, [*settings, *([f"synth.num_clips={num_clips}"] if num_clips else [])])
    run = o.make_run(recipe=chosen.name, seed=seed, device=device, workers=workers, force=force, resume=resume, quiet=quiet)
    task = task_of(check=check, overview=overview, merge=merge, footage=footage, backend=backend)
    check_unused(task, {"-o": output, "--backend": backend != "scripted", "--model": model, "--project": project, "--launch": launch})
    check_unused(task, {"--no-video": not video, "--refine": refine, "--merge": merge, "--dry-run": dry_run, "--retry-failed": retry_failed})
    making = {"config": chosen.synth, "shard": share_of(shard), "retry_failed": retry_failed}
    match task:
        case "--check":
            summary = check_corpus(check, run, corpora=inputs)
        case "--overview":
            summary = look(overview, inputs, run)
        case "--merge":
            summary = unite(o.required(output, "synth", _CORPUS), run, inputs=inputs)
        case "--footage":
            source = footage_source(footage, layout=layout, labels=labels, annotator=annotate, licence=licence, origin=origin)
            summary = collect(o.required(output, "synth", _CORPUS), run, source=source, **making)
        case "--backend scripted":
            summary = perform(o.required(output, "synth", _CORPUS), run, video=video, refine=refine, **making)
        case _:
            door = generator_door(backend, chosen.synth.generator, model=model, device=device, project=project, launch=launch)
            target = o.required(output, "synth", _CORPUS)
            summary = rehearse(target, run, door=door, **making) if dry_run else generate(target, run, door=door, refine=refine, **making)
    o.conclude(summary, as_json=json)
