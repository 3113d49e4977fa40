"""FLAME: equal to the smplx package on a file of its layout, right columns, rotations at their limits, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flame_cases import NUM_HEAD, NUM_TRIANGLES, NUM_VERTICES, eyelid_basis, flame_arrays, made_flame, write_smplx_folder
from scipy import sparse

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.articulation import Articulation, chain, correctives, joint_rotations, skinned
from tdmm_core.morphable.flame import edition_of, flame_model
from tdmm_core.morphable.model import MorphableModel, geometry, identity, neutral_motion


@pytest.fixture(scope="module")
def flame() -> MorphableModel:
    return made_flame()


def random_motion(flame: MorphableModel, frames: int, seed: int, turn_rad: float = 0.6) -> FaceMotion:
    rng = np.random.default_rng(seed)
    widths = {"global_orient": 3, "neck_pose": 3, "jaw_pose": 3, "eye_pose": 6}
    turns = {name: rng.normal(0, turn_rad, (frames, width)) for name, width in widths.items()}
    return replace(
        neutral_motion(flame, frames),
        expression=rng.normal(0, 1, (frames, flame.num_expression)),
        shape=rng.normal(0, 1, flame.num_shape),
        transl=rng.normal(0, 0.3, (frames, 3)),
        **turns,
    )


def smplx_vertices(folder, motion: FaceMotion) -> np.ndarray:
    smplx = pytest.importorskip("smplx", reason="the smplx package is not installed; it comes with the extra [test]")
    import torch

    count = motion.num_frames
    model = smplx.FLAME(
        str(write_smplx_folder(folder)), num_betas=300, num_expression_coeffs=100, batch_size=count, dtype=torch.float64, create_transl=False
    )
    names = ("global_orient", "neck_pose", "jaw_pose", "transl", "expression")
    tensors = {n: torch.tensor(np.array(getattr(motion, n)), dtype=torch.float64) for n in names}
    eyes = torch.tensor(np.array(motion.eye_pose), dtype=torch.float64)
    betas = torch.tensor(np.tile(motion.shape, (count, 1)), dtype=torch.float64)
    with torch.no_grad():
        made = model(betas=betas, leye_pose=eyes[:, :3], reye_pose=eyes[:, 3:], **tensors)
    return made.vertices.numpy()


def test_the_file_has_flames_layout(flame: MorphableModel) -> None:
    assert (flame.num_vertices, len(flame.triangles)) == (NUM_VERTICES, NUM_TRIANGLES) == (5023, 9976)
    assert (flame.num_shape, flame.num_expression, len(flame.digest)) == (300, 100, 64)
    assert not flame.template.flags.writeable and not flame.expression_basis.flags.writeable


def test_vertices_equal_those_of_smplx(flame: MorphableModel, tmp_path) -> None:
    motion = random_motion(flame, 12, seed=1)
    expected = smplx_vertices(tmp_path, motion)
    made = geometry(flame, motion, with_shape=True, with_pose=True)
    assert made.dtype == np.float32 and np.abs(made - expected).max() < 1e-6
    # the comparison sees every term: without any one of them it fails
    for name in ("neck_pose", "jaw_pose", "eye_pose", "global_orient", "expression", "transl"):
        other = replace(motion, **{name: np.zeros_like(getattr(motion, name))})
        assert np.abs(geometry(flame, other, with_shape=True, with_pose=True) - expected).max() > 1e-3, name


def test_identity_and_expression_come_from_their_own_columns(flame: MorphableModel) -> None:
    columns = np.asarray(flame_arrays()["shapedirs"])
    for index in (0, 7, 299):
        assert np.allclose(flame.shape_basis[index], columns[:, :, index], atol=1e-8)
    for index in (0, 49, 99):
        assert np.allclose(flame.expression_basis[index], columns[:, :, 300 + index], atol=1e-8)
    one = replace(neutral_motion(flame, 1), expression=np.eye(100)[:1])
    assert np.allclose(geometry(flame, one)[0] - flame.template, columns[:, :, 300], atol=1e-7)
    who = replace(neutral_motion(flame, 1), shape=np.eye(300)[5])
    assert np.allclose(geometry(flame, who, with_shape=True)[0] - flame.template, columns[:, :, 5], atol=1e-7)
    assert np.allclose(identity(flame, who.shape), geometry(flame, who, with_shape=True)[0], atol=1e-7)


def test_fewer_coefficients_are_the_first(flame: MorphableModel) -> None:
    motion = random_motion(flame, 2, seed=2)
    short = replace(motion, expression=motion.expression[:, :50], expression_names=motion.expression_names[:50], shape=motion.shape[:100])
    cut = replace(motion, expression=np.where(np.arange(100) < 50, motion.expression, 0), shape=np.where(np.arange(300) < 100, motion.shape, 0))
    assert np.allclose(geometry(flame, short, with_shape=True), geometry(flame, cut, with_shape=True), atol=1e-6)


@pytest.mark.parametrize("angle", [0.0, 1e-9, np.pi, -np.pi, np.pi - 1e-6])
@pytest.mark.parametrize("term", ["global_orient", "jaw_pose", "neck_pose"])
def test_rotations_at_their_limits(flame: MorphableModel, term: str, angle: float, tmp_path) -> None:
    motion = replace(random_motion(flame, 3, seed=3), **{term: angle * np.eye(3)})
    made = geometry(flame, motion, with_shape=True, with_pose=True)
    assert np.isfinite(made).all()
    if term == "jaw_pose":
        assert np.abs(made - smplx_vertices(tmp_path, motion)).max() < 1e-6
    if abs(angle) == np.pi:
        assert np.abs(made - geometry(flame, replace(motion, **{term: -angle * np.eye(3)}), with_shape=True, with_pose=True)).max() < 1e-6


def test_fast_skinning_equals_the_slow_one(flame: MorphableModel) -> None:
    motion = random_motion(flame, 2, seed=4)
    articulation, rotations = flame.articulation, joint_rotations(motion, with_pose=True)
    joints = articulation.joints_of(motion.expression, motion.shape)
    rest = np.random.default_rng(0).normal(0, 0.1, (2, flame.num_vertices, 3))
    moves = chain(articulation, joints, rotations)
    made = skinned(articulation, rest, joints, rotations)
    chosen = np.random.default_rng(1).choice(flame.num_vertices, 40, replace=False)
    for t in range(2):
        feature = (rotations[t, 1:] - np.eye(3)).ravel()
        for v in chosen:
            point = rest[t, v] + sum(f * articulation.pose_directions[i, v].astype(float) for i, f in enumerate(feature))
            slow = sum(w * (moves[t, j, :, :3] @ point + moves[t, j, :, 3]) for j, w in enumerate(articulation.skin_weights[v]))
            assert np.allclose(made[t, v], slow, atol=1e-7)
    assert correctives(articulation, np.tile(np.eye(3), (2, 5, 1, 1))) == 0.0


def test_joints_follow_expression_and_identity(flame: MorphableModel) -> None:
    motion = random_motion(flame, 2, seed=5)
    regressor = flame_arrays()["J_regressor"]
    assert sparse.issparse(regressor)
    shaped = geometry(flame, replace(neutral_motion(flame, 2), expression=motion.expression, shape=motion.shape), with_shape=True)
    made = flame.articulation.joints_of(motion.expression, motion.shape)
    assert np.allclose(made, np.stack([regressor @ v for v in shaped]), atol=1e-6)


def test_what_is_pose_and_what_is_expression(flame: MorphableModel) -> None:
    """Without pose the head and neck stay, jaw, eyes and lids move; the head turns about FLAME's own root joint."""
    motion = replace(random_motion(flame, 2, seed=6, turn_rad=0.2), shape=np.zeros(300))
    still = replace(motion, global_orient=np.zeros((2, 3)), neck_pose=np.zeros((2, 3)), transl=np.zeros((2, 3)))
    assert np.array_equal(geometry(flame, motion), geometry(flame, still))
    assert np.allclose(geometry(flame, still, with_pose=True), geometry(flame, still), atol=1e-7)
    rest = neutral_motion(flame, 1)
    turned = geometry(flame, replace(rest, global_orient=[[0, 0.5, 0]]), with_pose=True)[0]
    root = flame.articulation.joints[0]
    assert np.allclose(np.linalg.norm(turned - root, axis=1), np.linalg.norm(flame.template - root, axis=1), atol=1e-6)
    nose = flame.template[:, 2].argmax()
    assert turned[nose, 0] > 0.03, "y > 0 turns to the subject's left"
    opened = geometry(flame, replace(rest, jaw_pose=[[0.3, 0, 0]]))[0]
    assert (opened - flame.template)[flame.masks["lips"], 1].min() < -0.015 and np.abs(opened - flame.template)[nose].max() < 1e-3
    looked = geometry(flame, replace(rest, eye_pose=[[0, 0.3, 0, 0, 0.3, 0]]))[0] - flame.template
    front = NUM_HEAD  # the pole of the left eyeball
    assert looked[front, 0] > 1e-3 and looked[front + 546, 0] > 1e-3


