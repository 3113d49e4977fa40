"""Seeds: one user seed, and independent streams derived from it by name."""

from __future__ import annotations

import hashlib

import numpy as np


def derive_seed(seed: int, *names: object) -> int:
    """A 63-bit seed from a parent seed and names: equal inputs give equal seeds on every machine."""
    text = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def stream(seed: int, *names: object) -> np.random.Generator:
    """A NumPy random stream of its own for each combination of names."""
    return np.random.default_rng(derive_seed(seed, *names))
