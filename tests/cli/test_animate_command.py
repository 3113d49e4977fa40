"""`tdmm animate` as a person types it: sentences and motion through pipes, several outputs, a script file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tdmm_cli.app import app

TDMM = [sys.executable, "-m", "tdmm_cli"]


def test_a_motion_goes_through_a_pipe_into_several_exports(tmp_path: Path) -> None:
    made = subprocess.run([*TDMM, "animate", "she smiles", "--seconds", "0.4", "-o", "-"], check=True, capture_output=True)
    assert made.stdout.startswith(b"PK")
    outputs = [tmp_path / n for n in ("a.npz", "a.glb", "a.html", "a.csv")]
    options = [part for o in outputs for part in ("-o", str(o))]
    shown = subprocess.run([*TDMM, "animate", "-", *options, "--json"], input=made.stdout, check=True, capture_output=True)
    assert json.loads(shown.stdout)["outputs"] == [str(o) for o in outputs]
    with np.load(outputs[0]) as motion:
        assert motion["expression"].shape == (10, 52) and str(motion["prompt"]) in ("she smiles", "")
    again = subprocess.run([*TDMM, "animate", "-", "-o", str(tmp_path / "b.npz")], input=outputs[3].read_bytes(), check=True, capture_output=True)
    assert again.stdout.decode().strip() == str(tmp_path / "b.npz")  # a Live Link take comes through a pipe too


def test_sentences_come_one_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = 'she smiles\n\n{"prompt": "he nods", "seconds": 0.2}\n'
    done = CliRunner().invoke(app, ["animate", "-", "--seconds", "0.4", "--num-samples", "2", "-o", "many/"], input=lines)
    assert done.exit_code == 0, done.output
    assert done.stdout.split() == [f"many/{i:03d}.npz" for i in range(4)]
    with np.load("many/003.npz") as motion:
        assert motion["expression"].shape[0] == 5 and str(motion["prompt"]) == "he nods"


def test_a_script_file_becomes_one_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("scene.json").write_text('[{"prompt": "she smiles", "seconds": 0.6}, {"prompt": "he nods", "seconds": 0.4}]')
    done = CliRunner().invoke(app, ["animate", "--script", "scene.json", "--shape", "random", "-o", "scene.npz", "-o", "scene.png"])
    assert done.exit_code == 0, done.output
    with np.load("scene.npz") as motion:
        assert motion["expression"].shape == (25, 52) and motion["shape"].any()
