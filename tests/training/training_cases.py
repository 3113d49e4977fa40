"""A small but whole training: dropout, a frozen layer, buffers that follow the data, a hook that draws at random; and its launching as a program."""

import faulthandler
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn

from tdmm_core.errors import TdmmError
from tdmm_core.runtime.process import is_main, rank
from tdmm_core.training.config import TrainingConfig
from tdmm_core.training.distributed import sum_over_processes
from tdmm_core.training.sampling import draw_rows
from tdmm_core.training.task import Place, TrainingTask

NUM_ROWS, NUM_HELD_OUT, WIDTH = 96, 21, 12
DATA_SEED = 3


class SmallModel(nn.Module):
    """(B, WIDTH) -> (B, WIDTH), with every kind of state that a checkpoint has to hold."""

    def __init__(self, dropout: float = 0.1):
        super().__init__()
        self.frozen = nn.Linear(WIDTH, 16).requires_grad_(False)
        self.enter = nn.Linear(16, 24)
        self.norm = nn.LayerNorm(24)
        self.dropout = nn.Dropout(dropout)
        self.leave = nn.Linear(24, WIDTH)
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)

    def forward(self, batch):
        x, wanted = batch["motion"]["x"], batch["y"]
        if self.training:
            total = sum_over_processes(torch.cat([x.detach().float().sum(0), torch.tensor([float(len(x))])]))
            self.mean.mul_(0.9).add_(0.1 * total[:-1] / total[-1])
            self.seen += total[-1].long()
        y = self.leave(self.dropout(torch.relu(self.norm(self.enter(self.frozen(x))))))
        error = y - wanted
        return {"loss": error.float().square().mean(), "error": error.float().abs().mean()}


def small_data():
    """(NUM_ROWS + NUM_HELD_OUT, WIDTH) inputs and what the model has to make of them."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(NUM_ROWS + NUM_HELD_OUT, WIDTH)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(np.tanh(x @ draw.normal(size=(WIDTH, WIDTH)).astype(np.float32) * 0.3))


def small_task(config, *, dropout=0.1, seed=5, hook=True, model_seed=1, pause=0.0):
    torch.manual_seed(model_seed)
    model = SmallModel(dropout)
    x, y = small_data()

    def train_batch(part):
        time.sleep(pause)
        rows = torch.from_numpy(draw_rows(NUM_ROWS, part, config=config, seed=DATA_SEED))
        return {"motion": {"x": x[rows]}, "y": y[rows], "ids": rows.tolist()}

    def validation_batches():
        for first in range(NUM_ROWS, NUM_ROWS + NUM_HELD_OUT, 8):
            yield {"motion": {"x": x[first : first + 8]}, "y": y[first : first + 8]}

    def after_step(step):
        if step % 7 == 0:
            model.mean += 0.001 * torch.randn(WIDTH)
            return {"revived": 1.0}
        return None

    return TrainingTask(
        model=model, train_batch=train_batch, validation_batches=validation_batches, after_step=after_step if hook else None, identity=f"small {seed}"
    )


def small_config(**changes):
    settings = dict(
        steps=40, batch_size=8, learning_rate=3e-3, warmup_steps=5, validate_every=10, checkpoint_every=10, log_every=5, keep="last", weight_decay=0.1
    )
    return TrainingConfig(**{**settings, **changes})


def equal_states(first, second):
    """Whether two models hold the very same bits."""
    there = second.state_dict()
    return all(torch.equal(value, there[name]) for name, value in first.state_dict().items())


def farthest(first, second):
    """Largest difference of any weight between two state dicts."""
    return max(float((value.double() - second[name].double()).abs().max()) for name, value in first.items())


def train_once(run_dir, out, settings):
    """One process of a run: its weights go to OUT.RANK; returns the summary."""
    from tdmm_core.training.engine import train

    torch.set_num_threads(1)
    settings = dict(settings)
    task_settings = settings.pop("task", {})
    if task_settings.pop("model_seed_is_rank", False):
        task_settings["model_seed"] = rank()
    config = small_config(**settings)
    task = small_task(config, **task_settings)
    summary = train(task, config, Place(run_dir=Path(run_dir), device="cpu"), seed=5)
    torch.save(task.model.state_dict(), f"{out}.{rank()}")
    return summary


def train_in_child(run_dir, out, settings, fate=None):
    """The body of a child process that may be doomed: `kill_at` a write, or out of disk (`file_limit` bytes); exits 77 when interrupted."""
    fate = fate or {}
    if "kill_at" in fate:
        kill_at_write(fate["kill_at"])
    if "file_limit" in fate:
        resource.setrlimit(resource.RLIMIT_FSIZE, (fate["file_limit"], resource.RLIM_INFINITY))
    if "pause" in fate:
        settings = {**settings, "task": {**settings.get("task", {}), "pause": fate["pause"]}}
    try:
        train_once(run_dir, out, settings)
    except KeyboardInterrupt:
        sys.exit(77)
    except TdmmError as e:
        Path(f"{out}.said").write_text(str(e))
        sys.exit(e.exit_code)


def kill_at_write(number):
    """Kills this process (SIGKILL) just before its `number`-th fsync, rename or removal."""
    count = 0

    def doomed(before):
        def call(*args, **kwargs):
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return before(*args, **kwargs)

        return call

    for owner, name in ((os, "fsync"), (os, "rename"), (os, "replace"), (os, "unlink"), (os, "rmdir")):
        setattr(owner, name, doomed(getattr(owner, name)))


def main(arguments):
    """`python training_cases.py RUN_DIR OUT JSON`: one process of a launched run; one that hangs says where."""
    faulthandler.dump_traceback_later(550, exit=True)
    run_dir, out, settings = arguments
    summary = train_once(run_dir, out, json.loads(settings))
    if is_main():
        print(json.dumps({"steps": summary.steps, "validation_loss": summary.validation_loss}))


if __name__ == "__main__":
    main(sys.argv[1:])
