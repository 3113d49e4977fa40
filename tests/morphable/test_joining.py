"""Joining: what was stays, what comes is itself again after half a second, and between them nothing jumps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.joining import SHED_S, joined
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle

SHED = round(SHED_S * 25)


def motion_of(seed: int, frames: int = 40) -> FaceMotion:
    """Something smooth that moves."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / 25
    wave = lambda width, size: size * np.sin(time * rng.uniform(0.5, 3, width) + rng.uniform(0, 6, width))  # noqa: E731
    return FaceMotion(
        expression=0.5 + wave(4, 0.4), expression_names=tuple("abcd"), global_orient=wave(3, 0.5), transl=wave(3, 0.05), shape=rng.random(3)
    )


@settings(max_examples=20, deadline=None)
@given(seeds=st.lists(st.integers(0, 1000), min_size=2, max_size=4))
def test_what_was_stays_and_what_comes_is_soon_itself(seeds: list[int]) -> None:
    parts = [motion_of(s) for s in seeds]
    whole = joined(parts)
    assert whole.num_frames == 40 * len(parts)
    np.testing.assert_array_equal(whole.shape, parts[0].shape)
    for number, part in enumerate(parts):
        start = 40 * number + (SHED if number else 0)
        later, own = whole[start : 40 * (number + 1)], part[SHED if number else 0 :]
        np.testing.assert_allclose(later.expression, own.expression, atol=1e-6)
        apart = geodesic_angle(axis_angle_to_matrix(later.global_orient), axis_angle_to_matrix(own.global_orient))
        assert np.max(apart) < 1e-3


@settings(max_examples=20, deadline=None)
@given(first=st.integers(0, 1000), second=st.integers(0, 1000))
def test_nothing_jumps(first: int, second: int) -> None:
    """Place and speed are continuous: the acceleration at the joint stays within what a gap shed in half a second takes."""
    parts = [motion_of(first), motion_of(second)]
    whole = joined(parts)
    naive = np.concatenate([parts[0].expression, parts[1].expression])
    gap = np.abs(parts[1].expression[0] - parts[0].expression[-1]).max()
    for seam, plain in ((whole.expression, naive), (whole.transl, np.concatenate([p.transl for p in parts]))):
        at = np.abs(np.diff(seam, n=2, axis=0))[37:42].max()
        assert at <= np.abs(np.diff(plain, n=2, axis=0))[37:42].max() + 0.02 or at < 0.05
    assert np.abs(np.diff(whole.expression, axis=0))[36:44].max() < 0.12 + 2 * gap / SHED
    turns = axis_angle_to_matrix(whole.global_orient)
    assert np.max(geodesic_angle(turns[1:], turns[:-1])) < 0.3


def test_a_motion_that_was_cut_is_whole_again() -> None:
    motion = motion_of(4, 80)
    whole = joined([motion[:40], motion[40:]])
    assert np.abs(whole.expression - motion.expression).max() < 0.05
    np.testing.assert_array_equal(joined([motion]).expression, motion.expression)


def test_short_parts_and_parts_of_another_kind() -> None:
    assert joined([motion_of(1, 1), motion_of(2, 1), motion_of(3, 2)]).num_frames == 4
    with pytest.raises(InputError, match="one fps"):
        joined([motion_of(1), replace(motion_of(2), fps=30.0)])
    with pytest.raises(InputError, match="at least one part"):
        joined([])
