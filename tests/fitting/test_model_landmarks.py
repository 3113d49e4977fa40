"""Landmarks seen in pictures of a face model: near what calibration found, and the same points on a FLAME of the same surface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flame_cases import flame_arrays

from tdmm_core.errors import InputError
from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.fitting.landmarks import Landmarker
from tdmm_core.fitting.model_landmarks import of_calibration, see_landmarks
from tdmm_core.fitting.registration import register
from tdmm_core.fitting.surface import points_at
from tdmm_core.morphable.flame import flame_model
from tdmm_core.morphable.open_head import load_open_head


def test_a_flame_s_landmarks_are_seen_and_lay_it_over_the_open_head(landmark_file: Path) -> None:
    head, flame = load_open_head(), flame_model(flame_arrays(), name="flame-2023")
    with Landmarker(landmark_file, video=False) as landmarker:
        seen = see_landmarks(flame, landmarker)
    known = of_calibration(load_calibration(head))
    off_mm = np.linalg.norm(seen.of(flame) - known.of(head), axis=1)[:468] * 1e3
    assert np.median(off_mm) < 2.5
    shared = register(head, flame, known, seen)
    found = points_at(head.template.astype(float), head.triangles[shared.triangles], shared.barycentric)
    missed_mm = np.linalg.norm(found - flame.template[shared.vertices], axis=1) * 1e3
    assert missed_mm.mean() < 2.0
    assert missed_mm[flame.masks["lips"][shared.vertices]].mean() < 1.2


def test_a_model_that_shows_no_face_is_told(landmark_file: Path) -> None:
    arrays = dict(flame_arrays())
    arrays["v_template"] = np.asarray(arrays["v_template"]) * (1, 0.05, 1)
    with Landmarker(landmark_file, video=False) as landmarker, pytest.raises(InputError, match=r"a face was found in .* give a landmark embedding"):
        see_landmarks(flame_model(arrays, name="flame-2023"), landmarker)
