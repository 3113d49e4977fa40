"""What shells and launchers rely on: exit codes, pipes, completion, the options that launchers add."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from tdmm_cli.app import app

TDMM = [sys.executable, "-m", "tdmm_cli"]


def test_verify_of_a_damaged_file_ends_in_code_1(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    synth = ["synth", "-o", str(path), "--no-video", "--num-clips", "2", "--recipe", "tiny", "--workers", "1", "--quiet"]
    assert CliRunner().invoke(app, synth).exit_code == 0
    assert CliRunner().invoke(app, ["info", str(path), "--verify"]).exit_code == 0
    with h5py.File(path, "a") as file:
        file["frames/transl"][3] += 1
    told = CliRunner().invoke(app, ["info", str(path), "--verify"])
    assert told.exit_code == 1 and "is damaged" in told.stdout


def test_the_deepspeed_launcher_may_add_its_option() -> None:
    told = CliRunner().invoke(app, ["--local_rank=1", "info"])
    assert told.exit_code == 0 and "devices" in told.stdout
    assert "local_rank" not in CliRunner().invoke(app, ["--help"]).stdout


def test_motion_goes_through_a_pipe(tmp_path: Path) -> None:
    made = subprocess.run([*TDMM, "animate", "a smile", "--seconds", "1", "-o", "-"], capture_output=True, check=True)
    assert np.load(io.BytesIO(made.stdout), allow_pickle=False)["expression"].shape == (25, 52)
    out = tmp_path / "out.npz"
    subprocess.run([*TDMM, "animate", "-", "-o", str(out), "--seconds", "1", "--quiet"], input=b"a smile\n", check=True)
    assert out.read_bytes() == made.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_a_completion(shell: str) -> None:
    # The shell is named instead of looked for among the parent processes, which may be none.
    named = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    told = subprocess.run([*TDMM, "--show-completion", shell], capture_output=True, text=True, env=named)
    assert told.returncode == 0 and "_TDMM_COMPLETE" in told.stdout


def test_completion_knows_the_commands() -> None:
    asked = {"_TDMM_COMPLETE": "complete_bash", "COMP_WORDS": "tdmm t", "COMP_CWORD": "1"}
    told = subprocess.run(TDMM, env={**os.environ, **asked}, capture_output=True, text=True)
    assert told.stdout.split() == ["tokenize", "train-l2m", "train-m2l"]
