"""Threads of the linear algebra that numpy and scipy bring. Small systems are slower on many threads, by far where other processes run too."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def limit_threads(count: int) -> None:
    """At most `count` threads for the rest of this process: of OpenBLAS, and of every library that is loaded from now on.

    What the user's environment says about threads stands.
    """
    if any(name in os.environ for name in _VARIABLES):
        return
    os.environ.update(dict.fromkeys(_VARIABLES, str(count)))
    for get, put in _libraries():
        put(min(count, get()))


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within the block OpenBLAS works on one thread; where numpy and scipy bring another library, nothing changes."""
    libraries = _libraries()
    before = [get() for get, _ in libraries]
    try:
        for _, put in libraries:
            put(1)
        yield
    finally:
        for (_, put), count in zip(libraries, before, strict=True):
            put(count)


@cache
def _libraries() -> tuple[tuple[ctypes._CFuncPtr, ctypes._CFuncPtr], ...]:
    """How to ask for and to set the number of threads of every OpenBLAS that the packages carry."""
    files = [f for name in ("numpy", "scipy") for folder in _library_folders(name) for f in sorted(folder.glob("*openblas*"))]
    return tuple(pair for file in files for pair in _controls(file))


def _library_folders(package: str) -> list[Path]:
    """Beside the package on Linux and Windows, inside it on macOS."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return []
    inside = Path(spec.origin).parent
    return [inside.with_name(f"{package}.libs"), inside / ".dylibs"]


def _controls(file: Path) -> Iterator[tuple[ctypes._CFuncPtr, ctypes._CFuncPtr]]:
    try:
        library = ctypes.CDLL(str(file))
    except OSError:
        return
    for start in ("scipy_openblas", "openblas"):
        for end in ("64_", ""):
            names = (f"{start}_get_num_threads{end}", f"{start}_set_num_threads{end}")
            if all(hasattr(library, name) for name in names):
                yield getattr(library, names[0]), getattr(library, names[1])
                return
