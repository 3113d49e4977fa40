"""Sharing work among processes: results as they are finished, few in flight, and no process that outlives the one that started it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from tdmm_core.errors import TdmmError
from tdmm_core.runtime.blas import limit_threads

Task = TypeVar("Task")
Made = TypeVar("Made")


def spread(work: Callable[[Task], Made], tasks: Sequence[Task], workers: int) -> Iterator[Made]:
    """What `work` makes of each task, in whatever order it is finished; in this process where there is little to share out.

    `workers` 0 takes one for each core; their libraries' threads share the cores out too. `work` and the tasks must be picklable.
    Raises TdmmError when a worker dies.
    """
    workers = min(workers or num_cores(), len(tasks))
    if workers <= 1:
        yield from map(work, tasks)
        return
    waiting, share = iter(tasks), max(1, num_cores() // workers)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_settle, initargs=(share,)) as pool:
        try:
            running = {pool.submit(work, t) for t in islice(waiting, 2 * workers)}
            while running:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                running |= {pool.submit(work, t) for t in islice(waiting, len(finished))}
                for future in finished:
                    yield future.result()
        except BrokenProcessPool as e:
            raise TdmmError("a worker process ended without a word (out of memory?); run the same command again, or with --workers 1") from e
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def num_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _settle(num_threads: int) -> None:
    """In a worker: keep to its share of threads, leave Ctrl-C to the process that started it, and end as soon as that one is gone."""
    limit_threads(num_threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
