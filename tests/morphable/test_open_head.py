"""The open head: what it holds, which side is which, that it is linear, and that its lids close on the eyeball without a spike."""

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.model import geometry, geometry_digest, neutral_motion, posed
from tdmm_core.morphable.open_head import load_open_head


@pytest.fixture(scope="module")
def head():
    return load_open_head()


def with_units(head, units, num_frames=1, **terms):
    motion = neutral_motion(head, num_frames)
    expression = np.zeros((num_frames, head.num_expression), np.float32)
    for name, value in units.items():
        expression[:, head.expression_names.index(name)] = value
    return replace(motion, expression=expression, **terms)


def unit(head, name):
    return head.expression_basis[head.expression_names.index(name)]


def centre_of(head, name):
    """Where a unit moves the face, weighted by how far."""
    moved = np.linalg.norm(unit(head, name), axis=1)
    return (head.template * moved[:, None]).sum(0) / moved.sum()


def test_what_it_holds(head):
    v, f = head.num_vertices, len(head.triangles)
    assert head.name == "open-head-1" and len(head.digest) == 64
    assert head.expression_names[:2] == ("eyeBlinkLeft", "eyeLookDownLeft") and head.expression_names[-1] == "tongueOut"
    assert head.expression_basis.shape == (52, v, 3) and head.shape_basis.shape == (head.num_shape, v, 3) and head.num_shape >= 40
    assert head.triangles.min() == 0 and head.triangles.max() == v - 1
    assert head.triangle_region.shape == (f,)
    assert {"skin", "lips", "brows", "sclera", "iris", "mouth_cavity", "teeth", "tongue"} <= set(head.region_names)
    used = {head.region_names[i] for i in np.unique(head.triangle_region)}
    assert used == set(head.region_names)
    assert {"face", "lips", "lids"} <= set(head.masks) and all(m.dtype == bool and m.any() for m in head.masks.values())
    assert not head.template.flags.writeable and not head.expression_basis.flags.writeable


def test_it_is_of_human_size_in_metres_about_its_joint(head):
    low, high = head.template.min(0), head.template.max(0)
    assert 0.15 < high[0] - low[0] < 0.22 and 0.22 < high[1] - low[1] < 0.32
    assert np.allclose(head.pivot, 0) and (low < 0).all() and (high > 0).all()
    assert head.template[head.template[:, 2].argmax(), 0] == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize("name", ["eyeBlinkLeft", "mouthSmileLeft", "browDownLeft", "cheekSquintLeft", "noseSneerLeft", "eyeLookOutLeft"])
def test_left_is_the_subjects_left(head, name):
    assert centre_of(head, name)[0] > 0.005
    assert centre_of(head, name.replace("Left", "Right"))[0] < -0.005


def test_units_move_the_way_they_are_named(head):
    iris = np.unique(head.triangles[head.triangle_region == head.region_names.index("iris")])
    left, right = iris[head.template[iris, 0] > 0], iris[head.template[iris, 0] < 0]
    assert unit(head, "eyeLookOutLeft")[left, 0].mean() > 1e-3 and unit(head, "eyeLookInRight")[right, 0].mean() > 1e-3
    assert unit(head, "eyeLookUpLeft")[left, 1].mean() > 1e-3 and unit(head, "eyeLookDownRight")[right, 1].mean() < -1e-3
    lips = head.masks["lips"]
    assert unit(head, "jawLeft")[lips, 0].mean() > 1e-4 and unit(head, "mouthRight")[lips, 0].mean() < -1e-4
    assert unit(head, "mouthSmileLeft")[lips, 1].max() > 5e-3 and unit(head, "jawOpen")[lips, 1].min() < -0.015
    assert unit(head, "browInnerUp")[:, 1].max() > 4e-3
    assert unit(head, "tongueOut")[:, 2].max() > 0.015
    moved = np.linalg.norm(head.expression_basis, axis=2).max(axis=1)
    assert (moved > 0.002).all() and (moved < 0.05).all()


