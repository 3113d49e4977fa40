"""Whole clips: a performed face whose truth is known, real faces, gaps, and clips without a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import BRIDGED, HELD, OBSERVED, FaceMotion
from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.fitting.clip_fit import Fit, fit_clip
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.fitting.landmarks import SCORE_NAMES, FaceLandmarks, Landmarker
from tdmm_core.fitting.people import see_clip
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle
from tdmm_core.performance.perform import perform
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render
from tdmm_core.runtime.seeding import stream
from tdmm_core.video.reader import open_video, read_frames

MODEL = load_open_head()
NAMES = MODEL.expression_names
FRAMES, SIZE, FPS = 60, 288, 25.0
SIDES = {"jaw to the side": {"side": "left"}}


@dataclass(frozen=True)
class Seen:
    """A clip as the network saw it, and what was made of it."""

    landmarks: FaceLandmarks
    fit: Fit


def performed() -> FaceMotion:
    """Somebody smiles broadly, blinks twice, opens the mouth and turns the head to the left and back."""
    t = np.linspace(0, 1, FRAMES)
    motion = neutral_motion(MODEL, FRAMES)
    expression, orient = np.zeros((FRAMES, len(NAMES))), np.zeros((FRAMES, 3))
    for unit, curve in {
        "mouthSmile": 0.9 * np.sin(np.pi * np.clip(t / 0.6, 0, 1)),
        "eyeBlink": sum(np.exp(-(((np.arange(FRAMES) - c) / 1.6) ** 2)) for c in (20, 45)),
        "browInnerUp": 0.7 * (t > 0.7) * (t - 0.7) / 0.3,
        "jawOpen": 0.6 * np.sin(np.pi * np.clip((t - 0.5) / 0.5, 0, 1)),
    }.items():
        for name in (unit, f"{unit}Left", f"{unit}Right"):
            if name in NAMES:
                expression[:, NAMES.index(name)] = np.clip(curve, 0, 1)
    orient[:, 1] = 0.35 * np.sin(np.pi * t)
    orient[:, 0] = 0.12 * np.sin(2 * np.pi * t)
    shape = stream(3, "somebody").normal(0, 0.7, MODEL.num_shape)
    transl = np.tile([0.01, -0.02, -0.62], (FRAMES, 1))
    return replace(motion, expression=expression, global_orient=orient, transl=transl, shape=shape)


@pytest.fixture(scope="module")
def truth() -> FaceMotion:
    return performed()


@pytest.fixture(scope="module")
def rendered(truth: FaceMotion, landmark_file: Path) -> Seen:
    return filmed_and_fitted(truth, landmark_file)


def filmed_and_fitted(truth: FaceMotion, landmark_file: Path) -> Seen:
    camera = Camera(focal_px=1.6 * SIZE, principal_point_px=(SIZE / 2, SIZE / 2), image_size_px=(SIZE, SIZE))
    frames = ((i / FPS, p) for i, p in enumerate(render(MODEL, truth, look=Look(camera=camera, supersampling=1))))
    with Landmarker(landmark_file) as landmarker:
        landmarks = see_clip(landmarker, frames)
    return Seen(landmarks, fit_clip(MODEL, load_calibration(MODEL), landmarks, num_frames=truth.num_frames, config=FitConfig()))


def error_mm(expression: np.ndarray, truth: FaceMotion) -> float:
    """Mean distance of the face's vertices, shape and pose removed."""
    moved = np.tensordot(expression - truth.expression, MODEL.expression_basis[:, MODEL.masks["face"]], 1)
    return float(1000 * np.linalg.norm(moved, axis=-1).mean())


def test_expression_is_far_nearer_than_the_neutral_face(rendered: Seen, truth: FaceMotion) -> None:
    fitted, floor = error_mm(rendered.fit.motion.expression, truth), error_mm(np.zeros_like(truth.expression), truth)
    assert fitted < 0.6 * floor, (fitted, floor)


@pytest.mark.slow
def test_performances_are_nearer_than_the_networks_scores_and_than_neutral(landmark_file: Path) -> None:
    """On what the performer does, the scores alone are worse than no expression at all; the fit is better than both (bench_fit measures how far)."""
    fitted, scores, floor = [], [], []
    for i, (kind, label) in enumerate([("head", "nod"), ("expression", "sadness"), ("action", "jaw to the side")]):
        script = Script(events=(Event(kind=kind, label=label, start_s=0.2, end_s=1.4, intensity=0.9, **SIDES.get(label, {})),), duration_s=1.6)
        acted = perform(script, seed=i, fps=FPS)
        acted = replace(acted, transl=np.tile([0.0, -0.02, -0.62], (acted.num_frames, 1)), shape=stream(i, "who").normal(0, 0.7, MODEL.num_shape))
        seen = filmed_and_fitted(acted, landmark_file)
        fitted.append(error_mm(seen.fit.motion.expression, acted))
        scores.append(error_mm(raw_scores(seen.landmarks), acted))
        floor.append(error_mm(np.zeros_like(acted.expression), acted))
    assert np.mean(fitted) < 0.9 * np.mean(scores) and np.mean(fitted) < np.mean(floor), (fitted, scores, floor)


def raw_scores(landmarks: FaceLandmarks) -> np.ndarray:
    """(T, E): the network's scores taken as expression."""
    none = np.zeros(len(landmarks.scores))
    return np.stack([landmarks.scores[:, SCORE_NAMES.index(n)] if n in SCORE_NAMES else none for n in NAMES], 1)


