"""Whose videos lie in a corpus's folder: those that a run made before it was interrupted, or those that someone brought.

A small file beside the videos remembers the generator's revision and which videos were there before it began; so a video that was finished but not
yet recorded is told like the others, and the model need not be opened to tell it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tdmm_core.artifacts.atomic import atomic_path


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What is known of the videos in a folder."""

    revision: str = ""
    "Of the generator that made them."
    brought: frozenset[str] = frozenset()
    "Clips whose videos were there before it began."

    def revision_of(self, name: str) -> str:
        """The revision that made a clip's video; empty for one that someone brought."""
        return "" if name in self.brought else self.revision


def read_provenance(file: Path) -> Provenance | None:
    """What an earlier run wrote; None where there was none."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return Provenance(revision=str(told["revision"]), brought=frozenset(told["brought"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_provenance(file: Path, revision: str, brought: Collection[str]) -> Provenance:
    """Remember a generator that is about to make its first video. Raises InputError where the place cannot be written."""
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps({"revision": revision, "brought": sorted(brought)}), encoding="utf-8")
    return Provenance(revision=revision, brought=frozenset(brought))