def test_eyelids_close_left_and_right_and_go_along_with_the_head(flame: MorphableModel) -> None:
    rest = neutral_motion(flame, 2)
    closed = geometry(flame, replace(rest, eyelids=[[1, 0], [0, 1]])) - flame.template
    moved = np.linalg.norm(closed, axis=2)
    assert flame.template[moved[0].argmax(), 0] > 0.01 and flame.template[moved[1].argmax(), 0] < -0.01
    assert np.allclose(closed, eyelid_basis(), atol=1e-6)
    turn = np.array([[0, 0.9, 0]] * 2)
    turned = geometry(flame, replace(rest, eyelids=[[1, 0], [0, 0]], global_orient=turn), with_pose=True)
    assert np.abs(np.linalg.norm(turned[0] - turned[1], axis=1) - moved[0]).max() < 1e-6
    bare = made_flame(eyelids=False)
    assert bare.digest == flame.digest, "the basis is no part of the file"
    with pytest.raises(InputError, match="eyelid basis"):
        geometry(bare, replace(rest, eyelids=[[1, 0], [0, 0]]))


def test_parts_are_where_they_are_on_a_face(flame: MorphableModel) -> None:
    place, masks = flame.template, flame.masks
    eyes = flame.articulation.joints[3:]
    assert np.linalg.norm(place[masks["lids"]][:, None] - eyes[None], axis=2).min(axis=1).max() < 0.025
    mouth = place[masks["lips"]]
    assert abs(mouth[:, 0].mean()) < 2e-3 and 0.04 < np.ptp(mouth[:, 0]) < 0.08 and mouth[:, 1].max() < eyes[:, 1].min() - 0.03
    face = place[masks["face"]]
    assert 900 < masks["face"].sum() < 3000 and np.abs(face[:, 0]).max() < 0.09 and face[:, 2].min() > 0
    assert not masks["face"][NUM_HEAD:].any() and all(m.dtype == bool for m in masks.values())
    names = [flame.region_names[i] for i in np.unique(flame.triangle_region)]
    assert {"skin", "lips", "sclera", "iris"} <= set(names)
    iris = flame.triangles[flame.triangle_region == flame.region_names.index("iris")]
    assert iris.min() >= NUM_HEAD and (place[iris][..., 2] > eyes[0, 2]).all()


