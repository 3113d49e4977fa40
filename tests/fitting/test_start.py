"""The learned start: a made-up world in which what is seen tells the answers, and torch's twin of what runs on numpy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tdmm_core.fitting.landmarks import NUM_SCORES
from tdmm_core.fitting.looks import look
from tdmm_core.fitting.pictures import Scenes
from tdmm_core.fitting.start import UNLEARNED, Start, likely_focal_px
from tdmm_core.fitting.start_lessons import Lessons, Side, lessons_of, mirror_of
from tdmm_core.fitting.start_pupil import Pupil
from tdmm_core.fitting.start_training import learn_start, strength
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle

LANDMARKS, UNITS, PEOPLE, PICTURES = 30, 4, 240, 8
SIZE = (320, 320)
NAMES = load_open_head().expression_names


def world(rng: np.random.Generator) -> tuple[np.ndarray, Scenes]:
    """People whose landmarks move with expression and who differ for ever; the network's rotation errs by what the landmarks show."""
    face, moves, strange = (rng.normal(0, size, shape) for size, shape in (
        ((0.05, 0.06, 0.03), (LANDMARKS, 3)), (0.01, (UNITS, LANDMARKS, 3)), (0.01, (2, LANDMARKS, 3))
    ))  # fmt: skip
    person = np.repeat(np.arange(PEOPLE), PICTURES)
    expression = rng.uniform(0, 1, (len(person), UNITS)) * rng.uniform(0.2, 1, (PEOPLE, 1))[person]
    shape = rng.normal(0, 1, (PEOPLE, 2))[person]
    rotation, focal = rng.normal(0, 0.15, (len(person), 3)), np.exp(rng.uniform(5.7, 6.3, PEOPLE))[person]
    points = face + np.tensordot(expression, moves, 1) + np.tensordot(shape, strange, 1)
    true = axis_angle_to_matrix(rotation)
    pixels = np.array(SIZE) / 2 + 900 * (points @ true.transpose(0, 2, 1))[..., :2] * (1, -1)
    wrong = np.concatenate([0.1 * shape[:, :1], np.zeros((len(person), 2))], axis=1)
    scores = np.zeros((len(person), NUM_SCORES))
    scores[:, :UNITS] = expression + rng.normal(0, 0.05, expression.shape)
    scenes = Scenes(
        person=person, expression=expression, shape=shape, rotation=rotation, transl=np.zeros_like(rotation), focal_px=focal,
        points_px=pixels, scores=scores, network_rotations=true @ axis_angle_to_matrix(-wrong),
    )  # fmt: skip
    return face, scenes


@pytest.fixture(scope="module")
def lessons() -> Lessons:
    return lessons_of(*world(np.random.default_rng(1)))


@pytest.fixture(scope="module")
def start(lessons: Lessons) -> Start:
    return learn_start(lessons, np.eye(UNITS), epochs=12)


def test_what_landmarks_and_scores_tell_is_learned(lessons: Lessons, start: Start) -> None:
    away, spread = [], []
    for seen, true in zip(lessons.features[7::8], lessons.answers[7::8], strict=True):
        away.append(start.answers(seen, start.gist(seen)) - true)
        spread.append(true - lessons.answers.mean((0, 1)))
    wrong, all_ = (np.sqrt((np.concatenate(x) ** 2).mean(0)) for x in (away, spread))
    assert (wrong[:UNITS] < 0.35 * all_[:UNITS]).all()
    assert wrong[UNITS] < 0.5 * all_[UNITS]
    assert (start.noise < 0.35 * all_[:-1]).sum() >= UNITS, "the noise is what those who taught nothing find"


def test_learning_again_gives_the_same(lessons: Lessons) -> None:
    few = lessons[slice(0, 40)]
    first, second = (learn_start(few, np.eye(UNITS), epochs=1) for _ in range(2))
    assert all(np.array_equal(a, vars(second)[n]) for n, a in vars(first).items())


def test_answers_do_not_hang_on_how_often_pictures_are_shown(lessons: Lessons, start: Start) -> None:
    """A clip twice as long that shows the same things has the same gist, up to where a quantile falls."""
    seen = lessons.features[3]
    once, twice = (start.answers(seen, start.gist(x)) for x in (seen, np.repeat(seen, 2, axis=0)))
    assert np.abs(once - twice)[:, :UNITS].max() < 0.1
    each = np.concatenate([start.answers(seen[i : i + 1], start.gist(seen)) for i in range(len(seen))])
    assert np.allclose(each, start.answers(seen, start.gist(seen)), atol=1e-5)


