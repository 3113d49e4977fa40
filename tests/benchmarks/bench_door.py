"""`tdmm --help`: at most 0.35 s, and nothing heavy loaded."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

HEAVY = ("torch", "transformers", "mediapipe", "deepspeed", "numpy", "h5py", "numba")


def test_help_is_quick() -> None:
    command = [sys.executable, "-m", "tdmm_cli", "--help"]
    floor = [sys.executable, "-c", "pass"]
    times: dict[str, list[float]] = {"help": [], "python": []}
    for name, argv in [("help", command), ("python", floor)] * 8:
        start = time.perf_counter()
        subprocess.run(argv, check=True, capture_output=True)
        times[name].append(time.perf_counter() - start)
    median = {name: statistics.median(values[1:]) for name, values in times.items()}
    print(f"\ntdmm --help: {median['help']:.3f} s (python alone {median['python']:.3f} s); target 0.35 s")
    assert median["help"] <= 0.35


LOADED = f"""
import sys
from tdmm_cli.app import app
sys.argv = ["tdmm", "--help"]
try:
    app()
except SystemExit:
    pass
print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)
"""


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
