"""Linear algebra on one thread, and back."""

from __future__ import annotations

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