def test_face_mask_is_what_units_move_and_eyes_see(head):
    moved = np.linalg.norm(head.expression_basis, axis=2).max(axis=0)
    assert (moved[head.masks["face"]] >= 0.9e-3).all()
    hidden = [head.region_names.index(n) for n in ("teeth", "eye_cavity")]
    inside = np.unique(head.triangles[np.isin(head.triangle_region, hidden)])
    skin = np.unique(head.triangles[np.isin(head.triangle_region, [head.region_names.index(n) for n in ("skin", "lips", "brows")])])
    assert not head.masks["face"][np.setdiff1d(inside, skin)].any()
    for name in ("eyeLookUpLeft", "tongueOut", "jawOpen"):
        assert np.linalg.norm(unit(head, name)[head.masks["face"]], axis=1).max() > 3e-3


def test_closed_lids_meet_on_a_smooth_line_and_cover_the_eye(head):
    """Seen from the front, no iris shows at a full blink, and no skin of the lid stands out of its surroundings at the outer corner."""
    for side, sign in (("Left", 1), ("Right", -1)):
        blink = unit(head, f"eyeBlink{side}")
        closed = head.template + blink
        skin = [head.region_names.index(n) for n in ("skin", "lips", "brows")]
        faces = head.triangles[np.isin(head.triangle_region, skin)]
        corners = closed[faces]
        near = (np.abs(corners[:, :, 0].mean(1) - sign * 0.032) < 0.03) & (np.abs(corners[:, :, 1].mean(1) - 0.04) < 0.03)
        corners = corners[near & (corners[:, :, 2].mean(1) > 0.06)]
        iris = np.unique(head.triangles[head.triangle_region == head.region_names.index("iris")])
        iris = iris[head.template[iris, 0] * sign > 0]
        covered = [front_depth(corners, *closed[i, :2]) > closed[i, 2] for i in iris]
        assert all(covered), f"{len(covered) - sum(covered)} iris vertices show through the closed {side} lid"
        lid = head.masks["lids"] & (head.template[:, 0] * sign > 0.041)
        assert np.abs(blink[lid, 0]).max() < 0.0018, "the lid shoots out sideways at the outer corner"
        assert np.linalg.norm(blink[lid], axis=1).max() < 0.0085


