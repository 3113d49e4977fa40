"""`tdmm animate` of 5 s of motion with the embedded models: cold process to written file, at most 8 s on two cores."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np


def test_animate_five_seconds_cold(tmp_path: Path) -> None:
    times, floor = [], []
    for i in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import torch"], check=True)
        floor.append(time.perf_counter() - start)
        out = tmp_path / f"{i}.npz"
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tdmm_cli", "animate", "a slow pout turning to surprise", "--seconds", "5", "-o", str(out), "--quiet"], check=True
        )
        times.append(time.perf_counter() - start)
        with np.load(out) as data:
            assert data["expression"].shape == (125, 52)
    print(
        f"\nanimate, 5 s, cold: median {statistics.median(times):.2f} s (min {min(times):.2f}, max {max(times):.2f}); "
        f"importing torch alone {statistics.median(floor):.2f} s; target 8 s"
    )
    assert statistics.median(times) <= 8
