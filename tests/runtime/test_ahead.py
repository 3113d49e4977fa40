"""Items made ahead: the same ones, their errors, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tdmm_core.runtime.ahead import ahead


def test_order_is_kept_and_few_are_in_store() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for i in range(50):
            made.append(i)
            yield i

    for i, item in enumerate(ahead(items(), 3)):
        assert item == i and len(made) <= i + 6
    assert len(made) == 50


def test_an_error_comes_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    taken = ahead(items())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="the second"):
        next(taken)


def test_who_stops_early_leaves_no_thread() -> None:
    before = threading.active_count()
    taken = ahead(iter(range(1000)), 2)
    assert next(taken) == 0
    taken.close()
    assert threading.active_count() == before
