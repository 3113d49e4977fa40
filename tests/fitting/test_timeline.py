"""From source times to an even clock: what is observed, bridged and held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.motion import BRIDGED, HELD, OBSERVED
from tdmm_core.fitting.timeline import at_instants, fill, runs, timeline


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
@given(st.lists(st.integers(5, 90), min_size=1, max_size=20), st.floats(-5, 5), st.floats(-5, 5))
def test_a_straight_line_survives_any_rate(steps_ms: list[int], slope: float, start: float) -> None:
    times = np.cumsum([0, *steps_ms]) / 1000
    instants = np.arange(0, times[-1], 0.04)
    assert np.allclose(at_instants((start + slope * times)[:, None], times, instants)[:, 0], start + slope * instants)


@pytest.mark.parametrize(("mask", "expected"), [([0, 1, 1, 0, 1], [(1, 3), (4, 5)]), ([0, 0], []), ([1], [(0, 1)])])
def test_runs(mask: list[int], expected: list[tuple[int, int]]) -> None:
    assert runs(np.asarray(mask, bool)) == expected
