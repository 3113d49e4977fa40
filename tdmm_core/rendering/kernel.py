"""How the room's inner loops are compiled: by numba, kept on disk where a place can be found.

Owns that choice alone. numba keeps compiled code beside the source, else in NUMBA_CACHE_DIR or the user's cache; where none of them can be
written it would refuse, so there the code is compiled anew in each process.
"""

from __future__ import annotations

from collections.abc import Callable

from numba import njit


def kernel(function: Callable) -> Callable:
    """Compile a function of arrays and numbers at its first call."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:
        return njit(nogil=True)(function)
