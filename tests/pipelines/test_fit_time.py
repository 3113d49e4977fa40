"""The time base of `tdmm fit` on really encoded films whose motion is known: every rate, and a variable one, ends in time at 25 fps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from film_cases import NAMES, acted, encode, filmed, jaw, lag_ms, yaw

from tdmm_core.domain.motion import OBSERVED
from tdmm_core.fitting.config import FitConfig
from tdmm_core.pipelines.fit_jobs import fit_jobs
from tdmm_core.pipelines.fit_video import Fitting, fit_job

RATES = {"16": 16, "23.976": 24000 / 1001, "29.97": 30000 / 1001, "60": 60}


def times_of(rate: str) -> np.ndarray:
    if rate == "variable":
        return 2.5 + np.cumsum([0, *np.random.default_rng(0).choice([16, 33, 40, 50, 66, 90], 30)]) / 1000
    return np.arange(round(RATES[rate] * 1.6)) / RATES[rate]


@pytest.mark.slow
@pytest.mark.parametrize("rate", [*RATES, "variable"])
def test_the_curve_is_in_time(landmark_file: Path, tmp_path: Path, rate: str) -> None:
    """Mouth and head follow the truth to within 8 ms, a fifth of a frame; the clip is as long as its source and keeps its clock."""
    times = times_of(rate)
    video = encode(tmp_path / ("a.mkv" if rate == "variable" else "a.mp4"), filmed(acted(times - times[0])), times_s=times)
    (job,), _ = fit_jobs([video])
    clip = fit_job(job, fitting=Fitting(config=FitConfig(num_keyframes=4), model_file=landmark_file))
    motion = clip.motion
    assert motion is not None and motion.fps == 25 and (motion.status == OBSERVED).all() and clip.error == ""
    assert motion.source_time_s[0] == pytest.approx(times[0], abs=1e-3) and np.allclose(np.diff(motion.source_time_s), 0.04)
    assert motion.duration_s == pytest.approx(times[-1] - times[0] + np.median(np.diff(times)), abs=0.03)
    assert clip.source_fps == pytest.approx(len(times) / (times[-1] - times[0]), rel=0.05)
    own = motion.source_time_s - times[0]
    assert abs(lag_ms(motion.expression[:, NAMES.index("jawOpen")], own, jaw)) < 8
    assert abs(lag_ms(motion.global_orient[:, 1], own, yaw)) < 8
