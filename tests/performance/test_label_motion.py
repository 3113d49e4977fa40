"""What labels do, as motion of the face: no two the same, opposites apart, more where more is asked for, flashes short."""

from __future__ import annotations

import itertools
from functools import cache

import numpy as np
import pytest

from tdmm_core.errors import InputError
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.exhibit import exhibit, plain_event
from tdmm_core.performance.lexicon import load_lexicon

LABELS = load_lexicon().labels
HEAD = load_open_head()
STEP_S = 0.08
STEPS = 30
DIFFERENT = 1.0
"Two courses differ: by 1 mm where the face differs most (98th percentile of its vertices), or by 3 degrees of the head, over the shorter event."
DEGREES_LIKE_A_MM = 3.0


@cache
def basis() -> np.ndarray:
    """(52, V, 3) mm: the vertices that any unit moves by a millimetre, every tenth of them."""
    moved = np.linalg.norm(HEAD.expression_basis.astype(float), axis=-1).max(axis=0) > 1e-3
    return 1000.0 * HEAD.expression_basis[:, np.flatnonzero(moved)[::10]].astype(np.float32)


@cache
def course(name: str, intensity: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """What a label does from its start on: units (STEPS, 52) and head rotation in degrees (STEPS, 3), at rest after its end."""
    motion = exhibit(LABELS[name], intensity=intensity, fps=1 / STEP_S)
    units, head = np.zeros((STEPS, 52), np.float32), np.zeros((STEPS, 3), np.float32)
    frames = min(STEPS, motion.num_frames)
    units[:frames], head[:frames] = motion.expression[:frames], np.rad2deg(motion.global_orient[:frames])
    return units, head


def face(units: np.ndarray) -> np.ndarray:
    """(T, 52) -> (T, V, 3) mm from the neutral face."""
    return np.tensordot(units, basis(), axes=1)


def test_no_two_labels_do_the_same():
    """A distance in vertex space, over time: of every pair, the course of the face and of the head."""
    names = list(LABELS)
    faces = np.stack([face(course(n)[0]) for n in names])  # (L, T, V, 3)
    heads = np.stack([course(n)[1] for n in names])
    lasts = np.array([min(STEPS, np.ceil((plain_event(LABELS[n]).end_s - 0.2) / STEP_S)) for n in names])
    rank = int(0.98 * faces.shape[2])
    alike = []
    for i, name in enumerate(names[:-1]):
        steps = np.minimum(lasts[i], lasts[i + 1 :])
        apart = np.square(faces[i + 1 :] - faces[i]).sum(axis=3)  # (n, T, V)
        local_mm = np.sqrt(np.partition(apart, rank, axis=2)[:, :, rank].sum(axis=1) / steps)
        turned_deg = np.sqrt(np.square(heads[i + 1 :] - heads[i]).sum(axis=(1, 2)) / steps)
        distance = np.hypot(local_mm, turned_deg / DEGREES_LIKE_A_MM)
        alike += [(name, names[i + 1 + j], round(float(distance[j]), 2)) for j in np.flatnonzero(distance < DIFFERENT)]
    assert alike == [], alike


def test_labels_of_near_faces_differ_in_time():
    """Where two labels reach the same face and head, their courses do: a wink is no closed eye, a flicker no feeling."""
    peaks = {
        n: max(zip(*course(n), strict=True), key=lambda row: float(np.square(face(row[0][None])).sum() + np.square(row[1]).sum())) for n in LABELS
    }
    faces = {n: face(p[0][None])[0] for n, p in peaks.items()}
    near = [
        (a, b) for a, b in itertools.combinations(LABELS, 2)
        if np.quantile(np.linalg.norm(faces[a] - faces[b], axis=1), 0.98) < 1.0 and np.abs(peaks[a][1] - peaks[b][1]).max() < 3.0
    ]  # fmt: skip
    assert near, "the lexicon has such pairs, say blink and closed eyes"
    for a, b in near:
        sizes = [np.linalg.norm(face(u), axis=(1, 2)) + 5.0 * np.linalg.norm(h, axis=1) for u, h in (course(a), course(b))]
        one, two = (size / size.max() for size in sizes)
        assert np.abs(one - two).mean() > 0.08, (a, b)


@pytest.mark.parametrize(("one", "other"), [
    ("happiness", "sadness"), ("smile", "downturned mouth"), ("elation", "grief"), ("raised eyebrows", "lowered brows"), ("wide eyes", "closed eyes"),
    ("pout", "stretched mouth"), ("kiss", "grin"), ("raised upper lip", "downturned mouth"), ("surprise", "concentration"),
])  # fmt: skip
def test_opposites_move_apart(one, other):
    """The vertices that both move go different ways: the cosine of the two displacements is small or negative."""
    a, b = (face(course(n)[0]).reshape(STEPS, -1)[12] for n in (one, other))
    assert a @ b < 0.25 * np.linalg.norm(a) * np.linalg.norm(b)


@pytest.mark.parametrize(("one", "other", "axis"), [("raised head", "lowered head", 0), ("pride", "guilt", 0), ("despair", "elation", 0)])
def test_opposite_heads_go_opposite_ways(one, other, axis):
    assert course(one)[1][12, axis] * course(other)[1][12, axis] < -20


def test_more_is_more():
    """A graded label moves face and head the further the higher its intensity, at every step."""
    for name, label in LABELS.items():
        if not label.graded:
            continue
        sizes = [np.linalg.norm(face(u)) + 5.0 * np.linalg.norm(h) for u, h in (course(name, i) for i in (0.25, 0.5, 0.75, 1.0))]
        assert all(b > 1.08 * a for a, b in itertools.pairwise(sizes)), (name, sizes)


def test_every_label_shows():
    """On its own it moves some of the face by 1.5 mm or the head by 2.5 degrees, and it is over within its event."""
    for name in LABELS:
        units, head = course(name)
        moved = np.linalg.norm(face(units), axis=2).max()
        assert moved > 1.5 or np.abs(head).max() > 2.5 or any(n.startswith("eyeLook") for n in LABELS[name].units), name
        event = plain_event(LABELS[name])
        after = int((event.end_s + 0.1) / STEP_S) + 1
        assert after >= STEPS or units[after:].max() < 0.06, name


def test_sides_and_directions_mirror():
    """What is done on the right is the mirror image of what is done on the left."""
    from tdmm_core.performance.units import mirrored

    order = [HEAD.expression_names.index(mirrored(n)) for n in HEAD.expression_names]
    for label in LABELS.values():
        if label.lateral == "said" or {"left", "right"} <= set(label.directions):
            left, right = (exhibit(label, side=s, direction=s if label.directions else "") for s in ("left", "right"))
            assert np.allclose(left.expression, right.expression[:, order], atol=1e-5), label.name
            assert np.allclose(left.global_orient * [1, -1, -1], right.global_orient, atol=1e-5), label.name


def test_an_exhibit_is_the_same_every_time_and_half_as_much_at_half_intensity():
    label = LABELS["happiness"]
    assert exhibit(label) == exhibit(label)
    full, half = (exhibit(label, intensity=i).expression.max(axis=0) for i in (1.0, 0.5))
    assert half == pytest.approx(0.5 * full, abs=0.06)
    with pytest.raises(InputError):
        exhibit(LABELS["turn"], direction="up")