def test_digest_is_of_the_geometry_alone(flame: MorphableModel) -> None:
    arrays = dict(flame_arrays())
    assert flame_model(arrays, name="flame-2023").digest == flame.digest
    dense = {k: v.toarray() if sparse.issparse(v) else v for k, v in arrays.items()}
    assert flame_model(dense, name="flame-2020").digest == flame.digest
    changed = np.array(arrays["weights"])
    changed[3, :2] += [1e-3, -1e-3]
    assert flame_model(arrays | {"weights": changed}, name="flame-2020").digest != flame.digest


def test_the_edition_is_told_by_bytes_or_by_the_file() -> None:
    assert edition_of("efcd14cc4a69f3a3d9af8ded80146b5b6b50df3bd74cf69108213b144eba725b", {}) == "flame-2020"
    assert edition_of("0" * 64, {"edition": np.array("flame-2023-open")}) == "flame-2023-open"
    assert edition_of("0" * 64, {}) is None and edition_of("0" * 64, {"edition": "flame-1999"}) is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"shapedirs": np.zeros((5023, 3, 150))}, "expected 400 columns in shapedirs .* got 150"),
        ({"posedirs": np.zeros((5023, 3, 27))}, "shape .* under posedirs, got"),
        ({"weights": np.full((5023, 5), np.nan)}, "finite numbers under weights"),
        ({"kintree_table": np.zeros((2, 5))}, "joints root, neck, jaw and two eyes"),
        ({"f": np.full((9976, 3), 5023)}, "triangles of vertices 0 to 5022"),
        ({"J_regressor": sparse.csc_matrix((24, 6890))}, r"under J_regressor, got \(24, 6890\)"),
        ({"J_regressor": sparse.csc_matrix((10**9, 10**9))}, "under J_regressor"),
        ({"v_template": "text"}, "under v_template, got str"),
        ({"v_template": None}, "under v_template, got NoneType"),
    ],
)
def test_another_layout_is_named(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        flame_model(dict(flame_arrays()) | change, name="flame-2020")


def test_what_lacks_keys_is_named() -> None:
    with pytest.raises(InputError, match=r"lacks v_template, .*flame\.is\.tue\.mpg\.de"):
        flame_model({"weights": np.zeros((2, 2))}, name="flame-2020")
    with pytest.raises(InputError, match="left then right"):
        flame_model(flame_arrays(), name="flame-2020", eyelids=np.zeros((1, 5023, 3)))


def test_another_models_motion_is_refused(flame: MorphableModel) -> None:
    motion = neutral_motion(flame, 2)
    with pytest.raises(InputError, match="flame-2020"):
        geometry(flame, replace(motion, face_model="open-head-1"))
    with pytest.raises(InputError, match="expression names"):
        geometry(flame, replace(motion, expression_names=motion.expression_names[::-1]))


def test_articulation_needs_no_more_than_its_arrays() -> None:
    """A two-joint arm of one vertex: the elbow's turn carries it, the shoulder's turns both."""
    arm = Articulation(
        parents=(-1, 0), joints=np.array([[0, 0, 0], [1.0, 0, 0]]), joints_by_shape=np.zeros((0, 2, 3)), joints_by_expression=np.zeros((0, 2, 3)),
        skin_weights=np.array([[0.0, 1.0]]), pose_directions=np.zeros((9, 1, 3)),
    )  # fmt: skip
    quarter = np.array([[0, -1.0, 0], [1, 0, 0], [0, 0, 1]])
    made = skinned(arm, np.array([[[2.0, 0, 0]]] * 2), np.tile(arm.joints, (2, 1, 1)), np.array([[np.eye(3), quarter], [quarter, quarter]]))
    assert np.allclose(made[:, 0], [[1, 1, 0], [-1, 1, 0]])


def test_nothing_shows_through_an_open_mouth(flame: MorphableModel) -> None:
    """The drawing closes the mouth's hole by triangles of its own vertices, all facing forward when the jaw is open; the mesh stays FLAME's."""
    backing = flame.appearance["mouth_backing"]
    edges = np.concatenate([flame.triangles[:, [0, 1]], flame.triangles[:, [1, 2]], flame.triangles[:, [2, 0]]])
    held = {(int(a), int(b)) for a, b in edges}
    border = {a for a, b in held if (b, a) not in held}
    used = set(np.unique(backing).tolist())
    assert len(backing) == 28 and len(used) == 30 and used <= border
    opened = geometry(flame, replace(neutral_motion(flame, 1), jaw_pose=[[0.35, 0, 0]]))[0].astype(float)
    a, b, c = (opened[backing[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    assert normal[:, 2].min() > -1e-7 and normal[:, 2].sum() > 2e-4, "square metres, twice"
