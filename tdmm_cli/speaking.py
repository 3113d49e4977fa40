"""Answers as they are spoken: words on stdout as they come, and the conversation of `--chat`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from tdmm_core.pipelines.describe import Conversation


class Speaker:
    """Prints pieces of answers; before an answer stands whose it is, and to which question, where there are several."""

    def __init__(self, out: TextIO, *, questions: int) -> None:
        self.out, self.asks = out, questions > 1
        self._begun: tuple[str, str] | None = None

    def __call__(self, clip: str, question: str, piece: str) -> None:
        if self._begun != (clip, question):
            self._begun = (clip, question)
            self.out.write("".join(f"{part}\t" for part, shown in ((clip, bool(clip)), (question, self.asks)) if shown))
        self.out.write(piece)
        self.out.flush()
        if piece.endswith("\n"):
            self._begun = None


def talk(begin: Callable[[], Conversation], *, refused: Mapping[str, object]) -> None:
    """Ask for questions until an empty line or the end of the input. Raises InputError for options that a conversation has no use for."""
    from tdmm_core.errors import InputError

    if other := next((name for name, value in refused.items() if value), None):
        raise InputError(f"--chat: a conversation in the terminal does not go with {other}; leave one of them out")
    conversation = begin()
    speaker = Speaker(sys.stdout, questions=1)
    while question := _next():
        conversation.ask(question, speaker)


def _next() -> str:
    """The next question; empty at the end."""
    if sys.stdin.isatty():
        sys.stderr.write("> ")
        sys.stderr.flush()
    return sys.stdin.readline().strip()
