"""Work that runs ahead of the one who takes it: items are made on a thread of their own, few in store."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
_END = object()


def ahead(items: Iterable[Item], count: int = 3) -> Iterator[Item]:
    """The same items in the same order, up to `count` of them made before they are asked for. What goes wrong there is raised here."""
    store: queue.Queue[object] = queue.Queue(count)
    stopped = threading.Event()

    def fill() -> None:
        try:
            for item in items:
                if not _put(store, item, stopped):
                    return
            _put(store, _END, stopped)
        except BaseException as e:  # handed over, whatever it is
            _put(store, e, stopped)

    worker = threading.Thread(target=fill, daemon=True)
    worker.start()
    try:
        while (item := store.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            yield item  # type: ignore[misc]
    finally:
        stopped.set()
        worker.join()


def _put(store: queue.Queue[object], item: object, stopped: threading.Event) -> bool:
    """Whether the item was taken into store before the taker went away."""
    while not stopped.is_set():
        try:
            store.put(item, timeout=0.1)
        except queue.Full:
            continue
        return True
    return False
