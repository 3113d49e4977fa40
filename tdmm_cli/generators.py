"""From the options of `synth` to what they ask for: the task, the generator, the footage."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tdmm_core.pipelines.synth_footage import Source
    from tdmm_core.synthesis.backends.opening import Door
    from tdmm_core.synthesis.generator_config import GeneratorConfig

_GENERATORS = ("--backend", "--model", "--project", "--launch", "--refine", "--no-video", "--dry-run")
_UNUSED = {
    "--check": ("-o", "--merge", "--retry-failed", *_GENERATORS),
    "--overview": ("-o", "--retry-failed", *_GENERATORS),
    "--merge": ("--retry-failed", *_GENERATORS),
    "--footage": _GENERATORS,
    "--backend scripted": ("--model", "--project", "--launch", "--dry-run"),
}
"What says nothing to a task; other generators have no use for --no-video alone."


def task_of(*, check: object, overview: object, merge: bool, footage: object, backend: str) -> str:
    """The task, by the option that asks for it."""
    asked = (("--check", check), ("--overview", overview), ("--merge", merge), ("--footage", footage))
    return next((name for name, value in asked if value), f"--backend {backend}")


def check_unused(task: str, given: dict[str, object]) -> None:
    """Raises InputError for an option that says nothing here."""
    from tdmm_core.errors import InputError

    for name, value in given.items():
        if value and name in _UNUSED.get(task, ("--no-video",)):
            raise InputError(f"synth {task}: expected no {name}, which it has no use for")


def footage_source(folder: Path, **told: object) -> Source:
    """Footage with what is told of it. Raises InputError for an unknown layout."""
    from tdmm_core.pipelines.synth_footage import Source

    return Source(folder=folder, **{k: v for k, v in told.items() if v is not None})  # type: ignore[arg-type]


def generator_door(backend: str, config: GeneratorConfig, *, model: str | None, **where: object) -> Door:
    """The generator with its settings and place. Raises InputError for an unknown name or settings that do not fit."""
    from tdmm_core.synthesis.backends.opening import Door
    from tdmm_core.synthesis.known import resolve

    return Door(generation=resolve(backend, config, model=model), **{k: v for k, v in where.items() if v is not None})  # type: ignore[arg-type]