def test_numpy_says_what_torch_says() -> None:
    """The slow twin: the same weights, asked in torch."""
    torch.manual_seed(5)
    rng = np.random.default_rng(5)
    pupil = Pupil(9, UNITS + 4).eval()
    usual, heard = rng.normal(0, 1, 12).astype(np.float32), rng.normal(0, 0.3, (12, 9)).astype(np.float16)
    start = Start(usual=usual, heard=heard, **pupil.weights(), strength=np.ones(UNITS), noise=np.ones(UNITS + 3, np.float32))
    seen = rng.normal(0, 1, (17, 12))
    with torch.no_grad():
        told = pupil(torch.tensor((seen - usual) @ heard.astype(np.float64), dtype=torch.float32)[None])[0].numpy()
    answers = start.answers(seen, start.gist(seen))
    assert np.allclose(answers[:, :UNITS], np.clip(told[:, :UNITS], 0, 1), atol=5e-3)
    assert np.allclose(answers[:, UNITS:-1], 0.2 * told[:, UNITS:-1], atol=5e-3) and np.allclose(answers[:, -1], told[:, -1], atol=5e-3)


def test_rotation_and_lens_follow_from_the_answers() -> None:
    face, scenes = world(np.random.default_rng(2))
    some = scenes[slice(0, PICTURES)]
    looks = look(face, some.points_px, some.scores, some.network_rotations, SIZE)
    answers = lessons_of(face, some).answers[0]
    start = replace(UNLEARNED, noise=np.ones(UNITS + 3))
    focal = float(some.focal_px[0])
    assert likely_focal_px(looks, answers) == pytest.approx(focal, rel=1e-4)
    assert geodesic_angle(start.rotation(looks, answers, focal), axis_angle_to_matrix(some.rotation)).max() < 1e-3


def test_strength_makes_up_for_hedging_where_that_is_cheap() -> None:
    """Answers that fall to 0.6 of the truth are made stronger, the more the cheaper an error is; right ones stay, and rest stays rest."""
    rng = np.random.default_rng(4)
    true = rng.uniform(0, 1, (50, 8, 3))
    told = true * np.array([0.6, 0.6, 1.0]) + rng.normal(0, 0.02, true.shape)
    cheap, dear, right = strength(told, true, np.array([0.01, 30.0, 1.0]))
    assert 1.5 < cheap <= 1 / 0.6 and 1 < dear < 1.2 and right == pytest.approx(1, abs=0.02)
    start = replace(UNLEARNED, strength=np.array([2.0, 1.0]), noise=np.ones(5))
    answers = np.tile([0.1, 0.1, 0, 0, 0, 0], (20, 1))
    answers[8:10, :2] = 0.4
    strong = start.strengthened(answers)
    assert np.allclose(strong[0], answers[0]) and np.allclose(strong[8, :2], (0.7, 0.4)) and (strong[:, 2:] == answers[:, 2:]).all()


def test_a_mirror_twice_is_no_mirror() -> None:
    rng = np.random.default_rng(3)
    half = rng.normal(0, (0.04, 0.06, 0.03), (15, 3))
    mirror = mirror_of(np.concatenate([half, half * (-1, 1, 1)]), NAMES)
    assert sorted(mirror.landmarks) == list(range(30)) and (mirror.landmarks[:15] == np.arange(15, 30)).all()
    assert NAMES[mirror.units[NAMES.index("mouthSmileLeft")]] == "mouthSmileRight"
    given = Lessons(features=rng.normal(0, 1, (2, 3, 60 + NUM_SCORES + 3)), answers=rng.uniform(0, 1, (2, 3, len(NAMES) + 4)), shape=np.zeros((2, 5)))
    back = mirror.of(mirror.of(given))
    assert np.allclose(back.features, given.features) and np.allclose(back.answers, given.answers)
    assert not np.allclose(mirror.of(given).answers, given.answers)


def test_another_shape_changes_what_shapes_change(lessons: Lessons) -> None:
    """Between people whom nobody drew the network's rotation errs as between those who were drawn: by a tenth of a radian for the first shape."""
    flat = np.eye(lessons.features.shape[-1])
    units = np.ones(lessons.answers.shape[-1])
    side = Side(lessons, usual=lessons.features.mean((0, 1)), heard=flat, units=units)
    assert side.by_shape[0, -4].item() == pytest.approx(0.1, abs=0.02) and abs(side.by_shape[1, -4].item()) < 0.02
    with torch.random.fork_rng():
        torch.manual_seed(0)
        seen, true = side.lesson(torch.arange(40))
    assert seen.shape[:2] == true.shape[:2] and 5 <= seen.shape[1] <= PICTURES
