"""Points of FLAME for the solver: the same as the whole mesh has, and float64 derivatives against differences, also at 0, pi and -pi."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flame_cases import NUM_HEAD, made_flame

from tdmm_core.fitting.articulated_landmarks import Controls, articulated_landmarks
from tdmm_core.morphable.model import geometry, neutral_motion

E, S = 20, 12


def landmarks(rng: np.random.Generator, count: int = 60):
    """Random points of the face, lips and lids included, the last ten on the eyeballs."""
    model = made_flame()
    face = np.flatnonzero(model.masks["face"][model.triangles].all(1))
    eyes = np.flatnonzero((model.triangles >= NUM_HEAD).all(1))
    triangles = np.concatenate([rng.choice(face, count - 10), rng.choice(eyes, 10)])
    barycentric = rng.dirichlet(np.ones(3), count)
    return model, triangles, barycentric, articulated_landmarks(model, triangles, barycentric, num_expression=E, num_shape=S)


def controls(rng: np.random.Generator, frames: int, turn_rad: float) -> Controls:
    return Controls(expression=rng.normal(0, 1, (frames, E)), turns=rng.normal(0, turn_rad, (frames, 3, 3)), eyelids=rng.uniform(0, 1, (frames, 2)))


def test_points_are_those_of_the_whole_mesh() -> None:
    rng = np.random.default_rng(0)
    model, triangles, barycentric, lm = landmarks(rng)
    c, shape = controls(rng, 3, 0.5), rng.normal(0, 1, S)
    motion = replace(
        neutral_motion(model, 3), expression=c.expression, expression_names=model.expression_names[:E], shape=shape, jaw_pose=c.turns[:, 0],
        eye_pose=c.turns[:, 1:].reshape(3, 6), eyelids=c.eyelids,
    )  # fmt: skip
    vertices = geometry(model, motion, with_shape=True)
    expected = np.einsum("lc,tlcx->tlx", barycentric, vertices[:, model.triangles[triangles]])
    assert np.abs(lm.points(c, shape) - expected).max() < 1e-6


@pytest.mark.parametrize("angle", [0.0, 0.3, np.pi, -np.pi])
@pytest.mark.parametrize("joint", [0, 1, 2])
def test_derivatives_are_right_in_float64(angle: float, joint: int) -> None:
    rng = np.random.default_rng(1)
    _, _, _, lm = landmarks(rng)
    c, shape = controls(rng, 2, 0.2), rng.normal(0, 1, S)
    turns = c.turns.copy()
    turns[:, joint] = angle * np.array([[0.6, -0.64, 0.48], [1, 0, 0]])
    c = replace(c, turns=turns)
    step = 1e-6
    for turned in range(3):
        made = lm.by_turn(c, shape, turned)
        for axis in range(3):
            ends = [lm.points(replace(c, turns=c.turns + sign * step * np.eye(9)[3 * turned + axis].reshape(3, 3)), shape) for sign in (1, -1)]
            assert np.abs((ends[0] - ends[1]) / (2 * step) - made[..., axis]).max() < 1e-9


def test_torch_agrees_with_the_derivatives() -> None:
    """The same formula in torch, differentiated by torch: skinning of single vertices with pose correctives, float64."""
    torch = pytest.importorskip("torch")
    from tdmm_core.morphable.rotations_torch import axis_angle_to_matrix

    rng = np.random.default_rng(3)
    model, triangles, barycentric, lm = landmarks(rng, 14)
    c, shape = controls(rng, 1, 0.3), np.zeros(S)
    a, ids = model.articulation, model.triangles[triangles].ravel()
    t = lambda x: torch.tensor(np.asarray(x, np.float64))  # noqa: E731

    def points(vector):
        expression, turns, lids = vector[:E], vector[E : E + 9].reshape(3, 3), vector[E + 9 :]
        rotations = torch.cat([torch.eye(3, dtype=torch.float64)[None].repeat(2, 1, 1), axis_angle_to_matrix(turns)])
        joints = t(a.joints) + torch.tensordot(expression, t(a.joints_by_expression[:E]), 1)
        rest = t(model.template[ids]) + torch.tensordot(expression, t(model.expression_basis[:E, ids]), 1)
        rest = rest + torch.tensordot(lids, t(a.eyelids[:, ids]), 1)
        rest = rest + torch.tensordot((rotations[1:] - torch.eye(3)).reshape(-1), t(a.pose_directions[:, ids]), 1)
        moved = torch.einsum("jxy,vjy->vjx", rotations, rest[:, None] - joints) + joints
        return (t(a.skin_weights[ids])[..., None] * moved).sum(1).reshape(-1, 3, 3).mul(t(barycentric)[..., None]).sum(1)

    vector = torch.tensor(np.concatenate([c.expression[0], c.turns[0].ravel(), c.eyelids[0]]), requires_grad=True)
    assert torch.autograd.gradcheck(points, (vector,), eps=1e-6, atol=1e-7)
    jacobian = torch.autograd.functional.jacobian(points, vector)
    made = np.concatenate([lm.by_turn(c, shape, joint) for joint in range(3)], axis=-1)
    assert np.abs(jacobian.numpy()[..., E : E + 9] - made[0]).max() < 1e-6
    assert np.abs(points(vector).detach().numpy() - lm.points(c, shape)[0]).max() < 1e-9
