"""Linear algebra on one thread, and back."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from tdmm_core.runtime.blas import _libraries, one_blas_thread


def test_one_thread_within_and_as_before_after() -> None:
    import scipy.linalg  # noqa: F401

    if not _libraries():
        pytest.skip("numpy and scipy bring no OpenBLAS here")
    for _, put in _libraries():
        put(2)
    before = [get() for get, _ in _libraries()]
    with pytest.raises(ValueError), one_blas_thread():
        assert [get() for get, _ in _libraries()] == [1] * len(before)
        assert np.allclose(np.eye(300) @ np.eye(300), np.eye(300))
        raise ValueError
    assert [get() for get, _ in _libraries()] == before


def test_limited_to_the_end_of_the_process_unless_the_user_says_otherwise() -> None:
    told = (
        "import numpy; from tdmm_core.runtime.blas import _libraries, limit_threads; limit_threads(1); "
        "print({get() for get, _ in _libraries()} - {1})"
    )
    for said, left in (({}, "set()"), ({"OPENBLAS_NUM_THREADS": "2"}, "{2}")):
        environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")} | said
        printed = subprocess.run([sys.executable, "-c", told], env=environment, check=True, capture_output=True, text=True).stdout.strip()
        assert printed == (left if _libraries() and (os.cpu_count() or 1) > 1 else "set()")
