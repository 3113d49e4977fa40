"""Crossing over between the open head and a generated FLAME: what is known comes back, on the right side, by the right amount.

The FLAME here has the open head's surface, so that the truth is known point by point; a second one is warped to another person's skull.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from flame_cases import eyelid_basis, flame_arrays

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.fitting.correspondence import load_calibration
from tdmm_core.fitting.crossing import Crossed, cross_over
from tdmm_core.fitting.model_landmarks import of_calibration, of_embedding
from tdmm_core.fitting.registration import Correspondence, SurfacePoints, load_correspondence, register, save_correspondence, similarity
from tdmm_core.fitting.surface import nearest_points, points_at
from tdmm_core.morphable.flame import flame_model
from tdmm_core.morphable.model import MorphableModel, neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle

OPEN = load_open_head()
NAMES = OPEN.expression_names
SEEN = [n for n in NAMES if not n.startswith(("eyeLook", "tongue", "mouthClose"))]
"Units that the skin shows by themselves."


def warped(points: np.ndarray) -> np.ndarray:
    """Another skull: 6% wider, 3% lower, uneven by 4 mm, elsewhere in its own frame."""
    bumps = 0.004 * np.sin(points @ np.array([[60, 0, 20], [0, 50, 0], [10, 0, 40.0]]) + np.array([0, 1, 2]))
    return points * np.array([1.06, 0.97, 1.03]) + np.array([0, 0.01, -0.02]) + bumps


@cache
def flame(*, other_skull: bool = False, lids: bool = False) -> MorphableModel:
    arrays = dict(flame_arrays())
    if other_skull:
        arrays["v_template"] = warped(np.asarray(arrays["v_template"]))
    return flame_model(arrays, name="flame-2020" if other_skull else "flame-2023", eyelids=eyelid_basis() if lids else None)


@cache
def landmarks(*, of_flame: bool) -> SurfacePoints:
    """The open head's as calibrated; the generated FLAME's are the same points of the same surface, with a millimetre of error."""
    known = of_calibration(load_calibration(OPEN))
    if not of_flame:
        return known
    model = flame()
    off = np.random.default_rng(0).normal(0, 0.0006, (len(known.indices), 3))
    triangles, weights = nearest_points(known.of(OPEN) + off, model.template.astype(float), model.triangles)
    return SurfacePoints(indices=known.indices, triangles=triangles, barycentric=weights)


@cache
def shared(*, to_flame: bool, other_skull: bool = False) -> Correspondence:
    model = flame(other_skull=other_skull)
    ours, theirs = landmarks(of_flame=False), landmarks(of_flame=True)
    return register(OPEN, model, ours, theirs) if to_flame else register(model, OPEN, theirs, ours)


def motion_of(rows: list[dict[str, float]], **more: object) -> FaceMotion:
    expression = np.zeros((len(rows), 52), np.float32)
    for row, units in zip(expression, rows, strict=True):
        for name, value in units.items():
            row[NAMES.index(name)] = value
    return replace(neutral_motion(OPEN, len(rows)), expression=expression, **more)


def there_and_back(motion: FaceMotion, *, other_skull: bool = False) -> tuple[Crossed, Crossed]:
    model = flame(other_skull=other_skull)
    out = cross_over(motion, OPEN, model, shared(to_flame=True, other_skull=other_skull))
    return out, cross_over(out.motion, model, OPEN, shared(to_flame=False, other_skull=other_skull))


def face_error_mm(found: np.ndarray, truth: np.ndarray) -> float:
    moved = np.tensordot(found - truth, OPEN.expression_basis[:, OPEN.masks["face"]], 1)
    return float(np.linalg.norm(moved, axis=2).mean() * 1e3)


@pytest.mark.parametrize("other_skull", [False, True])
def test_the_same_points_are_found(other_skull: bool) -> None:
    model, found = flame(other_skull=other_skull), shared(to_flame=True, other_skull=other_skull)
    assert len(found.vertices) > 0.9 * model.masks["face"].sum() * 0.9
    assert found.weight.sum() == pytest.approx(1, abs=1e-4)
    on_open = points_at(OPEN.template.astype(float), OPEN.triangles[found.triangles], found.barycentric)
    off_mm = np.linalg.norm(on_open - flame().template[found.vertices], axis=1) * 1e3
    assert off_mm.mean() < 1.5
    assert off_mm[model.masks["lips"][found.vertices]].mean() < 1.0
    scale = np.linalg.det(found.turn) ** (1 / 3)
    assert scale == pytest.approx(1.028 if other_skull else 1.0, abs=0.01)
    assert np.degrees(geodesic_angle(found.turn / scale, np.eye(3))) < 2


@pytest.mark.parametrize("other_skull", [False, True])
def test_known_units_come_back(other_skull: bool) -> None:
    """Each unit alone is the strongest of those that return, of its own side."""
    seen = SEEN[::3] if other_skull else SEEN
    rows = [{name: 0.8} for name in seen]
    _, back = there_and_back(motion_of(rows), other_skull=other_skull)
    found = back.motion.expression
    strongest = [NAMES[i] for i in found.argmax(axis=1)]
    assert [(a, b) for a, b in zip(seen, strongest, strict=True) if a != b] == []
    own = np.array([found[i, NAMES.index(name)] for i, name in enumerate(seen)])
    assert own.mean() > 0.5 and own.min() > 0.25
    assert found.min() >= 0 and found.max() <= 1


def test_natural_faces_come_back() -> None:
    """Mixtures of units: the face is recovered to a fraction of what a neutral one would miss, and the residual tells so."""
    draws = np.random.default_rng(0).beta(0.4, 2.5, (40, 52))
    rows = [{n: float(v) for n, v in zip(NAMES, row, strict=True) if n in SEEN} for row in draws]
    motion = motion_of(rows)
    out, back = there_and_back(motion, other_skull=True)
    error, floor = face_error_mm(back.motion.expression, motion.expression), face_error_mm(np.zeros((40, 52)), motion.expression)
    assert error < 0.25 * floor
    assert out.residual_mm < 0.25 * out.neutral_mm and back.residual_mm < 0.25 * back.neutral_mm


def test_the_jaw_turns_where_it_opens() -> None:
    """jawOpen at 1 is FLAME's jaw at the angle that the generated file was made with; a jaw to the left goes to the left."""
    out, back = there_and_back(motion_of([{}, {"jawOpen": 1.0}, {"jawLeft": 1.0}]))
    assert np.abs(out.motion.jaw_pose[0]).max() < 0.02
    assert out.motion.jaw_pose[1, 0] == pytest.approx(0.40, abs=0.06)
    assert back.motion.expression[1, NAMES.index("jawOpen")] > 0.85
    assert back.motion.expression[2].argmax() == NAMES.index("jawLeft")


