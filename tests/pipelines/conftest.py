"""Real parts for the tests of pipelines: the landmark model, fetched once into the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from tdmm_core.assets.find import find_asset
from tdmm_core.errors import MissingPartError
from tdmm_core.fitting.system_libraries import missing_libraries


@pytest.fixture(scope="session")
def landmark_file() -> Path:
    """The face landmark model, or a skip where it or its system libraries cannot be had."""
    if missing_libraries():
        pytest.skip(f"system libraries are missing: {', '.join(missing_libraries())}")
    try:
        return find_asset("face-landmarker")
    except MissingPartError as e:
        pytest.skip(f"offline and not cached: {e}")
