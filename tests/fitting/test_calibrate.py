"""Calibration: known surface points and known habits of a pretended network are found again; the package's own fits the open head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tdmm_core.errors import MissingPartError
from tdmm_core.fitting.calibrate import network_habits, surface_points
from tdmm_core.fitting.calibration_people import random_expressions, random_person
from tdmm_core.fitting.correspondence import Calibration, load_calibration, save_calibration
from tdmm_core.fitting.landmark_model import LandmarkModel, Pose, landmark_model, place, to_pixels
from tdmm_core.fitting.landmarks import NUM_LANDMARKS, SCORE_NAMES
from tdmm_core.fitting.pictures import PICTURE_PX, Scenes
from tdmm_core.fitting.start import UNLEARNED
from tdmm_core.morphable.open_head import load_open_head

MODEL = load_open_head()
NAMES = MODEL.expression_names


def pretend(lm: LandmarkModel, people: int, frames: int) -> Scenes:
    """What a network would see that is right about every landmark, and whose scores are the truth."""
    rng = np.random.default_rng(0)
    columns: dict[str, list[np.ndarray]] = {k: [] for k in ("expression", "shape", "rotation", "transl", "focal_px", "points_px", "scores")}
    for _ in range(people):
        motion, look = random_person(MODEL, frames, rng)
        assert look.camera is not None
        pose = Pose(rotation=motion.global_orient.astype(float), transl=motion.transl.astype(float))
        world = place(lm.points(motion.expression.astype(float), motion.shape.astype(float), pose.rotation), pose, lm.pivot)
        columns["points_px"].append(to_pixels(world, look.camera.focal_px, np.full(2, PICTURE_PX / 2)))
        columns["scores"].append(np.stack([motion.expression[:, NAMES.index(n)] if n in NAMES else np.zeros(frames) for n in SCORE_NAMES], 1))
        columns["focal_px"].append(np.full(frames, look.camera.focal_px))
        columns["shape"].append(np.tile(motion.shape, (frames, 1)))
        for name, value in (("expression", motion.expression), ("rotation", motion.global_orient), ("transl", motion.transl)):
            columns[name].append(value)
    stacked = {k: np.concatenate(v) for k, v in columns.items()}
    return Scenes(**stacked, person=np.repeat(np.arange(people), frames), network_rotations=np.zeros((people * frames, 3, 3)))


def made_up(rng: np.random.Generator) -> Calibration:
    """Landmarks at random points of the skin, the last ten on the eyes."""
    region = np.array([MODEL.region_names[i] for i in MODEL.triangle_region])
    in_front = MODEL.template[MODEL.triangles].mean(1)[:, 2] > 0.05
    skin, eyes = np.flatnonzero((region == "skin") & in_front), np.flatnonzero((region == "iris") & in_front)
    triangles = np.concatenate([rng.choice(skin, NUM_LANDMARKS - 10), rng.choice(eyes, 10)])
    # The two irises' centres measure the face, so they lie one on each eye.
    side = MODEL.template[MODEL.triangles[eyes]].mean(1)[:, 0]
    triangles[468], triangles[473] = eyes[side.argmin()], eyes[side.argmax()]
    zeros = {"offset": (), "by_expression": (len(NAMES),), "by_shape": (MODEL.num_shape,), "by_rotation": (3,)}
    return Calibration(
        face_model_digest=MODEL.digest,
        triangles=triangles.astype(np.int32),
        barycentric=rng.dirichlet((2, 2, 2), NUM_LANDMARKS).astype(np.float32),
        **{k: np.zeros((NUM_LANDMARKS, 3, *v), np.float16) for k, v in zeros.items()},
        noise=np.full(NUM_LANDMARKS, 0.02, np.float32),
        start=UNLEARNED,
    )


def test_surface_points_are_found_again() -> None:
    truth = made_up(np.random.default_rng(1))
    lm = landmark_model(MODEL, truth)
    triangles, barycentric = surface_points(MODEL, pretend(lm, people=3, frames=8))
    found = landmark_model(MODEL, Calibration(**{**vars(truth), "triangles": triangles, "barycentric": barycentric}))
    away_mm = 1000 * np.linalg.norm(found.mean - lm.mean, axis=1)
    assert np.median(away_mm) < 0.05 and np.quantile(away_mm, 0.95) < 1.5
    assert (barycentric >= 0).all() and np.allclose(barycentric.sum(1), 1, atol=1e-5)


def test_habits_are_found_again() -> None:
    """A network that puts every landmark 4 mm lower and lets it slide when the head turns."""
    rng = np.random.default_rng(2)
    plain = made_up(rng)
    lm = landmark_model(MODEL, plain)
    slide = rng.normal(0, 0.004, lm.turn.shape)
    strange = LandmarkModel(mean=lm.mean - np.array([0, 0.004, 0]), expression=lm.expression, shape=lm.shape, turn=slide, pivot=lm.pivot)
    columns, noise = network_habits(MODEL, plain, pretend(strange, people=24, frames=4))
    # Depth is seen least, so both are judged across and up.
    assert np.quantile(np.abs(columns[:, :2, 0] - [0, -0.004]), 0.95) < 5e-4
    assert np.corrcoef(columns[:, :2, 1:4].ravel(), slide[:, :2].ravel())[0, 1] > 0.9
    assert np.median(noise) < 0.005


def test_random_people_act_and_wander_within_what_faces_can() -> None:
    moved = 0.0
    for seed in range(12):
        motion, look = random_person(MODEL, 50, np.random.default_rng(seed))
        assert motion.num_frames == 50 and motion.expression.min() >= 0 and motion.expression.max() <= 1
        assert np.degrees(np.linalg.norm(motion.global_orient, axis=1)).max() <= 40.01 and (motion.transl[:, 2] < -0.2).all()
        assert look.camera is not None and np.abs(motion.shape).max() <= 2.2
        moved += float(np.abs(np.diff(motion.expression, axis=0)).sum())
    assert moved > 20


def test_random_expressions_are_possible_faces() -> None:
    rows = random_expressions(MODEL, 400, np.random.default_rng(4))
    assert rows.min() >= 0 and rows.max() <= 1 and 0.04 < (~rows.any(1)).mean() < 0.2
    at = NAMES.index
    assert (rows[:, at("mouthClose")] <= rows[:, at("jawOpen")]).all()
    for one, other in (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"), ("eyeLookUpLeft", "eyeLookDownLeft")):
        assert not (rows[:, at(one)] * rows[:, at(other)]).any()


def test_the_package_carries_a_calibration_of_its_open_head() -> None:
    calibration = load_calibration(MODEL)
    assert calibration.triangles.max() < len(MODEL.triangles) and 0 < calibration.noise.max() < 0.1
    lm = landmark_model(MODEL, calibration)
    left, right = lm.mean[473], lm.mean[468]
    assert left[0] > 0.02 and right[0] < -0.02 and 0.05 < np.linalg.norm(left - right) < 0.08


def test_what_is_saved_is_what_is_loaded_and_bytes_are_equal(tmp_path: Path) -> None:
    model = type(MODEL)(**{**vars(MODEL), "digest": "f" * 64})
    made = Calibration(**{**vars(load_calibration(MODEL)), "face_model_digest": model.digest})
    first = save_calibration(tmp_path / "a", made).read_bytes()
    assert save_calibration(tmp_path / "b", made).read_bytes() == first
    assert load_calibration(model, tmp_path / "a").digest == made.digest
    with pytest.raises(MissingPartError, match="bake_calibration"):
        load_calibration(model, tmp_path / "nowhere")
