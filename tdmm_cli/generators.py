"""From the options of `synth` to the generator that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tdmm_core.synthesis.backends.opening import Door
    from tdmm_core.synthesis.generator_config import GeneratorConfig


def check_unused(what: str, given: dict[str, object]) -> None:
    """Raises InputError for an option that says nothing here."""
    from tdmm_core.errors import InputError

    for name, value in given.items():
        if value:
            raise InputError(f"synth {what}: expected no {name}, which it has no use for")


def generator_door(backend: str, config: GeneratorConfig, *, model: str | None, **where: object) -> Door:
    """The generator with its settings and place. Raises InputError for an unknown name or settings that do not fit."""
    from tdmm_core.synthesis.backends.opening import Door
    from tdmm_core.synthesis.known import resolve

    return Door(generation=resolve(backend, config, model=model), **{k: v for k, v in where.items() if v is not None})  # type: ignore[arg-type]
