"""Ctrl-C and SIGTERM during a training: asked politely first, so that it can save. Knows nothing of what is saved."""

from __future__ import annotations

import signal
import threading
from types import FrameType


class Interruption:
    """While entered, the first SIGINT or SIGTERM only sets `asked`; a second one acts as before. Without effect outside the main thread."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.__exit__()