def front_depth(corners, x, y):
    """Largest z at which a ray along z meets triangles (n, 3, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    area = np.where(np.abs(area) < 1e-14, np.inf, area)
    wa = ((b[:, 0] - x) * (c[:, 1] - y) - (b[:, 1] - y) * (c[:, 0] - x)) / area
    wb = ((c[:, 0] - x) * (a[:, 1] - y) - (c[:, 1] - y) * (a[:, 0] - x)) / area
    wc = 1 - wa - wb
    inside = (wa >= 0) & (wb >= 0) & (wc >= 0) & np.isfinite(area)
    return (wa * a[:, 2] + wb * b[:, 2] + wc * c[:, 2])[inside].max(initial=-1)


def test_shape_directions_are_of_unit_variance_ordered_and_apart(head):
    front = head.shape_basis[:, head.template[:, 2] > 0.03].reshape(head.num_shape, -1).astype(np.float64)
    size = np.linalg.norm(front, axis=1)
    assert size[0] == size.max() and size[-1] < size[0] / 3
    alike = np.abs(front @ front.T / np.outer(size, size) - np.eye(head.num_shape))
    assert alike.mean() < 0.1
    assert np.linalg.svd(front / size[:, None], compute_uv=False)[-1] > 0.04, "no direction is a mixture of the others"
    assert 1e-3 < np.linalg.norm(head.shape_basis[0], axis=1).mean() < 8e-3
    mirrored = np.abs(head.shape_basis[:, :, 0].sum(axis=1)) / np.abs(head.shape_basis[:, :, 0]).sum(axis=1)
    assert mirrored.max() < 0.2, "identity is the same on both sides"


WEIGHTS = st.lists(st.floats(-1, 2, width=32), min_size=52, max_size=52)


@given(WEIGHTS, WEIGHTS, st.floats(0, 1))
@settings(max_examples=15, deadline=None)
def test_geometry_is_linear_in_expression(a, b, t):
    head = load_open_head()
    names = dict(expression_names=head.expression_names)
    zero = np.zeros((3, 3), np.float32)
    a, b = np.array(a, np.float32), np.array(b, np.float32)
    motion = FaceMotion(expression=np.stack([a, b, (1 - t) * a + t * b]), global_orient=zero, transl=zero, **names)
    g = geometry(head, motion)
    assert np.allclose(g[2], (1 - t) * g[0] + t * g[1], atol=2e-6)


def test_pose_turns_to_the_subjects_left_about_the_pivot(head):
    angle = np.radians(30)
    turn = np.array([[0, 0, 0], [0, angle, 0], [angle, 0, 0], [0, 0, angle]], np.float32)
    motion = with_units(head, {}, 4, global_orient=turn, transl=np.tile(np.float32([0.01, 0.02, -0.5]), (4, 1)))
    g = geometry(head, motion, with_pose=True)
    nose, crown = head.template[:, 2].argmax(), head.template[:, 1].argmax()
    tip = head.template[nose]
    assert g[0, nose] == pytest.approx(tip + np.array([0.01, 0.02, -0.5]), abs=1e-6)
    assert g[1, nose, 0] - 0.01 == pytest.approx(np.sin(angle) * tip[2] + np.cos(angle) * tip[0], abs=1e-6)
    assert g[1, nose, 0] > 0.05 and g[2, nose, 1] < g[0, nose, 1] - 0.04 and g[3, crown, 0] < -0.05
    lengths = np.linalg.norm(g[1] - [0.01, 0.02, -0.5], axis=1)
    assert np.allclose(lengths, np.linalg.norm(head.template, axis=1), atol=1e-6)
    assert np.array_equal(posed(geometry(head, motion), head, motion), g)


def test_shape_counts_only_when_asked_for(head):
    shape = np.zeros(head.num_shape, np.float32)
    shape[0] = 2
    motion = with_units(head, {}, shape=shape)
    assert np.array_equal(geometry(head, motion)[0], head.template)
    assert np.allclose(geometry(head, motion, with_shape=True)[0], head.template + 2 * head.shape_basis[0], atol=1e-7)
    assert np.allclose(geometry(head, replace(motion, shape=shape[:1]), with_shape=True), geometry(head, motion, with_shape=True))


def test_digest_is_stable_and_sees_every_change(head):
    arrays = {n: getattr(head, n) for n in ("template", "triangles", "pivot", "expression_basis", "shape_basis")}
    arrays |= {f"mask {name}": mask for name, mask in head.masks.items()}
    assert geometry_digest(arrays, head.expression_names) == head.digest
    assert load_open_head.__wrapped__().digest == head.digest
    changed = head.template.copy()
    changed[7, 1] += 1e-6
    assert geometry_digest(arrays | {"template": changed}, head.expression_names) != head.digest
    assert geometry_digest(arrays, head.expression_names[::-1]) != head.digest


def test_another_models_motion_is_refused(head):
    motion = neutral_motion(head, 2)
    with pytest.raises(InputError, match="open-head-1"):
        geometry(head, replace(motion, face_model="flame-2020"))
    with pytest.raises(InputError, match="edition"):
        geometry(head, replace(motion, face_model_digest="0" * 64))
    with pytest.raises(InputError, match="expression names"):
        geometry(head, replace(motion, expression_names=motion.expression_names[::-1]))
    with pytest.raises(InputError, match="shape coefficients"):
        geometry(head, replace(motion, shape=np.zeros(500)))


def test_neutral_motion_is_at_rest(head):
    motion = neutral_motion(head, 3, fps=50)
    assert motion.num_frames == 3 and motion.fps == 50 and motion.face_model_digest == head.digest
    assert np.array_equal(geometry(head, motion, with_shape=True, with_pose=True), np.broadcast_to(head.template, (3, head.num_vertices, 3)))


def test_shape_says_how_much_of_the_variance_it_holds(head):
    with np.load(files("tdmm_core.morphable") / "data" / "open_head.npz", allow_pickle=False) as data:
        share = data["shape_variance_share"]
    assert len(share) == head.num_shape and np.all(np.diff(share) <= 0) and 0.99 < share.sum() <= 1
