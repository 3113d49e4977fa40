"""Another rate by time stamps: numbers, rotations, gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.domain.motion import BRIDGED, HELD, OBSERVED, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.resample import resample


def motion_at(times: np.ndarray, *, fps: float = 30.0, status: np.ndarray | None = None) -> FaceMotion:
    """A motion whose every number grows evenly with time, turning by half a radian a second about one axis."""
    since = times - times[0]
    turn = np.stack([np.zeros_like(since), since / 2, np.zeros_like(since)], axis=1)
    return FaceMotion(
        expression=since[:, None], expression_names=("a",), global_orient=turn, transl=turn, status=status, source_time_s=times, fps=fps,
        eye_pose=np.concatenate([turn, -turn], axis=1),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([16, 20, 23.976, 24, 25, 29.97, 30, 60]), st.integers(2, 80), st.sampled_from([25.0, 60.0]), st.integers(0, 99))
def test_what_grows_evenly_stays_so(rate: float, frames: int, fps: float, seed: int) -> None:
    """Also with uneven frames: every instant has the value of its own time."""
    rng = np.random.default_rng(seed)
    times = 1000 + (np.arange(frames) + rng.uniform(-0.2, 0.2, frames)) / rate
    found = resample(motion_at(times, fps=rate), fps)
    since = found.source_time_s - times[0]
    assert np.diff(found.source_time_s) == pytest.approx(1 / fps)
    assert 0 <= times[-1] - found.source_time_s[-1] < 1 / fps + 1e-6
    for values in (found.expression[:, 0], 2 * found.global_orient[:, 1], 2 * found.eye_pose[:, 1], -2 * found.eye_pose[:, 4]):
        assert values == pytest.approx(since, abs=2e-4)
    assert found.fps == fps


def test_the_same_rate_changes_nothing() -> None:
    motion = motion_at(np.arange(50) / 25, fps=25)
    found = resample(motion, 25)
    assert np.abs(found.expression - motion.expression).max() < 1e-6 and found.num_frames == 50


def test_rotations_go_the_short_way() -> None:
    turn = np.radians([[0, 170, 0], [0, -170, 0]])
    motion = FaceMotion(expression=np.zeros((2, 1)), expression_names=("a",), transl=np.zeros((2, 3)), global_orient=turn, fps=1)
    assert np.abs(np.degrees(resample(motion, 2).global_orient[1])) == pytest.approx([0, 180, 0], abs=0.01)


def test_short_gaps_are_bridged_and_long_ones_held() -> None:
    status = np.zeros(100, np.uint8)
    status[20:26], status[50:80], status[97:] = HELD, HELD, HELD
    found = resample(motion_at(np.arange(100) / 30, status=status), 25)
    at = found.source_time_s * 30
    assert set(found.status[(at > 21) & (at < 25)]) == {BRIDGED}
    assert set(found.status[(at > 51) & (at < 79)]) == {HELD}
    assert found.status[-1] == HELD and found.status[0] == OBSERVED
    held = (at > 51) & (at < 79)
    assert found.expression[held, 0] == pytest.approx(49 / 30, abs=1e-5)
    assert found.expression[(at > 21) & (at < 25), 0] == pytest.approx(found.source_time_s[(at > 21) & (at < 25)], abs=1e-5)


def test_missing_rows_are_a_gap() -> None:
    times = np.concatenate([np.arange(30), np.arange(60, 90)]) / 30
    found = resample(motion_at(times), 25)
    gap = (found.source_time_s > 1.1) & (found.source_time_s < 1.9)
    assert set(found.status[gap]) == {HELD}


def test_what_cannot_be_resampled_is_told() -> None:
    with pytest.raises(InputError, match="times that grow"):
        resample(motion_at(np.array([0.0, 0.0, 1.0])), 25)
    with pytest.raises(InputError, match="at least one frame with a face"):
        resample(motion_at(np.arange(3.0), status=np.full(3, HELD)), 25)


def test_one_frame_stays_one() -> None:
    assert resample(motion_at(np.array([5.0])), 25).num_frames == 1
