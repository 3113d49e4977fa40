"""From source times to an even clock: what is observed, bridged and held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.motion import BRIDGED, HELD, OBSERVED
from tdmm_core.fitting.timeline import fill, runs, timeline


def clock(found: list[bool], *, bridge_s: float = 0.4, fps: float = 25.0):
    times = np.arange(len(found)) / fps
    return timeline(times, np.asarray(found), fps=fps, num_frames=len(found), bridge_s=bridge_s)


def test_short_gaps_are_bridged_and_long_ones_held() -> None:
    found = [False] * 3 + [True] * 5 + [False] * 10 + [True] * 5 + [False] * 11 + [True] * 4 + [False] * 2
    status = clock(found).status
    assert (status[:3] == HELD).all() and (status[-2:] == HELD).all()
    assert (status[8:18] == BRIDGED).all() and (status[23:34] == HELD).all()
    assert (status[np.asarray(found)] == OBSERVED).all()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=60).filter(any), st.sampled_from([0.0, 0.1, 0.4]))
def test_status_equals_a_frame_by_frame_reading(found: list[bool], bridge_s: float) -> None:
    status = clock(found, bridge_s=bridge_s).status
    for i, seen in enumerate(found):
        if seen:
            assert status[i] == OBSERVED
            continue
        low = i
        while low >= 0 and not found[low]:
            low -= 1
        high = i
        while high < len(found) and not found[high]:
            high += 1
        inside = low >= 0 and high < len(found) and high - low - 1 <= bridge_s * 25 + 1e-9
        assert status[i] == (BRIDGED if inside else HELD)


def test_a_single_sighting_between_two_instants_still_counts() -> None:
    times = np.array([0.0, 0.01, 0.03])
    assert timeline(times, np.array([False, True, False]), fps=25, num_frames=1, bridge_s=0.4).status.tolist() == [OBSERVED]


def test_filling_interpolates_bridges_and_holds_the_last_known() -> None:
    status = np.array([HELD, OBSERVED, BRIDGED, BRIDGED, OBSERVED, HELD, HELD, OBSERVED], np.uint8)
    filled = fill(np.array([[1.0], [4.0], [9.0]]), status)[:, 0]
    assert filled.tolist() == [1, 1, 2, 3, 4, 4, 4, 9]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(5, 190), min_size=1, max_size=20), st.floats(-5, 5), st.floats(-5, 5))
def test_a_straight_line_survives_any_rate(steps_ms: list[int], slope: float, start: float) -> None:
    times = np.cumsum([0, *steps_ms]) / 1000
    laid = timeline(times, np.ones(len(times), bool), fps=25, num_frames=1 + int(times[-1] * 25), bridge_s=0.4)
    assert (laid.status == OBSERVED).all()
    assert np.allclose(laid.sample((start + slope * times)[:, None])[:, 0], start + slope * laid.times_s)


def source_times(rate: float, seconds: float) -> np.ndarray:
    return np.arange(round(rate * seconds)) / rate


def curve(times_s: np.ndarray) -> np.ndarray:
    """A lively unit: up to three beats a second."""
    return 0.4 + 0.25 * np.sin(2 * np.pi * 1.1 * times_s) + 0.15 * np.sin(2 * np.pi * 3 * times_s + 1)


def lag_ms(measured: np.ndarray, times_s: np.ndarray) -> float:
    """By how much (N,) values come late of the curve: the shift that explains most of the difference."""
    slope = np.gradient(curve(times_s), times_s)
    return float(1000 * -(slope * (measured - curve(times_s))).sum() / (slope**2).sum())


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([16, 20, 24000 / 1001, 24, 25, 30000 / 1001, 30, 60]),
    st.floats(0, 3),
    st.lists(st.integers(16, 100), min_size=20, max_size=60),
    st.booleans(),
)
def test_every_rate_is_in_time(rate: float, start_s: float, steps_ms: list[int], variable: bool) -> None:
    """Fixed and variable rates, any first time stamp: the curve at 25 fps is the true one, neither late nor early."""
    source = (np.cumsum([0, *steps_ms]) / 1000 if variable else source_times(rate, 3.0)) + start_s
    laid = timeline(source, np.ones(len(source), bool), fps=25, num_frames=1 + int((source[-1] - source[0]) * 25 + 1e-6), bridge_s=0.4)
    values = laid.sample(curve(source)[:, None])[:, 0]
    assert laid.times_s[0] == source[0] and np.allclose(np.diff(laid.times_s), 0.04)
    assert abs(lag_ms(values[1:-1], laid.times_s[1:-1])) < (4 if variable else 1.5)
    assert np.abs(values - curve(laid.times_s)).max() < (0.2 if variable else 0.06)


def test_nothing_is_carried_over_a_cut() -> None:
    times = np.arange(20) / 30
    shots = (np.arange(20) >= 10).astype(int)
    values = np.where(shots, 7.0, 1.0)[:, None]
    laid = timeline(times, np.ones(20, bool), fps=25, num_frames=16, bridge_s=0.4, shots=shots)
    assert set(laid.sample(values)[:, 0].round(9).tolist()) == {1.0, 7.0}
    assert (~laid.follows).sum() == 1 and laid.shots.tolist() == [0] * 9 + [1] * 7
    found = np.ones(20, bool)
    found[8:12] = False
    assert HELD in timeline(times, found, fps=25, num_frames=16, bridge_s=0.4, shots=shots).status
    assert HELD not in timeline(times, found, fps=25, num_frames=16, bridge_s=0.4).status


def test_a_still_that_lasts_is_not_observed() -> None:
    """A variable rate may leave a picture standing: what lies between is filled, and said to be."""
    laid = timeline(np.array([0.0, 0.04, 0.4, 0.44, 1.44, 1.48]), np.ones(6, bool), fps=25, num_frames=37, bridge_s=0.4)
    assert (laid.status[4:8] == BRIDGED).all() and (laid.status[15:32] == HELD).all() and laid.status[36] == OBSERVED


@pytest.mark.parametrize(("mask", "expected"), [([0, 1, 1, 0, 1], [(1, 3), (4, 5)]), ([0, 0], []), ([1], [(0, 1)])])
def test_runs(mask: list[int], expected: list[tuple[int, int]]) -> None:
    assert runs(np.asarray(mask, bool)) == expected
