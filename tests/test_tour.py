"""The tour, examples/tour.sh, as a newcomer runs it: all commands in a row in an empty folder, from the installed `tdmm`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TOUR = Path(__file__).resolve().parents[1] / "examples" / "tour.sh"
MINUTES = 8


@pytest.mark.slow
def test_the_tour(tmp_path: Path) -> None:
    from tdmm_core.fitting.system_libraries import missing_libraries

    if missing_libraries():
        pytest.skip(f"tdmm fit needs system libraries that are not here: {', '.join(missing_libraries())}")
    tdmm = f"{sys.executable} -m tdmm_cli"
    done = subprocess.run(["sh", str(TOUR)], cwd=tmp_path, env={**os.environ, "TDMM": tdmm}, capture_output=True, text=True, timeout=60 * MINUTES * 3)
    assert done.returncode == 0, done.stderr[-3000:]
    made = {p.name for p in tmp_path.iterdir()}
    assert {"corpus.h5", "fitted.h5", "tokens.h5", "tokenizer", "l2m", "m2l", "out.npz", "out.mp4", "report.h5"} <= made
    assert not [name for name in made if name.endswith(".partial")]
    shown = subprocess.run([*tdmm.split(), "info", "report.h5", "--json", "--verify"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {p["kind"] for p in json.loads(shown.stdout)["parents"]} >= {"motion", "language-to-motion", "motion-to-language"}
