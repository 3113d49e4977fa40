"""What is said of a clip, as columns and back: the part that corpus, motion and tokens have in common."""

from __future__ import annotations

import json

import numpy as np

from tdmm_core.artifacts.columns import ColumnStore
from tdmm_core.artifacts.opening import damage
from tdmm_core.domain.clip import Clip
from tdmm_core.domain.script import Script


def clip_values(clip: Clip) -> dict[str, str]:
    """The columns of what is said of a clip."""
    return {
        "id": clip.id,
        "script": clip.script.to_json() if clip.script else "",
        "prompt": clip.prompt,
        "paraphrases": json.dumps(list(clip.paraphrases), ensure_ascii=False),
        "label": clip.label,
        "category": clip.category,
        "subject_id": clip.subject_id,
        "split": clip.split,
        "licence": clip.licence,
    }


def read_clip(columns: ColumnStore, index: int) -> Clip:
    """The clip that `clip_values` stored. Raises InputError where its text is damaged."""
    script = columns.text("script", index)
    with damage(columns.path, f"dataset clips/paraphrases of clip {columns.text('id', index)!r}"):
        paraphrases = tuple(json.loads(columns.text("paraphrases", index)))
    return Clip(
        id=columns.text("id", index),
        script=Script.from_json(script) if script else None,
        prompt=columns.text("prompt", index),
        paraphrases=paraphrases,
        label=columns.text("label", index),
        category=columns.text("category", index),
        subject_id=columns.text("subject_id", index),
        split=columns.text("split", index),  # type: ignore[arg-type]
        licence=columns.text("licence", index),
    )


def plain(value: np.generic) -> int | float:
    """A number of Python's own."""
    return value.item()