def test_flame_s_own_jaw_opens_the_open_head() -> None:
    """From FLAME: jaw x > 0 is an open mouth, the left eyelid is the left blink, eyes to the left are eyes to the left."""
    model = flame()
    eyes = np.tile([0, np.radians(20), 0], (3, 2)).astype(np.float32)
    motion = FaceMotion(
        expression=np.zeros((3, 50)), expression_names=model.expression_names[:50], jaw_pose=[[0, 0, 0], [0.3, 0, 0], [0, 0, 0]], eye_pose=eyes,
        eyelids=[[0, 0], [0, 0], [1, 0]], global_orient=np.zeros((3, 3)), transl=np.zeros((3, 3)), face_model=model.name,
        face_model_digest=model.digest,
    )  # fmt: skip
    found = cross_over(motion, model, OPEN, shared(to_flame=False)).motion.expression
    assert found[1].argmax() == NAMES.index("jawOpen") and 0.6 < found[1].max() < 0.9
    assert found[2, NAMES.index("eyeBlinkLeft")] == 1 and found[2, NAMES.index("eyeBlinkRight")] < 0.1
    assert found[:, NAMES.index("eyeLookOutLeft")] == pytest.approx(20 / 28, abs=1e-3)
    assert found[:, NAMES.index("eyeLookInRight")] == pytest.approx(20 / 28, abs=1e-3)
    assert found[:, NAMES.index("eyeLookInLeft")].max() == 0


def test_a_wink_stays_on_its_side_with_flame_s_lids() -> None:
    model = flame(lids=True)
    out = cross_over(motion_of([{"eyeBlinkRight": 0.9}]), OPEN, model, replace(shared(to_flame=True), target_digest=model.digest))
    assert out.motion.eyelids[0] == pytest.approx([0, 0.9], abs=1e-6)
    back = cross_over(out.motion, model, OPEN, shared(to_flame=False))
    assert back.motion.expression[0].argmax() == NAMES.index("eyeBlinkRight")


