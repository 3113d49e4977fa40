from __future__ import annotations

import numpy as np
import torch

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.morphable.model import geometry
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle, matrix_to_sixd
from tdmm_core.tokenization import losses
from tdmm_core.tokenization.features import GeometryFeatures
from tdmm_core.tokenization.geometry import UNIT_MM, FaceGeometry, face_geometry, spread_points
from tests.tokenization.conftest import a_motion


def test_vertex_l1_is_the_weighted_mean_over_the_chosen_vertices():
    random = np.random.default_rng(0)
    chosen = FaceGeometry(
        basis_mm=random.normal(size=(5, 4, 3)).astype(np.float32), weights=np.array([0.1, 0.2, 0.3, 0.4], np.float32), metric=np.eye(5)
    )
    difference = random.normal(size=(2, 6, 5)).astype(np.float32)
    displaced = losses.displacement_mm(torch.from_numpy(difference), torch.from_numpy(chosen.loss_basis()))
    distance, velocity = losses.vertex_l1_mm(displaced), losses.velocity_l1_mm(displaced)
    moved = np.zeros((2, 6, 4, 3))
    for b, t, v in np.ndindex(2, 6, 4):
        moved[b, t, v] = sum(difference[b, t, e] * chosen.basis_mm[e, v] for e in range(5))
    for b, t in np.ndindex(2, 6):
        assert np.isclose(distance[b, t], sum(chosen.weights[v] * np.abs(moved[b, t, v]).sum() for v in range(4)), rtol=1e-4)
    for b, t in np.ndindex(2, 5):
        change = moved[b, t + 1] - moved[b, t]
        assert np.isclose(velocity[b, t], sum(chosen.weights[v] * np.abs(change[v]).sum() for v in range(4)), rtol=1e-4)


def test_rotation_loss_is_the_angle():
    random = np.random.default_rng(1)
    first, second = (axis_angle_to_matrix(random.normal(0, 0.1, (3, 5, 3)).astype(np.float32)) for _ in range(2))
    loss = losses.rotation_deg(torch.from_numpy(matrix_to_sixd(first)), torch.from_numpy(matrix_to_sixd(second)))
    assert np.allclose(loss, np.degrees(geodesic_angle(first, second)), rtol=0.02, atol=0.01)


def test_rotation_velocity_is_zero_for_a_constant_offset_and_grows_with_shaking():
    still = torch.from_numpy(matrix_to_sixd(axis_angle_to_matrix(np.zeros((1, 4, 3), np.float32))))
    offset = torch.from_numpy(matrix_to_sixd(axis_angle_to_matrix(np.full((1, 4, 3), 0.1, np.float32))))
    shaken = still.clone()
    shaken[:, ::2] = offset[:, ::2]
    assert losses.rotation_velocity_deg(offset, still).max() < 0.02
    assert torch.allclose(losses.rotation_velocity_deg(shaken, still), losses.rotation_deg(offset, still)[:, 1:], rtol=0.05)


def test_gradients_are_finite_at_a_perfect_answer():
    sixd = torch.from_numpy(matrix_to_sixd(axis_angle_to_matrix(np.zeros((1, 3, 3), np.float32)))).requires_grad_(True)
    (losses.rotation_deg(sixd, sixd.detach()).sum() + losses.rotation_velocity_deg(sixd, sixd.detach()).sum()).backward()
    assert torch.isfinite(sixd.grad).all()


def test_chosen_vertices_stand_for_the_whole_face():
    """The loss on some hundred vertices agrees with the error over all vertices of the face mask."""
    model = load_open_head()
    chosen = face_geometry(model, num_vertices=300, lips_weight=0.0, lids_weight=0.0)
    assert np.isclose(chosen.weights.sum(), 1.0, atol=1e-5)
    motion = a_motion(3)
    moved = (geometry(model, motion) - model.template)[:, model.masks["face"]] * 1000
    displaced = losses.displacement_mm(torch.tensor(motion.expression), torch.from_numpy(chosen.loss_basis()))
    assert np.isclose(float(losses.vertex_l1_mm(displaced).mean()), np.abs(moved).sum(-1).mean(), rtol=0.05)
    rms = np.linalg.norm(motion.expression @ chosen.metric, axis=-1)
    units = UNIT_MM * np.linalg.norm(motion.expression, axis=-1)
    assert np.allclose(rms, np.sqrt((moved**2).sum(-1).mean(-1) + units**2), rtol=1e-3)


def test_lids_and_lips_weigh_more_when_asked():
    model = load_open_head()
    blink = np.zeros((1, model.num_expression), np.float32)
    blink[0, model.expression_names.index("eyeBlinkLeft")] = 1
    plain, more = (face_geometry(model, num_vertices=300, lips_weight=0.0, lids_weight=w) for w in (0.0, 1.0))
    assert np.abs(blink @ more.loss_basis()).sum() > 2 * np.abs(blink @ plain.loss_basis()).sum()


def test_spread_points_lie_apart_and_own_their_nearest():
    points = np.random.default_rng(0).random((200, 3))
    chosen, nearest = spread_points(points, 20)
    assert len(set(chosen.tolist())) == 20
    distances = np.linalg.norm(points[:, None] - points[chosen][None], axis=-1)
    assert np.array_equal(nearest, distances.argmin(1))


def test_features_come_back_and_weigh_what_is_seen():
    model = load_open_head()
    features = GeometryFeatures(model.num_expression, rotation_mm=40.0)
    features.set_metric(torch.from_numpy(face_geometry(model, num_vertices=300, lips_weight=0.5, lids_weight=0.5).metric))
    motion: FaceMotion = a_motion(1)
    sixd = torch.from_numpy(matrix_to_sixd(axis_angle_to_matrix(motion.global_orient)))
    made = features(torch.tensor(motion.expression), sixd)
    expression, back = features.back(made)
    assert torch.allclose(back, sixd, atol=1e-5)
    assert np.allclose(expression, motion.expression, atol=1e-4)
    directions = np.linalg.eigh(
        model.expression_basis.reshape(model.num_expression, -1) @ model.expression_basis.reshape(model.num_expression, -1).T
    )[1]
    flat, steep = (torch.from_numpy(np.ascontiguousarray(directions[:, i])) @ features.metric for i in (0, -1))
    assert flat.norm() < 0.1 * steep.norm()
