"""The projection of landmarks: derivatives against differences, and the camera's conventions."""

from __future__ import annotations

import numpy as np
import pytest

from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.fitting.identity import key_frames
from tdmm_core.fitting.initial_pose import continuous, initial_pose
from tdmm_core.fitting.landmark_model import LandmarkModel, Pose, landmark_model, left_jacobian, project
from tdmm_core.fitting.problem import Answer, Face, Observations, frame_cost, frame_equations, projection, thinned_equations
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix

CENTRE = np.array([100.0, 80.0])


def small_model(rng: np.random.Generator, landmarks: int = 40, units: int = 6, shapes: int = 3) -> LandmarkModel:
    """A random face of some 16 cm: spread points, units of about 1 cm."""
    return LandmarkModel(
        mean=rng.normal(0, (0.05, 0.06, 0.02), (landmarks, 3)),
        expression=rng.normal(0, 0.008, (landmarks, 3, units)),
        shape=rng.normal(0, 0.004, (landmarks, 3, shapes)),
        turn=rng.normal(0, 0.001, (landmarks, 3, 3)),
        pivot=np.array([0.0, 0.01, -0.02]),
    )


def answer(rng: np.random.Generator, frames: int, units: int) -> Answer:
    transl = np.stack([*rng.normal(0, 0.05, (2, frames)), rng.uniform(-0.8, -0.5, frames)], 1)
    return Answer(expression=rng.uniform(0.1, 0.9, (frames, units)), pose=Pose(rotation=rng.normal(0, 0.2, (frames, 3)), transl=transl))


def test_derivatives_of_projection_equal_differences() -> None:
    rng = np.random.default_rng(0)
    points, pivot = rng.normal(0, 0.06, (2, 5, 3)), np.array([0.0, 0.01, 0.02])
    pose = Pose(rotation=rng.normal(0, 0.6, (2, 3)), transl=np.array([[0.02, -0.03, -0.6], [0, 0.05, -0.9]]))
    now = project(points, pose, pivot, focal_px=300, centre_px=CENTRE)
    step = 1e-6
    for axis in range(3):
        for name, derivative in (("point", now.by_point), ("rotation", now.by_rotation), ("transl", now.by_transl)):
            moved = {"points": points.copy(), "rotation": pose.rotation.copy(), "transl": pose.transl.copy()}
            moved["points" if name == "point" else name][..., axis] += step
            later = project(moved["points"], Pose(rotation=moved["rotation"], transl=moved["transl"]), pivot, focal_px=300, centre_px=CENTRE)
            assert np.allclose((later.points_px - now.points_px) / step, derivative[..., axis], atol=0.02, rtol=1e-4), name


@pytest.mark.parametrize("size", [0.0, 1e-6, 0.3, 2.5])
def test_left_jacobian_is_the_derivative_of_the_exponential(size: float) -> None:
    rotation = np.array([[0.6, -0.64, 0.48]]) * size
    step = np.array([[1e-6, -2e-6, 3e-6]])
    moved = axis_angle_to_matrix(left_jacobian(rotation)[0] @ step[0]) @ axis_angle_to_matrix(rotation[0])
    assert np.allclose(moved, axis_angle_to_matrix(rotation[0] + step[0]), atol=1e-10)


def test_up_is_up_and_left_is_the_pictures_right() -> None:
    """The subject's left (+x) is on the picture's right, up (+y) has a smaller row, and nearer is larger."""
    points = np.array([[[0.0, 0, 0], [0.05, 0, 0], [0, 0.05, 0], [0.05, 0, 0.1]]])
    pose = Pose(rotation=np.zeros((1, 3)), transl=np.array([[0, 0, -0.5]]))
    middle, left, up, near = project(points, pose, np.zeros(3), focal_px=200, centre_px=CENTRE).points_px[0]
    assert np.allclose(middle, CENTRE) and left[0] > middle[0] and up[1] < middle[1] and near[0] > left[0]


