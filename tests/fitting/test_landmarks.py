"""The landmark network on real pictures of the open head: names, sides, gaps, and silence."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.fitting.landmarks import IRIS_CENTRES, SCORE_NAMES, Landmarker
from tdmm_core.fitting.sightings import watch
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render

MODEL = load_open_head()
LOOK = Look(width_px=256, height_px=256, supersampling=1)
BLANK = np.full((256, 256, 3), 128, np.uint8)


def posed(**units: float) -> FaceMotion:
    motion = neutral_motion(MODEL, 1)
    expression = motion.expression.copy()
    for name, value in units.items():
        expression[:, MODEL.expression_names.index(name)] = value
    return replace(motion, expression=expression)


def picture(motion: FaceMotion) -> np.ndarray:
    return next(iter(render(MODEL, motion, look=LOOK)))


@pytest.fixture(scope="module")
def landmarker(landmark_file: Path):
    with Landmarker(landmark_file, video=False) as opened:
        yield opened


def test_the_names_are_the_networks_own(landmarker: Landmarker) -> None:
    import mediapipe

    seen = landmarker._network.detect(mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture(posed())))
    assert tuple(c.category_name for c in seen.face_blendshapes[0]) == SCORE_NAMES
    assert set(SCORE_NAMES) - {"_neutral"} == set(MODEL.expression_names) - {"tongueOut"}


def score(landmarker: Landmarker, name: str, **units: float) -> float:
    seen = landmarker.see(picture(posed(**units)))
    assert seen is not None
    return float(seen[1][SCORE_NAMES.index(name)])


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_left_and_right_are_the_subjects_own(landmarker: Landmarker, side: str) -> None:
    other = {"Left": "Right", "Right": "Left"}[side]
    winked = {f"eyeBlink{side}": 1.0}
    assert score(landmarker, f"eyeBlink{side}", **winked) > score(landmarker, f"eyeBlink{other}", **winked) + 0.2
    seen = landmarker.see(picture(posed()))
    assert seen is not None
    right_iris, left_iris = seen[0][list(IRIS_CENTRES)]
    assert left_iris[0] > right_iris[0] + 20


@pytest.mark.parametrize(("axis", "angle"), [(1, 0.35), (1, -0.35), (2, 0.2), (2, -0.2)])
def test_the_networks_rotation_has_our_signs(landmarker: Landmarker, axis: int, angle: float) -> None:
    turned = np.zeros((1, 3))
    turned[0, axis] = angle
    seen = landmarker.see(picture(replace(posed(), global_orient=turned)))
    assert seen is not None
    rotation = seen[2]
    measured = {1: np.arctan2(rotation[0, 2], rotation[2, 2]), 2: np.arctan2(rotation[1, 0], rotation[0, 0])}[axis]
    assert measured * angle > 0 and abs(measured - angle) < 0.15


def test_frames_without_a_face_are_rows_of_nan_and_repeats_are_skipped(landmark_file: Path) -> None:
    face = picture(posed())
    frames = [(1.0, BLANK), (1.04, face), (1.04, face), (1.08, face), (1.12, BLANK)]
    with Landmarker(landmark_file) as landmarker:
        seen = watch(landmarker, frames).first
    assert seen.times_s.tolist() == [1.0, 1.04, 1.08, 1.12]
    assert seen.found.tolist()[:3] == [False, True, True]
    assert np.isfinite(seen.points_px[seen.found]).all() and np.isnan(seen.scores[0]).all()
    assert seen.size_px == (256, 256)


def test_no_frame_at_all_is_refused(landmark_file: Path) -> None:
    with Landmarker(landmark_file) as landmarker, pytest.raises(InputError, match="at least one frame"):
        watch(landmarker, [])


def test_a_file_that_is_no_model_is_named(landmark_file: Path, tmp_path: Path) -> None:
    (tmp_path / "other.task").write_bytes(b"not a model" * 50)
    with pytest.raises(InputError, match=r"other.task: expected a MediaPipe face landmark model"):
        Landmarker(tmp_path / "other.task")


def test_nothing_is_written_to_the_terminal(landmark_file: Path) -> None:
    """MediaPipe's native code talks when it opens, at the first picture and at the end."""
    lines = [
        "import numpy, sys; from pathlib import Path; from tdmm_core.fitting.landmarks import Landmarker",
        f"with Landmarker(Path({str(landmark_file)!r})) as network: network.see(numpy.zeros((64, 64, 3), numpy.uint8))",
        "print('kept', file=sys.stderr)",
    ]
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("", "kept\n")
