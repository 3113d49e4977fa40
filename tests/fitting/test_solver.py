"""The solver on problems whose answer is known: no pictures, only its own projection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tdmm_core.fitting import solver
from tdmm_core.fitting.identity import IdentityPrior, solve_identity
from tdmm_core.fitting.landmark_model import LandmarkModel, Pose
from tdmm_core.fitting.problem import Answer, Face, Observations, projection
from tdmm_core.fitting.solver import Evenness, solve_clip, solve_frames

LANDMARKS, UNITS, SHAPES = 60, 5, 3
CENTRE = np.array([160.0, 120.0])


@pytest.fixture
def lm() -> LandmarkModel:
    rng = np.random.default_rng(3)
    return LandmarkModel(
        mean=rng.normal(0, (0.05, 0.06, 0.03), (LANDMARKS, 3)),
        expression=rng.normal(0, 0.006, (LANDMARKS, 3, UNITS)),
        shape=rng.normal(0, 0.004, (LANDMARKS, 3, SHAPES)),
        turn=np.zeros((LANDMARKS, 3, 3)),
        pivot=np.zeros(3),
    )


def acted(num_frames: int) -> Answer:
    """A nodding head whose first unit blinks for three frames and whose second swells slowly; others rest at the bound."""
    t = np.linspace(0, 1, num_frames)
    expression = np.zeros((num_frames, UNITS))
    expression[num_frames // 2 - 1 : num_frames // 2 + 2, 0] = (0.6, 1.0, 0.5)
    expression[:, 1] = np.sin(np.pi * t)
    rotation = np.stack([0.2 * np.sin(4 * t), 0.3 * t, 0 * t], 1)
    transl = np.stack([0.02 * t, 0 * t, -0.6 - 0.05 * t], 1)
    return Answer(expression=expression, pose=Pose(rotation=rotation, transl=transl))


def seen_of(lm: LandmarkModel, face: Face, truth: Answer, noise_px: float = 0.0) -> Observations:
    points = projection(lm, face, truth, CENTRE).points_px
    points = points + np.random.default_rng(4).normal(0, noise_px, points.shape) if noise_px else points
    shape = points.shape[:2]
    weak = np.full(UNITS, 0.02)
    return Observations(
        points_px=points, precision=np.full(shape, 2.0), expected=np.zeros((shape[0], UNITS)), expected_precision=weak, centre_px=CENTRE,
        rotation=np.zeros((shape[0], 3)), rotation_precision=np.full(3, 1e-3),
    )  # fmt: skip


def rough(truth: Answer) -> Answer:
    pose = Pose(rotation=truth.pose.rotation + 0.1, transl=truth.pose.transl + np.array([0.01, -0.01, 0.05]))
    return Answer(expression=np.full_like(truth.expression, 0.3), pose=pose)


def mean_face(focal_px: float = 400.0) -> Face:
    return Face(shape=np.zeros(SHAPES), focal_px=focal_px, offset=np.zeros((LANDMARKS, 3)))


def even_of(num_frames: int, strength: float) -> Evenness:
    return Evenness(precision=np.full(UNITS + 6, strength), follows=np.ones(num_frames - 1, bool))


def test_the_truth_is_found_again_bounds_included(lm: LandmarkModel) -> None:
    truth = acted(20)
    found = solve_frames(lm, mean_face(), seen_of(lm, mean_face(), truth), rough(truth), even=even_of(20, 0.0), iterations=30)
    assert np.abs(found.expression - truth.expression).max() < 0.02
    assert np.abs(found.pose.rotation - truth.pose.rotation).max() < 2e-3
    assert np.abs(found.pose.transl - truth.pose.transl).max() < 2e-3
    assert found.expression.min() >= 0 and found.expression.max() <= 1


def test_outliers_hardly_matter(lm: LandmarkModel) -> None:
    truth, face = acted(6), mean_face()
    seen = seen_of(lm, face, truth)
    points = seen.points_px.copy()
    points[:, :5] += 40
    found = solve_frames(lm, face, replace(seen, points_px=points), rough(truth), even=even_of(6, 0.0), iterations=30)
    assert np.abs(found.expression - truth.expression).max() < 0.05


def test_evenness_calms_noise_and_keeps_a_blink(lm: LandmarkModel) -> None:
    truth, face = acted(60), mean_face()
    seen = seen_of(lm, face, truth, noise_px=1.5)
    strength = np.concatenate([[2.0], np.full(UNITS - 1, 25.0), np.full(6, 300.0)])
    found = {}
    for name, even in (("free", even_of(60, 0.0)), ("even", Evenness(precision=strength, follows=np.ones(59, bool)))):
        found[name] = solve_frames(lm, face, seen, rough(truth), even=even, iterations=20)
    jitter = {name: np.abs(np.diff(a.expression[:, 1], 2)).mean() for name, a in found.items()}
    error = {name: np.abs(a.expression[:, 1] - truth.expression[:, 1]).mean() for name, a in found.items()}
    assert jitter["even"] < 0.5 * jitter["free"] and error["even"] < error["free"]
    assert found["even"].expression[30, 0] > 0.75


def test_frames_that_do_not_follow_one_another_are_not_tied(lm: LandmarkModel) -> None:
    """With a gap between them, two halves are solved as if each were alone."""
    truth, face = acted(20), mean_face()
    seen, start = seen_of(lm, face, truth, noise_px=1.0), rough(truth)
    follows = np.ones(19, bool)
    follows[9] = False
    whole = solve_frames(lm, face, seen, start, even=Evenness(precision=np.full(UNITS + 6, 20.0), follows=follows), iterations=40)
    half = solve_frames(lm, face, seen[:10], Answer.of(start.vector[:10]), even=even_of(10, 20.0), iterations=40)
    assert np.abs(whole.expression[:10] - half.expression).max() < 0.02


def test_windows_give_what_one_piece_gives(lm: LandmarkModel, monkeypatch: pytest.MonkeyPatch) -> None:
    truth, face = acted(90), mean_face()
    seen, even = seen_of(lm, face, truth, noise_px=1.0), even_of(90, 5.0)
    whole = solve_clip(lm, face, seen, rough(truth), even=even, iterations=30)
    monkeypatch.setattr(solver, "_WINDOW", 30)
    monkeypatch.setattr(solver, "_OVERLAP", 20)
    assert np.abs(solve_clip(lm, face, seen, rough(truth), even=even, iterations=30).vector - whole.vector).max() < 0.02


def test_the_banded_step_equals_a_dense_solve(lm: LandmarkModel) -> None:
    """The slow twin: the whole matrix, written out."""
    truth, face = acted(7), mean_face()
    seen, even = seen_of(lm, face, truth, noise_px=1.0), even_of(7, 3.0)
    vector = np.clip(rough(truth).vector, -10, 10)
    step = solver._step(lm, face, vector, seen, even)
    equations = solver._all_equations(lm, face, vector, seen)
    size, own = vector.size, vector.shape[1]
    dense, gradient = np.zeros((size, size)), equations.gradient.ravel().copy()
    for t in range(7):
        dense[t * own : (t + 1) * own, t * own : (t + 1) * own] = equations.hessian[t]
    bend = np.zeros((5, 7))
    for row in range(5):
        bend[row, row : row + 3] = (1, -2, 1)
    operator = np.kron(bend, np.eye(own)) * 3.0
    dense += operator.T @ operator
    gradient += operator.T @ operator @ vector.ravel()
    assert np.allclose(step.ravel(), -np.linalg.solve(dense, gradient), rtol=1e-3, atol=2e-5)


def test_shape_and_lens_are_found_with_the_frames(lm: LandmarkModel) -> None:
    truth = acted(12)
    face = Face(shape=np.array([1.2, -0.8, 0.5]), focal_px=450.0, offset=np.zeros((LANDMARKS, 3)))
    prior = IdentityPrior(focal_px=380.0, focal_log_deviation=0.25, shape_precision=0.1)
    found, answer = solve_identity(lm, seen_of(lm, face, truth), rough(truth), prior, iterations=40)
    assert np.abs(found.shape - face.shape).max() < 0.25
    assert abs(np.log(found.focal_px / face.focal_px)) < 0.08
    assert np.abs(answer.expression - truth.expression).max() < 0.1


def test_a_given_focal_length_stays(lm: LandmarkModel) -> None:
    truth = acted(6)
    prior = IdentityPrior(focal_px=400.0, focal_log_deviation=0.0)
    found, _ = solve_identity(lm, seen_of(lm, mean_face(), truth), rough(truth), prior)
    assert found.focal_px == pytest.approx(400.0, rel=1e-6)
