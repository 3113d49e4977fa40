"""The processes of a training run: how they find each other, and the few things they tell each other.

Launched by torchrun, deepspeed or srun there are many; otherwise this one, which then needs no network at all. Knows no models.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist

from tdmm_core.errors import InputError, TdmmError

LARGE = 1_000_000
"Numbers in a tensor from which on it is sent by itself."


@dataclass(frozen=True, kw_only=True)
class Team:
    """This process among the others."""

    rank: int
    size: int
    device: torch.device

    @property
    def is_main(self) -> bool:
        return self.rank == 0

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Mean over the processes, on the CPU."""
        return self.total(values) / self.size

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """Sum over the processes, in float64 on the CPU."""
        values = values.detach().double()
        if self.size > 1:
            values = values.to(self.device)
            dist.all_reduce(values)
        return values.cpu()

    def any(self, flag: bool) -> bool:
        """Whether it is true of any process."""
        return flag if self.size == 1 else bool(self.total(torch.tensor(float(flag))) > 0)

    def broadcast(self, tensors: Iterable[torch.Tensor]) -> None:
        """Process 0's values into everyone's tensors, in place; small ones share a message."""
        if self.size == 1:
            return
        messages: dict[object, list[torch.Tensor]] = {}
        for number, tensor in enumerate(tensors):
            messages.setdefault(tensor.dtype if tensor.numel() < LARGE else number, []).append(tensor.detach())
        for alike in messages.values():
            flat = torch.cat([tensor.reshape(-1).to(self.device) for tensor in alike])
            dist.broadcast(flat, src=0)
            for tensor, values in zip(alike, flat.split([tensor.numel() for tensor in alike]), strict=True):
                tensor.copy_(values.reshape(tensor.shape))

    def wait(self) -> None:
        """Until all are here."""
        if self.size > 1:
            dist.barrier()


def sum_over_processes(tensor: torch.Tensor) -> torch.Tensor:
    """Sum over the processes of a run, in place and without gradient; the tensor itself where there is but one. For statistics inside a model."""
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        dist.all_reduce(tensor)
    return tensor


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[Team]:
    """Joins the run's processes; the group stays for later trainings of this process, the variables that were added do not."""
    found = {**launched(os.environ), **_as_deepspeed_wants(device)}
    before = {name: os.environ.get(name) for name in found}
    os.environ.update(found)
    try:
        if not dist.is_initialized():
            _open_group(device, int(found["RANK"]), int(found["WORLD_SIZE"]))
        yield Team(rank=dist.get_rank(), size=dist.get_world_size(), device=device)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def launched(environ: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """RANK, WORLD_SIZE and LOCAL_RANK as the launcher says; under srun also MASTER_ADDR and MASTER_PORT. Alone: 0 of 1."""
    if "RANK" in environ and "WORLD_SIZE" in environ:
        return {"RANK": environ["RANK"], "WORLD_SIZE": environ["WORLD_SIZE"], "LOCAL_RANK": environ.get("LOCAL_RANK", "0")}
    if int(environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1:
        job = int(environ.get("SLURM_JOB_ID", "0")) + 7 * int(environ.get("SLURM_STEP_ID", "0"))
        return {
            "RANK": environ["SLURM_PROCID"],
            "WORLD_SIZE": environ["SLURM_STEP_NUM_TASKS"],
            "LOCAL_RANK": environ.get("SLURM_LOCALID", "0"),
            "MASTER_ADDR": environ.get("MASTER_ADDR") or first_host(environ.get("SLURM_STEP_NODELIST") or environ.get("SLURM_NODELIST", "127.0.0.1")),
            "MASTER_PORT": environ.get("MASTER_PORT") or str(20000 + job % 20000),
        }
    return {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}


def first_host(nodelist: str) -> str:
    """First host of a SLURM node list: `gpu[07-09,12],big1` is gpu07."""
    if shutil.which("scontrol"):
        said = subprocess.run(["scontrol", "show", "hostnames", nodelist], capture_output=True, text=True, check=False)
        if said.returncode == 0 and said.stdout.strip():
            return said.stdout.split()[0]
    found = re.match(r"([^\[,]+)(?:\[(\d+)[^\]]*\])?([^,\[]*)", nodelist)
    if not found:
        raise InputError(f"SLURM_NODELIST: expected a list of hosts, got {nodelist!r}; set MASTER_ADDR to the first host's name")
    return "".join(part or "" for part in found.groups())


def _as_deepspeed_wants(device: torch.device) -> dict[str, str]:
    """DeepSpeed takes LOCAL_RANK for the number of the graphics card, also where a process sees but one of them."""
    return {"LOCAL_RANK": str(device.index or 0)} if device.type == "cuda" else {}


def _open_group(device: torch.device, rank: int, size: int) -> None:
    backend = "nccl" if device.type == "cuda" else "gloo"
    atexit.register(_close_group)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    try:
        if size == 1:
            dist.init_process_group(backend, store=dist.HashStore(), rank=0, world_size=1)
        else:
            dist.init_process_group(backend, rank=rank, world_size=size)
    except (RuntimeError, ValueError) as e:
        reason = str(e).strip().splitlines()[0]
        raise TdmmError(
            f"process {rank} of {size} did not find the others at {os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')} ({reason})"
        ) from e


def _close_group() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
