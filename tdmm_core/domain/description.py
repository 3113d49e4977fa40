"""A description: a question about a motion and the answer that a language model gave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Description:
    """One answer about one clip."""

    id: str
    question: str
    answer: str
    model_digest: str = ""
