"""Real parts for the tests of pipelines: the landmark model, fetched once into the cache, and a generated FLAME that is named once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flame_cases import write_flame_npz

from tdmm_core.assets.find import find_asset
from tdmm_core.errors import MissingPartError
from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.fitting.model_landmarks import of_calibration
from tdmm_core.fitting.surface import nearest_points
from tdmm_core.fitting.system_libraries import missing_libraries
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.face_models import name_face_model


@pytest.fixture(scope="session")
def landmark_file() -> Path:
    """The face landmark model, or a skip where it or its system libraries cannot be had."""
    if missing_libraries():
        pytest.skip(f"system libraries are missing: {', '.join(missing_libraries())}")
    try:
        return find_asset("face-landmarker")
    except MissingPartError as e:
        pytest.skip(f"offline and not cached: {e}")


@pytest.fixture(scope="session")
def flame_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A generated FLAME and an embedding of its landmarks, so that no picture need be looked at."""
    folder = tmp_path_factory.mktemp("flame")
    path = write_flame_npz(folder / "flame.npz")
    with np.load(path) as arrays:
        vertices, faces = arrays["v_template"], arrays["f"].astype(np.int64)
    head = load_open_head()
    known = of_calibration(load_calibration(head))
    triangles, weights = nearest_points(known.of(head), vertices, faces)
    embedding = folder / "landmarks.npz"
    np.savez(embedding, lmk_face_idx=triangles, lmk_b_coords=weights, landmark_indices=known.indices)
    return path, embedding


@pytest.fixture
def named(flame_file: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Name and digest of that FLAME, in a cache of this test's own."""
    monkeypatch.setenv("TDMM_CACHE", str(tmp_path / "cache"))
    model = name_face_model(f"flame-2023:{flame_file[0]}", landmarks=flame_file[1])
    return model.name, model.digest
