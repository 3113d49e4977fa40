"""Runs that are killed, stopped or out of disk, each in a process of its own: they go on and end in the very bits of a run left alone."""

import multiprocessing
import os
import random
import signal
import time

import pytest
import torch
from training_cases import train_in_child

from tdmm_core.training import curves

SETTINGS = {"steps": 24, "checkpoint_every": 3, "validate_every": 4, "log_every": 2, "keep": "best", "warmup_steps": 2}


@pytest.fixture(scope="module")
def start():
    """Starts a doomed or undoomed training in a fresh process; forked from one that has imported everything, so that it begins at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DS_ACCELERATOR", "cpu")
        patch.setenv("OMP_NUM_THREADS", "1")
        context = multiprocessing.get_context("forkserver")
        heavy = ["training_cases", "deepspeed", "matplotlib.figure", "matplotlib.backends.backend_agg", "tdmm_core.training.engine"]
        context.set_forkserver_preload(heavy)

        def begin(run_dir, out, settings=SETTINGS, **fate):
            process = context.Process(target=train_in_child, args=(str(run_dir), str(out), settings, fate))
            process.start()
            return process

        yield begin


def finish(process):
    process.join(120)
    assert process.exitcode is not None
    return process.exitcode


@pytest.fixture(scope="module")
def alone(start, tmp_path_factory):
    """Weights and curve of a run left alone, and how long it took."""
    folder = tmp_path_factory.mktemp("alone")
    finish(start(folder / "warm", folder / "warm.pt"))
    began = time.monotonic()
    assert finish(start(folder / "run", folder / "out.pt")) == 0
    return torch.load(folder / "out.pt.0"), losses(folder / "run"), time.monotonic() - began


def losses(run_dir):
    timing = {"elapsed_s", "samples_per_s"}
    return [{name: value for name, value in line.items() if name not in timing} for line in curves.read(run_dir / "curves.jsonl")]


def assert_as_left_alone(folder, alone):
    weights, lines, _ = alone
    found = torch.load(folder / "out.pt.0")
    assert found.keys() == weights.keys() and all(torch.equal(value, found[name]) for name, value in weights.items())
    assert losses(folder / "run") == lines
    assert not list((folder / "run").rglob("*.part"))
    assert (folder / "run" / "curves.png").exists()


def test_killed_at_random_instants_it_ends_in_the_same_bits(start, alone, tmp_path):
    draw = random.Random(4)
    killed = 0
    for _ in range(8):
        process = start(tmp_path / "run", tmp_path / "out.pt")
        process.join(draw.uniform(0.2, 1.0) * alone[2])
        if process.exitcode is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.join()
    assert killed >= 4
    assert finish(start(tmp_path / "run", tmp_path / "out.pt")) == 0
    assert_as_left_alone(tmp_path, alone)


@pytest.mark.slow
def test_killed_before_any_one_write_it_ends_in_the_same_bits(start, alone, tmp_path):
    for number in random.Random(1).sample(range(1, 70), 6):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert finish(start(folder / "run", folder / "out.pt", kill_at=number)) == -signal.SIGKILL
        assert finish(start(folder / "run", folder / "out.pt")) == 0
        assert_as_left_alone(folder, alone)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [2, 3])
def test_killed_under_zero_it_ends_in_the_same_bits(start, tmp_path, stage):
    settings = {**SETTINGS, "zero_stage": stage}
    assert finish(start(tmp_path / "whole", tmp_path / "whole.pt", settings)) == 0
    for number in (50, 25):
        assert finish(start(tmp_path / "run", tmp_path / "out.pt", settings, kill_at=number)) == -signal.SIGKILL
    assert finish(start(tmp_path / "run", tmp_path / "out.pt", settings)) == 0
    whole, found = torch.load(tmp_path / "whole.pt.0"), torch.load(tmp_path / "out.pt.0")
    assert all(torch.equal(value, found[name]) for name, value in whole.items())
    assert losses(tmp_path / "run") == losses(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_saves_first_and_goes_on_from_there(start, alone, tmp_path, number):
    process = start(tmp_path / "run", tmp_path / "out.pt", {**SETTINGS, "checkpoint_every": 0}, pause=0.1)
    while not (tmp_path / "run" / "curves.jsonl").exists() and process.exitcode is None:
        time.sleep(0.02)
    os.kill(process.pid, number)
    assert finish(process) == 77
    (saved,) = (tmp_path / "run" / "checkpoints").iterdir()
    assert 2 <= int(saved.name.split("-")[1]) < 24
    assert not (tmp_path / "out.pt.0").exists()
    assert finish(start(tmp_path / "run", tmp_path / "out.pt")) == 0
    assert_as_left_alone(tmp_path, alone)


def test_a_full_disk_is_told_in_a_sentence_and_the_run_goes_on_later(start, alone, tmp_path):
    assert finish(start(tmp_path / "run", tmp_path / "out.pt", file_limit=9000)) == 1
    said = (tmp_path / "out.pt.said").read_text()
    assert "could not be written" in said and "\n" not in said
    assert finish(start(tmp_path / "run", tmp_path / "out.pt")) == 0
    assert_as_left_alone(tmp_path, alone)
