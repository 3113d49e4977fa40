"""Real runs of two processes under the launchers that users have, against the same run in one process."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training_cases import farthest, small_config, small_task

from tdmm_core.training import curves
from tdmm_core.training.engine import train
from tdmm_core.training.task import Place

PROGRAM = str(Path(__file__).with_name("training_cases.py"))
TOOLS = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
SETTINGS = {"steps": 24, "checkpoint_every": 12, "validate_every": 8, "task": {"dropout": 0.0, "hook": False}}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def launch(launcher, folder, settings, steps_before_stop=None):
    """Runs the small training under a launcher; what it printed."""
    command = {
        "torchrun": [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())],
        "deepspeed": [str(TOOLS / "deepspeed"), "--num_gpus", "2", "--master_port", str(free_port()), "--no_local_rank"],
    }[launcher]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "DS_ACCELERATOR": "cpu", "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    done = subprocess.run(
        [*command, PROGRAM, str(folder / "run"), str(folder / "out.pt"), json.dumps(settings)], env=environ, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def as_srun(folder, settings):
    """Two processes with the variables that srun gives them."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "SLURM_STEP_NUM_TASKS": "2", "SLURM_JOB_ID": str(free_port())}
    environ |= {"SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_ID": "0", "MASTER_PORT": str(free_port())}
    command = [sys.executable, PROGRAM, str(folder / "run"), str(folder / "out.pt"), json.dumps(settings)]
    tasks = [subprocess.Popen(command, env={**environ, "SLURM_PROCID": str(n), "SLURM_LOCALID": str(n)}, stderr=subprocess.PIPE, text=True) for n in (0, 1)]
    for task in tasks:
        _, said = task.communicate(timeout=200)
        assert task.returncode == 0, said[-3000:]


def in_one_process(folder, stage):
    config = small_config(**{name: value for name, value in SETTINGS.items() if name != "task"}, zero_stage=stage)
    task = small_task(config, **SETTINGS["task"])
    train(task, config, Place(run_dir=folder, device="cpu"), seed=5)
    return task.model.state_dict()


def assert_one_run(folder, stage):
    """Both processes hold the same weights, those of one process up to rounding; one curve was written."""
    first, second = torch.load(folder / "out.pt.0"), torch.load(folder / "out.pt.1")
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    one = in_one_process(folder / "one", stage)
    assert farthest(one, first) < 1e-5
    lines, wanted = curves.read(folder / "run" / "curves.jsonl"), curves.read(folder / "one" / "curves.jsonl")
    assert [(line["split"], line["step"]) for line in lines] == [(line["split"], line["step"]) for line in wanted]
    assert [line["loss"] for line in lines] == pytest.approx([line["loss"] for line in wanted], rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "stage"), [("torchrun", 0), ("torchrun", 2), ("torchrun", 3), ("deepspeed", 0)])
def test_two_processes_learn_what_one_learns(tmp_path, launcher, stage):
    done = launch(launcher, tmp_path, {**SETTINGS, "zero_stage": stage})
    assert json.loads(done.stdout.strip().splitlines()[-1])["steps"] == 24
    assert_one_run(tmp_path, stage)


@pytest.mark.slow
def test_srun_needs_no_other_launcher(tmp_path):
    as_srun(tmp_path, {**SETTINGS, "zero_stage": 1})
    assert_one_run(tmp_path, 1)
