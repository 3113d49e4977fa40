"""The chain from older versions to the present one: reading an old file applies each step in turn, in memory.

A step maps a version's dataset names to those of the version before. All kinds stand at version 1, so the chain has no step yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from tdmm_core.artifacts.schema import Schema

STEPS: dict[tuple[str, int], Mapping[str, str]] = {}
"(kind, version) -> names in the next version: names in this one, for what the step renames."


def converted(schema: Schema, version: int, steps: Mapping[tuple[str, int], Mapping[str, str]] = STEPS) -> Mapping[str, str]:
    """Today's dataset names -> names in a file of `version`, for those that differ."""
    names: dict[str, str] = {}
    for older in range(schema.version - 1, version - 1, -1):
        step = steps[schema.kind, older]
        names = {new: step.get(old, old) for new, old in names.items()} | {new: old for new, old in step.items() if new not in names.values()}
    return names
