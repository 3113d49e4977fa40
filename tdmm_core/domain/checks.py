"""Shape and value checks shared by the nouns; each failure says what was expected and what was got."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tdmm_core.errors import InputError


def as_array(name: str, value: object, shape: Sequence[int | None], dtype: type | str = np.float32) -> np.ndarray:
    """Return `value` as a read-only array of `dtype`; None in `shape` matches any length.

    Raises InputError when the rank or a length differs or a floating value is not finite.
    """
    array = np.array(value, dtype=dtype)
    wanted = tuple("any" if n is None else n for n in shape)
    if array.ndim != len(shape) or any(n is not None and n != m for n, m in zip(shape, array.shape, strict=True)):
        raise InputError(f"{name}: expected shape {wanted}, got {array.shape}")
    if np.issubdtype(array.dtype, np.floating) and not np.isfinite(array).all():
        frame = int(np.argwhere(~np.isfinite(array))[0][0])
        raise InputError(f"{name}: expected finite numbers, got NaN or infinity first at row {frame}")
    array.setflags(write=False)
    return array
