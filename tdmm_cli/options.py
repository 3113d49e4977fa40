"""Options that several commands share, each written once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tdmm_cli.console import make_progress, tell

if TYPE_CHECKING:
    from tdmm_core.pipelines.prompts import Line
    from tdmm_core.pipelines.run import Run
    from tdmm_core.recipes.recipe import Recipe

RecipeName = Annotated[str, typer.Option("--recipe", metavar="NAME|FILE.toml", help="Settings: tiny, base, paper, or a TOML file of your own.")]
Settings = Annotated[list[str], typer.Option("--set", metavar="SECTION.FIELD=VALUE", help="Change one setting of the recipe; repeatable.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of everything random; equal seeds give equal results.")]
Device = Annotated[str, typer.Option("--device", metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")]
Workers = Annotated[int, typer.Option("--workers", metavar="N", min=0, help="Worker processes; 0 takes one for each core.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an output that exists.")]
Resume = Annotated[bool, typer.Option("--resume/--no-resume", help="Go on from an interrupted run.")]
FaceModel = Annotated[
    str | None,
    typer.Option("--face-model", metavar="flame:FILE", help="Your FLAME file (.pkl or .npz), named once and then found by digest; or open-head-1."),
]
Eyelids = Annotated[
    Path | None, typer.Option("--eyelids", metavar="PATH", help="Eyelid basis of --face-model: l_eyelid.npy with r_eyelid.npy, or an npz of both.")
]
LandmarkEmbedding = Annotated[
    Path | None, typer.Option("--landmarks", metavar="FILE.npz", help="MediaPipe landmark embedding of --face-model; else found by self-calibration.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress, only results and errors.")]
TokenizerFolder = Annotated[Path | None, typer.Option("--tokenizer", metavar="FOLDER", help="Motion tokenizer; the embedded one by default.")]
TextModel = Annotated[
    str | None, typer.Option("--text-model", metavar="ID|FOLDER", help="Pretrained language model; the embedded default otherwise.")
]
DeepSpeedConfig = Annotated[Path | None, typer.Option("--deepspeed", metavar="CONFIG.json", help="A DeepSpeed configuration of your own.")]


def load_settings(recipe: str, settings: list[str]) -> Recipe:
    """The named recipe with the given changes."""
    from tdmm_core.recipes.load import load_recipe

    return load_recipe(recipe, settings)


def make_run(**choices: object) -> Run:
    """A Run from options; `quiet` becomes its progress."""
    from tdmm_core.errors import InputError
    from tdmm_core.pipelines.run import Run

    if int(str(choices.get("seed", 0))) >= 2**63:
        raise InputError(f"--seed: expected 0 to {2**63 - 1}, got {choices['seed']}")
    quiet = bool(choices.pop("quiet", False))
    return Run(progress=make_progress(quiet), **choices)  # type: ignore[arg-type]


def output_path(text: str) -> Path | str:
    """`-` stays as it is and means stdout; anything else is a path. Raises InputError for an empty name."""
    from tdmm_core.errors import InputError

    if not text:
        raise InputError("-o: expected the name of a file or folder to write, got an empty one")
    return text if text == "-" else Path(text)


MotionOutputs = Annotated[
    list[str],
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        help=(
            "Motion: .npz, .h5 (one or many clips), - for npz on stdout; or .mp4, .png (contact sheet), .glb (glTF), .csv (Live Link Face), "
            ".html (a page that plays it); repeatable."
        ),
    ),
]
SourceRate = Annotated[
    float | None,
    typer.Option("--source-fps", metavar="HZ", help="Rate of a motion file that stores none; in a Live Link CSV, in place of time codes."),
]
AllClips = Annotated[
    bool, typer.Option("--all-clips", help="With the clips that tdmm synth --check found to ignore their prompt.")
]
OutputRate = Annotated[
    float | None,
    typer.Option("--fps", metavar="HZ", help="Write the motion at this rate (25 is what other commands take); by default at its own."),
]


def output_paths(texts: list[str]) -> list[Path | str]:
    """`output_path` of each."""
    return [output_path(text) for text in texts]


def sentences_of(prompt: str | None, prompts: Path | None, script: Path | None) -> list[Line | list[Line]] | Path:
    """What `animate` is to perform: sentences, a script of several, or the path of a motion. Raises InputError unless there is one source."""
    from tdmm_core.errors import InputError
    from tdmm_core.pipelines.motion_input import SUFFIXES
    from tdmm_core.pipelines.prompts import Line, lines_of, read_prompts, read_script

    if sum(given is not None for given in (prompt, prompts, script)) != 1:
        raise InputError('animate: expected one of a sentence, such as "a slow pout turning to surprise", --prompts FILE or --script FILE')
    if prompts is not None:
        return list(read_prompts(prompts))
    if script is not None:
        return [read_script(script)]
    assert prompt is not None
    if prompt == "-":
        if _stdin_is_motion():
            return Path("-")
        return list(lines_of(sys.stdin.read(), "stdin"))
    if prompt.lower().endswith(SUFFIXES) or _names_a_file(prompt):
        return Path(prompt)
    return [Line(prompt=prompt)]


def _stdin_is_motion() -> bool:
    """Whether what comes in is a motion (npz, or a Live Link take) instead of sentences; nothing is read away."""
    peek = getattr(sys.stdin.buffer, "peek", None)
    return peek is not None and peek(9)[:9].lower().startswith((b"pk\x03\x04", b"timecode,"))


def _names_a_file(prompt: str) -> bool:
    """Whether someone meant a file that is there, or a folder with a slash, not a sentence."""
    path = Path(prompt) if "\0" not in prompt and len(prompt) < 1000 else None
    if path is None or not ("." in path.name or prompt.endswith("/")):
        return False
    try:
        return path.exists()
    except OSError:
        return False


def conclude(summary: Any, *, as_json: bool) -> None:
    """Tell what came of a run. Raises PartialFailureError, after the result was told, where some clips failed."""
    from tdmm_core.errors import PartialFailureError

    tell(summary, as_json=as_json, lines=summary.lines())
    if failed := getattr(summary, "num_failed", 0):
        raise PartialFailureError(
            f"{failed} of {summary.num_clips} clips failed, the rest are in {summary.output}; the first was {summary.first_failure}; "
            "retry with --retry-failed"
        )


def name_face_model(spec: str | None, eyelids: Path | None, landmarks: Path | None) -> tuple[str, str] | None:
    """Name and digest of the face model that the options say, remembered for later commands; None without one."""
    from tdmm_core.errors import InputError

    if spec is None:
        if eyelids or landmarks:
            raise InputError("--eyelids and --landmarks: they belong to a face model; give it with --face-model flame:FILE")
        return None
    from tdmm_core.pipelines import face_models

    model = face_models.name_face_model(spec, eyelids=eyelids, landmarks=landmarks)
    return model.name, model.digest


def required(value: Path | None, command: str, what: str) -> Path:
    """The value of an option that only some uses of a command need. Raises InputError that names it."""
    from tdmm_core.errors import InputError

    if value is None:
        raise InputError(f"{command}: expected {what}, got none")
    return value
