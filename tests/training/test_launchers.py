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
PATIENCE_S = 600
"Some 10 s on an idle machine; a process that hangs says where before this is over."
SETTINGS = {"steps": 24, "checkpoint_every": 12, "validate_every": 8, "task": {"dropout": 0.0, "hook": False, "model_seed": 0}}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def two_processes(settings, folder):
    """What the launchers start, and its surroundings."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SLURM")}
    environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "DS_ACCELERATOR": "cpu", "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    return [PROGRAM, str(folder / "run"), str(folder / "out.pt"), json.dumps(settings)], environ


def launch(launcher, folder, settings):
    """Runs the small training under a launcher; what it printed."""
    command = {
        "torchrun": [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())],
        "deepspeed": [str(TOOLS / "deepspeed"), "--num_gpus", "2", "--master_port", str(free_port()), "--no_local_rank"],
    }[launcher]
    program, environ = two_processes(settings, folder)
    done = subprocess.run([*command, *program], env=environ, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def as_srun(folder, settings):
    """Two processes with the variables that srun gives them."""
    program, environ = two_processes(settings, folder)
    step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_JOB_ID": "12", "SLURM_STEP_NODELIST": "localhost", "SLURM_STEP_ID": "0"}
    environ |= {**step, "MASTER_PORT": str(free_port())}
    tasks = [
        subprocess.Popen([sys.executable, *program], env={**environ, "SLURM_PROCID": n, "SLURM_LOCALID": n}, stderr=subprocess.PIPE, text=True)
        for n in ("0", "1")
    ]
    for task in tasks:
        _, said = task.communicate(timeout=PATIENCE_S)
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
@pytest.mark.parametrize("stage", [0, 2, 3])
@pytest.mark.parametrize("launcher", ["torchrun", "deepspeed"])
def test_two_processes_learn_what_one_learns(tmp_path, launcher, stage):
    task = {**SETTINGS["task"], "model_seed_is_rank": True}  # process 0's weights have to become everyone's
    printed = launch(launcher, tmp_path, {**SETTINGS, "zero_stage": stage, "task": task})
    summaries = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]  # the deepspeed launcher talks on stdout too
    assert [summary["steps"] for summary in summaries] == [24]
    assert_one_run(tmp_path, stage)


@pytest.mark.slow
def test_srun_needs_no_other_launcher(tmp_path):
    as_srun(tmp_path, {**SETTINGS, "zero_stage": 1})
    assert_one_run(tmp_path, 1)
