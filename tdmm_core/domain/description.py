"""Questions about a motion with their answers: as a language model gave them, or as they are known to be true."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Description:
    """One answer about one clip."""

    id: str
    question: str
    answer: str
    model_digest: str = ""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A question about a clip whose true answer is known, to learn from or to examine with."""

    kind: str
    "What it is about: `describe`, `emotion`, `blink`, `order` ..."
    question: str
    answer: str
