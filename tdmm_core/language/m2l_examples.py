"""Clips as they are trained on: codes, and everything that is known to be a true answer about them. Knows text and codes, no language model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tdmm_core.domain.clip import Clip, TokenClip
from tdmm_core.domain.description import Asked
from tdmm_core.errors import InputError
from tdmm_core.language.m2l_answers import descriptions
from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.language.m2l_prompting import DESCRIBE, NAME
from tdmm_core.language.motion_words import known_codes

Asking = Callable[[TokenClip], Sequence[Asked]]
"What is asked about a clip, with true answers; nothing where nothing is known but its sentences."


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """A clip as it is trained on."""

    codes: np.ndarray
    "(T, Q) uint16, T at most `max_frames`."
    asked: tuple[Asked, ...]
    "At least one of kind `describe`."
    still: bool = False
    "Whether nothing happens."

    @cached_property
    def kinds(self) -> dict[str, tuple[Asked, ...]]:
        """What is asked, by kind."""
        found: dict[str, list[Asked]] = {}
        for one in self.asked:
            found.setdefault(one.kind, []).append(one)
        return {kind: tuple(many) for kind, many in found.items()}

    @property
    def description(self) -> str:
        """The first, plainest description."""
        return self.kinds["describe"][0].answer

    @property
    def label(self) -> str:
        """What the clip is called; empty where nobody says."""
        named = self.kinds.get("name", ())
        return named[0].answer if named else ""


def split_examples(clips: Iterable[TokenClip], config: M2LConfig, asking: Asking | None = None) -> dict[str, list[Example]]:
    """Examples of the splits train and validation. Raises InputError when there is nothing to train on.

    What `asking` knows of a clip is asked; of a clip of which it knows nothing, and without it, the clip's sentences and its label.
    """
    examples: dict[str, list[Example]] = {"train": [], "validation": []}
    for item in clips:
        if item.clip.split not in examples or not item.tokens.num_frames:
            continue
        asked = tuple(asking(item)) if asking is not None else ()
        told = captioned(item.clip, config)
        if asked and config.answers == "plainest":
            told = tuple(a for a in told if a.kind == "name")  # a plainer description is among what is asked
        every = (*asked, *told)
        if any(a.kind == "describe" for a in every):
            still = item.clip.script is not None and not item.clip.script.events
            examples[item.clip.split].append(Example(codes=known_codes(item.tokens)[: config.max_frames], asked=every, still=still))
    if not examples["train"]:
        raise InputError("tokens: expected clips of split train that have a sentence and a frame, got none; make a larger corpus")
    return examples


def captioned(clip: Clip, config: M2LConfig) -> tuple[Asked, ...]:
    """What a clip's own sentences and its label answer; nothing for a clip without a sentence."""
    told = descriptions(clip)
    told = told[:1] if config.answers == "plainest" else told
    asked = [Asked(kind="describe", question=DESCRIBE[i % len(DESCRIBE)], answer=t) for i, t in enumerate(told)]
    if told and config.answers == "plainest":
        asked = [Asked(kind="describe", question=q, answer=told[0]) for q in DESCRIBE]
    if told and clip.label:
        asked += [Asked(kind="name", question=q, answer=clip.label.replace("_", " ")) for q in NAME]
    return tuple(asked)
