"""The example scripts run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tdmm_core.exchange.npz import write_npz
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.video.reader import open_video

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(script: str, *argv: Path | str) -> None:
    subprocess.run([sys.executable, str(EXAMPLES / script), *map(str, argv)], check=True)


def test_curves(tmp_path: Path) -> None:
    write_npz(tmp_path / "still.npz", neutral_motion(load_open_head(), 10), settings={})
    run("curves.py", tmp_path / "still.npz", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_by_hand(tmp_path: Path) -> None:
    run("by_hand.py", tmp_path / "wink.mp4")
    video = open_video(tmp_path / "wink.mp4")
    assert video.num_frames == 75 and np.isclose(video.fps, 25)


def test_labels(tmp_path: Path) -> None:
    run("labels.py", tmp_path / "sheet.png", "--of", "pucker", "--frames", "3", "--size", "48")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_synth_array(tmp_path: Path) -> None:
    """One task of the array job, as SLURM would start it: it makes its own share, and hands on the code of a command that fails."""
    task = {"SLURM_ARRAY_TASK_ID": "1", "SLURM_ARRAY_TASK_COUNT": "3", "TDMM": f"{sys.executable} -m tdmm_cli", "RECIPE": "tiny"}
    environment = {**os.environ, **task, "PYTHONPATH": str(EXAMPLES.parent)}
    script = ["bash", str(EXAMPLES / "slurm" / "synth-array.sbatch"), str(tmp_path / "c.h5"), "--no-video", "--num-clips", "6", "--workers", "1"]
    assert subprocess.run(script, env=environment, check=False).returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == ["c.2-of-3.h5"]
    assert subprocess.run([*script, "--seed", "5"], env=environment, check=False, capture_output=True).returncode == 2
