"""Killed (SIGKILL) at 20 random instants and started again, each long command ends in the digest of a run that was left alone.

Motion-to-language is trained on a random language model of two layers: the embedded one takes so long to load that most kills would hit just that.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = int(os.environ.get("KILLS", "20"))
BUDGET_S = float(os.environ.get("KILL_BUDGET_S", "1800"))
"Longest that one command is killed and started again; the benchmark fails where the kills are not reached by then."
sys.path.insert(0, str(Path(__file__).parents[1] / "textmodels"))
TDMM = [sys.executable, "-m", "tdmm_cli"]
ENV = {**os.environ, "OMP_NUM_THREADS": "1"}


def tdmm(*argv: str) -> None:
    subprocess.run([*TDMM, *argv, "--quiet"], check=True, stdout=subprocess.DEVNULL, env=ENV, timeout=BUDGET_S)


def digest(path: Path) -> str:
    done = subprocess.run([*TDMM, "info", str(path), "--verify", "--json"], check=True, capture_output=True, text=True, env=ENV)
    return json.loads(done.stdout)["digest"]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus with videos, motion, tokens and a language model to start from."""
    from tiny_llama import write_tiny_llama

    folder = tmp_path_factory.mktemp("kill")
    write_tiny_llama(folder / "llama")
    tdmm("synth", "-o", f"{folder}/corpus.h5", "--recipe", "tiny", "--num-clips", "6")
    tdmm("synth", "-o", f"{folder}/motion.h5", "--no-video", "--recipe", "tiny", "--num-clips", "60")
    tdmm("tokenize", f"{folder}/motion.h5", "-o", f"{folder}/tokens.h5")
    return folder


def commands(folder: Path) -> dict[str, tuple[list[str], str]]:
    """Name to the command without its output option, and the output's name."""
    train = ["--recipe", "tiny", "--set"]
    return {
        "synth": (["synth", "--recipe", "tiny", "--num-clips", "24", "-o"], "c.h5"),
        "synth --no-video": (["synth", "--recipe", "tiny", "--no-video", "--num-clips", "3000", "-o"], "m.h5"),
        "fit": (["fit", f"{folder}/corpus.h5", "--recipe", "tiny", "-o"], "f.h5"),
        "tokenize --train": (["tokenize", f"{folder}/motion.h5", "--train", *train, "tokenize.training.steps=120", "--tokenizer"], "tok"),
        "train-l2m": (["train-l2m", f"{folder}/tokens.h5", *train, "l2m.training.steps=80", "-o"], "l2m"),
        "train-m2l": (["train-m2l", f"{folder}/tokens.h5", "--text-model", f"{folder}/llama", *train, "m2l.training.steps=60", "-o"], "m2l"),
    }


@pytest.mark.parametrize("name", ["synth", "synth --no-video", "fit", "tokenize --train", "train-l2m", "train-m2l"])
def test_kill_and_resume(work: Path, tmp_path: Path, name: str) -> None:
    argv, out = commands(work)[name]
    start = time.perf_counter()
    tdmm(*argv, str(tmp_path / "alone" / out))
    seconds = time.perf_counter() - start
    want = digest(tmp_path / "alone" / out)
    target = tmp_path / "killed" / out
    rng, kills, finished, deadline = random.Random(name), 0, 0, time.monotonic() + BUDGET_S
    while kills < KILLS:
        assert time.monotonic() < deadline, f"{name}: {kills} of {KILLS} kills in {BUDGET_S:.0f} s; alone it takes {seconds:.1f} s"
        if killed_after(rng.uniform(0.1, seconds * 1.05), [*argv, str(target)]):
            kills += 1
            continue
        finished += 1
        assert digest(target) == want
        shutil.rmtree(tmp_path / "killed")  # begin afresh until there were enough kills
    tdmm(*argv, str(target))
    assert digest(target) == want
    print(f"\n{name}: {kills} kills, {finished + 1} completions, {seconds:.1f} s alone, digest {want[:12]} each time")


def killed_after(seconds: float, argv: list[str]) -> bool:
    """Start a command and kill it and its workers at that instant; False where it ended well before."""
    process = subprocess.Popen([*TDMM, *argv, "--quiet"], env=ENV, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    try:
        said = process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, said.decode()
    return False
