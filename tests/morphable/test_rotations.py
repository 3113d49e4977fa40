"""Rotations: properties of the NumPy functions, their twins in torch, and finite gradients at 0 and pi."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.morphable import rotations as rn
from tdmm_core.morphable import rotations_torch as rt

ANGLES = st.one_of(st.sampled_from([0.0, 1e-12, 1e-7, 9e-5, 1.1e-4, np.pi / 2, np.pi - 1e-7, np.pi, -np.pi]), st.floats(-np.pi, np.pi))
DIRECTIONS = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 1e-2)


@st.composite
def vectors(draw):
    """A rotation vector of length 0 to pi, the ends included."""
    direction = np.array(draw(DIRECTIONS))
    return draw(ANGLES) * direction / np.linalg.norm(direction)


def series_matrix(v):
    """The slow twin: the matrix exponential by its series."""
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    out, term = np.eye(3), np.eye(3)
    for n in range(1, 40):
        term = term @ k / n
        out = out + term
    return out


@given(vectors())
@settings(max_examples=150, deadline=None)
def test_axis_angle_to_matrix_is_the_matrix_exponential(v):
    m = rn.axis_angle_to_matrix(v)
    assert np.allclose(m, series_matrix(v), atol=1e-12)
    assert np.allclose(m @ m.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(m) == pytest.approx(1)


@given(vectors())
@settings(max_examples=150, deadline=None)
def test_there_and_back(v):
    back = rn.matrix_to_axis_angle(rn.axis_angle_to_matrix(v))
    angle = np.linalg.norm(v)
    assert np.linalg.norm(back) <= np.pi + 1e-9
    if angle < np.pi - 1e-6:
        assert np.allclose(back, v, atol=1e-9)
    else:
        assert min(np.abs(back - v).max(), np.abs(back + v).max()) < 1e-5


@given(vectors(), vectors())
@settings(max_examples=100, deadline=None)
def test_geodesic_angle(first, second):
    a, b = rn.axis_angle_to_matrix(first), rn.axis_angle_to_matrix(second)
    assert rn.geodesic_angle(a, b) == pytest.approx(rn.geodesic_angle(b, a), abs=1e-9)
    assert rn.geodesic_angle(a, a) == pytest.approx(0, abs=1e-7)
    assert rn.geodesic_angle(np.eye(3), a) == pytest.approx(np.linalg.norm(first), abs=1e-7)
    assert np.cos(rn.geodesic_angle(a, b)) == pytest.approx((np.trace(a.T @ b) - 1) / 2, abs=1e-9)


@given(vectors())
@settings(max_examples=60, deadline=None)
def test_sixd_there_and_back_whatever_its_scale(v):
    m = rn.axis_angle_to_matrix(v)
    six = rn.matrix_to_sixd(m)
    assert np.allclose(rn.sixd_to_matrix(six), m, atol=1e-12)
    assert np.allclose(rn.sixd_to_matrix(six * 3.7), m, atol=1e-12)


@given(vectors(), vectors())
@settings(max_examples=60, deadline=None)
def test_numpy_and_torch_are_twins(first, second):
    a, b = torch.tensor(first), torch.tensor(second)
    m, other = rn.axis_angle_to_matrix(first), rn.axis_angle_to_matrix(second)
    assert np.allclose(rt.axis_angle_to_matrix(a), m, atol=1e-12)
    assert np.allclose(rt.matrix_to_axis_angle(torch.tensor(m)), rn.matrix_to_axis_angle(m), atol=1e-9)
    assert np.allclose(rt.geodesic_angle(torch.tensor(m), torch.tensor(other)), rn.geodesic_angle(m, other), atol=1e-7)
    assert np.allclose(rt.matrix_to_sixd(torch.tensor(m)), rn.matrix_to_sixd(m))
    assert np.allclose(rt.sixd_to_matrix(rt.matrix_to_sixd(torch.tensor(m))), m, atol=1e-12)
    assert rt.axis_angle_to_matrix(torch.stack([a, b])).shape == (2, 3, 3)


@given(vectors())
@settings(max_examples=60, deadline=None)
def test_gradients_are_finite_everywhere(v):
    for dtype in (torch.float32, torch.float64):
        x = torch.tensor(v, dtype=dtype, requires_grad=True)
        m = rt.axis_angle_to_matrix(x)
        angle = rt.geodesic_angle(m, torch.eye(3, dtype=dtype))
        (m.sum() + rt.matrix_to_axis_angle(m).sum() + angle + rt.sixd_to_matrix(rt.matrix_to_sixd(m)).sum()).backward()
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("v", [[0.0, 0, 0], [0.3, -0.8, 0.5], [0, 3e-5, 0]])
def test_gradient_of_the_matrix_is_right(v):
    x = torch.tensor(v, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(rt.axis_angle_to_matrix, (x,), eps=1e-7, atol=1e-6)


def test_float32_stays_float32_and_any_leading_shape_works():
    v = np.zeros((2, 5, 3), np.float32)
    assert rn.axis_angle_to_matrix(v).dtype == np.float32
    assert rn.matrix_to_axis_angle(rn.axis_angle_to_matrix(v)).shape == (2, 5, 3)
    assert rn.geodesic_angle(rn.axis_angle_to_matrix(v), np.eye(3)).shape == (2, 5)


def test_the_signs_that_motions_use():
    """y > 0 turns the nose to the subject's left (+x), x > 0 looks down, z > 0 tilts the crown toward the right shoulder (-x)."""
    nose, crown = np.array([0, 0, 1.0]), np.array([0, 1.0, 0])
    assert rn.axis_angle_to_matrix([0, 0.5, 0]) @ nose == pytest.approx([np.sin(0.5), 0, np.cos(0.5)])
    assert (rn.axis_angle_to_matrix([0.5, 0, 0]) @ nose)[1] < -0.4
    assert (rn.axis_angle_to_matrix([0, 0, 0.5]) @ crown)[0] < -0.4