def test_head_rotation_is_right_in_sign_and_size(rendered: Seen, truth: FaceMotion) -> None:
    found = rendered.fit.motion.global_orient
    angles = np.degrees(geodesic_angle(axis_angle_to_matrix(found), axis_angle_to_matrix(truth.global_orient)))
    assert angles.mean() < 5
    for axis in (0, 1):
        assert np.corrcoef(found[:, axis], truth.global_orient[:, axis])[0, 1] > 0.9
    assert 0.26 < np.ptp(found[:, 1]) < 0.44


def test_blinks_stay_and_the_rest_is_calm(rendered: Seen) -> None:
    motion = rendered.fit.motion
    lids = motion.expression[:, [NAMES.index("eyeBlinkLeft"), NAMES.index("eyeBlinkRight")]].min(1)
    assert lids[18:23].max() > 0.6 and lids[43:48].max() > 0.6 and lids[28:38].max() < 0.35
    assert rendered.fit.quality.jitter_mm < 0.4


def test_motion_and_quality_are_whole(rendered: Seen) -> None:
    fit, motion = rendered.fit, rendered.fit.motion
    MODEL.check(motion)
    assert motion.num_frames == FRAMES and motion.fps == FPS and (motion.status == OBSERVED).all()
    assert motion.expression.min() >= 0 and motion.expression.max() <= 1
    assert np.allclose(motion.source_time_s, np.arange(FRAMES) / FPS)
    assert fit.quality.detection_rate == 1 and 0 < fit.quality.reprojection_share < 0.03
    assert 0.6 < fit.camera.focal_px / (1.6 * SIZE) < 1.6


def test_the_same_landmarks_give_the_same_motion(rendered: Seen) -> None:
    again = fit_clip(MODEL, load_calibration(MODEL), rendered.landmarks, num_frames=FRAMES, config=FitConfig())
    assert again.motion == rendered.fit.motion


def hidden(landmarks: FaceLandmarks, *spans: tuple[int, int]) -> FaceLandmarks:
    """The same clip with no face in some frames."""
    points, scores, rotations = landmarks.points_px.copy(), landmarks.scores.copy(), landmarks.rotations.copy()
    for start, stop in spans:
        for array in (points, scores, rotations):
            array[start:stop] = np.nan
    return replace(landmarks, points_px=points, scores=scores, rotations=rotations)


def test_a_short_gap_is_bridged_and_a_long_one_held(rendered: Seen) -> None:
    gone = hidden(rendered.landmarks, (0, 2), (10, 16), (30, 44))
    fit = fit_clip(MODEL, load_calibration(MODEL), gone, num_frames=FRAMES, config=FitConfig())
    motion = fit.motion
    assert set(motion.status[10:16]) == {BRIDGED} and set(motion.status[30:44]) == {HELD} and set(motion.status[:2]) == {HELD}
    assert (fit.quality.num_bridged, fit.quality.num_held) == (6, 16)
    assert fit.quality.detection_rate == pytest.approx(38 / 60)
    assert np.array_equal(motion.expression[30:44], np.repeat(motion.expression[29:30], 14, 0))
    share = (np.arange(10, 16) - 9) / 7
    between = motion.global_orient[9] + share[:, None] * (motion.global_orient[16] - motion.global_orient[9])
    assert np.allclose(motion.global_orient[10:16], between, atol=1e-5)


def test_one_sighting_is_enough(rendered: Seen) -> None:
    gone = hidden(rendered.landmarks, (0, 10), (11, FRAMES))
    motion = fit_clip(MODEL, load_calibration(MODEL), gone, num_frames=FRAMES, config=FitConfig()).motion
    assert motion.status.tolist() == [HELD] * 10 + [OBSERVED] + [HELD] * (FRAMES - 11)
    assert motion.expression[:, NAMES.index("mouthSmileLeft")].min() > 0.2


def test_no_face_is_said(rendered: Seen) -> None:
    with pytest.raises(InputError, match="no face was found in any of 60 frames"):
        fit_clip(MODEL, load_calibration(MODEL), hidden(rendered.landmarks, (0, FRAMES)), num_frames=FRAMES, config=FitConfig())


def fitted_file(path: Path, landmark_file: Path) -> Seen:
    with Landmarker(landmark_file) as landmarker:
        landmarks = see_clip(landmarker, read_frames(path))
    frames = len(open_video(path).frame_indices(FPS))
    return Seen(landmarks, fit_clip(MODEL, load_calibration(MODEL), landmarks, num_frames=frames, config=FitConfig()))


def test_a_real_face_that_begins_to_smile(asset: Callable[[str], Path], landmark_file: Path) -> None:
    seen = fitted_file(asset("test-face-video"), landmark_file)
    motion = seen.fit.motion
    smile = motion.expression[:, [NAMES.index("mouthSmileLeft"), NAMES.index("mouthSmileRight")]].mean(1)
    assert smile[:8].max() < 0.2 and smile[20:55].min() > 0.5  # the smile lets go in the last frames
    assert motion.expression[:, [NAMES.index(n) for n in ("mouthFrownLeft", "mouthPucker", "cheekPuff", "tongueOut")]].max() < 0.35
    assert seen.fit.quality.detection_rate == 1 and seen.fit.quality.reprojection_share < 0.02
    assert np.degrees(np.abs(motion.global_orient)).max() < 25


@pytest.mark.slow
def test_a_real_face_that_comes_late_at_a_variable_rate(asset: Callable[[str], Path], landmark_file: Path) -> None:
    seen = fitted_file(asset("test-late-face-video"), landmark_file)
    motion, found = seen.fit.motion, seen.landmarks.found
    assert 0.2 < found.mean() < 0.8 and motion.status[0] == HELD and motion.status[-1] == OBSERVED
    assert np.isclose(motion.source_time_s[-1], seen.landmarks.times_s[-1], atol=0.1)
    assert seen.fit.quality.reprojection_share < 0.02
