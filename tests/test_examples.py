"""The example scripts run as they stand."""

from __future__ import annotations

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