def test_the_head_is_carried_exactly_and_stays_in_its_place() -> None:
    turns = np.array([[0, 0, 0], [0, np.radians(30), 0], [0.2, -0.3, 0.15]], np.float32)
    places = np.array([[0, 0, -0.6], [0.05, 0.02, -0.7], [-0.1, 0, -0.5]], np.float32)
    motion = motion_of([{}, {"jawOpen": 0.5}, {}], global_orient=turns, transl=places)
    out, back = there_and_back(motion)
    assert out.motion.global_orient == pytest.approx(turns, abs=1e-5)
    assert back.motion.global_orient == pytest.approx(turns, abs=1e-5)
    assert back.motion.transl == pytest.approx(places, abs=2e-3)
    nose = [m.posed_geometry(x)[:, m.template[:, 2].argmax()] for m, x in ((OPEN, motion), (flame(), out.motion))]
    assert np.linalg.norm(nose[0] - nose[1], axis=1).max() < 0.004


def test_a_turned_neck_is_a_turned_head() -> None:
    model = flame()
    zero = np.zeros((2, 3))
    motion = FaceMotion(
        expression=np.zeros((2, 100)), expression_names=model.expression_names, global_orient=[[0, 0.2, 0], [0, 0, 0]],
        neck_pose=[[0, 0.3, 0], [0.25, 0, 0]], transl=zero, face_model=model.name, face_model_digest=model.digest,
    )  # fmt: skip
    found = cross_over(motion, model, OPEN, shared(to_flame=False)).motion
    assert found.global_orient == pytest.approx(np.array([[0, 0.5, 0], [0.25, 0, 0]]), abs=1e-5)
    nose = [m.posed_geometry(x)[:, m.template[:, 2].argmax()] for m, x in ((model, motion), (OPEN, found))]
    assert np.linalg.norm(nose[0] - nose[1], axis=1).max() < 0.004


def test_identity_is_what_sets_a_person_apart() -> None:
    assert not cross_over(motion_of([{}]), OPEN, flame(), shared(to_flame=True)).motion.shape.any()
    shape = np.zeros(OPEN.num_shape)
    shape[:6] = [1.5, -1, 0.8, -0.5, 1, -1.2]
    motion = motion_of([{}], shape=shape)
    out, back = there_and_back(motion)
    apart = [np.tensordot(s, m.shape_basis[: len(s)], 1) for s, m in ((back.motion.shape, OPEN), (shape, OPEN))]
    face = OPEN.masks["face"]
    assert np.linalg.norm((apart[0] - apart[1])[face], axis=1).mean() < 0.35 * np.linalg.norm(apart[1][face], axis=1).mean()
    assert out.motion.shape.any()


def test_times_and_status_stay() -> None:
    motion = motion_of([{}] * 3, status=np.array([0, 1, 2]), source_time_s=np.array([5, 5.04, 5.08]))
    found = cross_over(motion, OPEN, flame(), shared(to_flame=True)).motion
    assert found.status.tolist() == [0, 1, 2] and found.source_time_s.tolist() == [5, 5.04, 5.08]
    assert (found.face_model, found.face_model_digest, found.fps) == (flame().name, flame().digest, 25.0)


def test_a_correspondence_is_kept_for_its_pair(tmp_path: Path) -> None:
    found = shared(to_flame=True)
    save_correspondence(tmp_path, found)
    again = load_correspondence(tmp_path, OPEN, flame())
    assert again is not None and np.array_equal(again.vertices, found.vertices) and np.array_equal(again.turn, found.turn)
    assert load_correspondence(tmp_path, flame(), OPEN) is None


def test_similarity_ignores_what_does_not_agree() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(80, 3))
    turn = 1.3 * axis_angle_to_matrix(np.array([0.2, -0.4, 0.1]))
    onto = points @ turn.T + (1, 2, 3)
    onto[:8] += rng.normal(0, 5, (8, 3))
    found, shift, used = similarity(points, onto)
    assert found == pytest.approx(turn) and shift == pytest.approx([1, 2, 3])
    assert not used[:8].any()


def test_embeddings_of_the_usual_layout() -> None:
    arrays = {"lmk_face_idx": np.arange(105), "lmk_b_coords": np.full((105, 3), 1 / 3), "landmark_indices": np.arange(105)[::-1] * 4}
    points = of_embedding(arrays, flame())
    assert points.indices.tolist() == sorted(points.indices.tolist()) and points.triangles[0] == 104
    with pytest.raises(InputError, match="lacks landmark_indices"):
        of_embedding({k: v for k, v in arrays.items() if k != "landmark_indices"}, flame())
    with pytest.raises(InputError, match="expected points of flame-2023"):
        of_embedding(arrays | {"lmk_face_idx": np.full(105, 10**6)}, flame())
    with pytest.raises(InputError, match="expected 30 landmarks that open-head-1 and flame-2023 share, got 3"):
        register(OPEN, flame(), landmarks(of_flame=False), points.only(points.indices[:3]))
