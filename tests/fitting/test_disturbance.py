"""Errors as of a fit: about as large as a fit's, the same for equal seeds, none for none; units stay units."""

from __future__ import annotations

import numpy as np
import pytest

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.errors import InputError
from tdmm_core.fitting.disturbance import disturbed
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle
from tdmm_core.performance.perform import perform
from tdmm_core.performance.sentence_reader import as_script, read_sentence

SENTENCES = ("The person smiles broadly.", "The person looks very angry.", "The person opens their mouth widely.", "The person looks very surprised.")


def acted(number: int) -> FaceMotion:
    read = as_script(read_sentence(SENTENCES[number % len(SENTENCES)]))
    event = read.events[0]
    from dataclasses import replace

    return perform(Script(events=(replace(event, start_s=0.3, end_s=2.5),), duration_s=3.0), seed=number)


def errors(amount: float) -> tuple[float, float, float, float]:
    """Vertex error (mm), neutral's, rotation error (degrees), and how much of a strong face comes back, over some clips."""
    head, rows = load_open_head(), []
    basis = head.expression_basis[:, head.masks["face"]].reshape(len(head.expression_names), -1)
    for i in range(12):
        true = acted(i)
        made = disturbed(true, amount=amount, seed=i)
        moved, off = true.expression @ basis, (made.expression - true.expression) @ basis
        strong = np.linalg.norm(moved, axis=1) > 0.7 * np.linalg.norm(moved, axis=1).max()
        slope = float(((moved + off)[strong] * moved[strong]).sum() / (moved[strong] ** 2).sum())
        angle = geodesic_angle(axis_angle_to_matrix(made.global_orient), axis_angle_to_matrix(true.global_orient))
        mm = [1000 * np.linalg.norm(d.reshape(len(d), -1, 3), axis=-1).mean() for d in (off, moved)]
        rows.append((*mm, float(np.degrees(angle).mean()), slope))
    return tuple(np.mean(rows, axis=0))  # type: ignore[return-value]


def test_the_error_is_about_that_of_a_fit() -> None:
    vertex, neutral, rotation, slope = errors(1.0)
    assert 0.4 * neutral < vertex < 0.9 * neutral
    assert 1.5 < rotation < 4.0 and 0.55 < slope < 0.85
    half = errors(0.5)
    assert 0.35 * vertex < half[0] < 0.65 * vertex and 0.35 * rotation < half[2] < 0.65 * rotation


def test_equal_seeds_and_none_at_all() -> None:
    motion = acted(0)
    assert disturbed(motion, amount=0.0, seed=1) is motion
    a, b, c = (disturbed(motion, amount=1.0, seed=s) for s in (1, 1, 2))
    assert np.array_equal(a.expression, b.expression) and np.array_equal(a.global_orient, b.global_orient)
    assert not np.array_equal(a.expression, c.expression)
    assert a.expression.min() >= 0 and a.expression.max() <= 1
    assert disturbed(motion[:1], amount=1.0, seed=1).num_frames == 1


def test_what_cannot_be_disturbed_is_refused() -> None:
    with pytest.raises(InputError, match="0 to 2"):
        disturbed(acted(0), amount=3.0, seed=0)
    zero = np.zeros((2, 3))
    with pytest.raises(InputError, match="carry it over"):
        disturbed(
            FaceMotion(expression=zero, expression_names=("a", "b", "c"), global_orient=zero, transl=zero, jaw_pose=zero, face_model="flame-2020"),
            amount=1.0, seed=0,
        )  # fmt: skip