def test_equations_are_the_costs_derivative() -> None:
    rng = np.random.default_rng(1)
    lm, truth, guess = small_model(rng), answer(rng, 3, 6), answer(rng, 3, 6)
    face = Face(shape=rng.normal(0, 1, 3), focal_px=250.0, offset=np.zeros((40, 3)))
    target = project(lm.points(truth.expression, face.shape, truth.pose.rotation), truth.pose, lm.pivot, focal_px=250, centre_px=CENTRE).points_px
    # Weak landmarks, so that the robust weight hardly changes with the step.
    seen = Observations(
        points_px=target, precision=np.full((3, 40), 1e-3), expected=np.full((3, 6), 0.5), expected_precision=np.full(6, 0.7), centre_px=CENTRE,
        rotation=rng.normal(0, 0.2, (3, 3)), rotation_precision=np.array([2.0, 1.0, 3.0]),
    )  # fmt: skip
    gradient = frame_equations(lm, face, guess, seen).gradient
    for frame, column in ((0, 0), (1, 5), (2, 6), (0, 8), (1, 9), (2, 11)):
        moved = guess.vector.copy()
        moved[frame, column] += 1e-5
        slope = (frame_cost(lm, face, Answer.of(moved), seen) - frame_cost(lm, face, guess, seen)) / 2e-5
        assert np.isclose(slope, gradient[frame, column], rtol=0.02, atol=1e-4), (frame, column)


def test_thinned_equations_have_the_exact_gradient_and_nearly_the_hessian() -> None:
    """On the package's own calibration: the fast path against the slow one."""
    model = load_open_head()
    lm, rng = landmark_model(model, load_calibration(model)), np.random.default_rng(2)
    truth, guess = (answer(rng, 4, model.num_expression) for _ in range(2))
    face = Face(shape=rng.normal(0, 1, model.num_shape), focal_px=500.0, offset=rng.normal(0, 1e-3, lm.mean.shape))
    count = len(lm.mean)
    seen = Observations(
        points_px=projection(lm, face, truth, CENTRE).points_px,
        precision=rng.uniform(0.02, 0.04, (4, count)),
        expected=guess.expression,
        expected_precision=np.full(model.num_expression, 0.7),
        rotation=guess.pose.rotation,
        rotation_precision=np.ones(3),
        centre_px=CENTRE,
    )
    exact, thin = (make(lm, face, guess, seen) for make in (frame_equations, thinned_equations))
    scale = np.sqrt(np.einsum("tpp->tp", exact.hessian))
    assert np.abs((thin.gradient - exact.gradient) / scale).max() < 1e-3 * np.abs(exact.gradient / scale).max()
    correlation = [h / scale[:, :, None] / scale[:, None, :] for h in (exact.hessian, thin.hessian)]
    assert np.abs(correlation[1] - correlation[0]).mean() < 0.05 and np.linalg.eigvalsh(thin.hessian).min() > 0


def test_first_guess_of_the_pose_is_near() -> None:
    rng = np.random.default_rng(2)
    lm, truth = small_model(rng), answer(rng, 8, 6)
    neutral = np.zeros((8, 6))
    points = project(lm.points(neutral, np.zeros(3), truth.pose.rotation), truth.pose, lm.pivot, focal_px=250, centre_px=CENTRE).points_px
    guess = initial_pose(lm, points, axis_angle_to_matrix(truth.pose.rotation), focal_px=250, centre_px=CENTRE)
    assert np.abs(guess.transl - truth.pose.transl).max() < 0.12
    assert np.allclose(guess.rotation, truth.pose.rotation, atol=1e-6)


def test_rotations_do_not_jump_by_a_turn() -> None:
    angles = np.linspace(2.8, 3.5, 8)
    wrapped = np.where(angles > np.pi, angles - 2 * np.pi, angles)[:, None] * np.array([0.0, 1.0, 0.0])
    assert np.allclose(continuous(wrapped)[:, 1], angles)


def test_key_frames_are_the_most_different() -> None:
    features = np.concatenate([np.zeros((20, 2)), [[9.0, 0]], np.zeros((5, 2)), [[0, 7.0]]])
    assert set(key_frames(features, 3)) >= {20, 26}
    assert len(key_frames(np.zeros((5, 2)), 4)) == 1
