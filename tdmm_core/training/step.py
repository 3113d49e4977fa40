"""One optimiser step and one validation under DeepSpeed. Knows no files and no run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import nn

from tdmm_core.errors import TdmmError
from tdmm_core.training.config import TrainingConfig
from tdmm_core.training.distributed import Team
from tdmm_core.training.task import Batch, TrainingTask


class Inner(nn.Module):
    """The model as DeepSpeed sees it: takes a batch from the CPU to the device and computes in the run's precision.

    DeepSpeed's hooks on the outermost module fall on this one and go with it.
    """

    def __init__(self, model: nn.Module, device: torch.device, config: TrainingConfig) -> None:
        super().__init__()
        self.model = model
        self._device = device
        self._autocast = config.precision == "bf16"
        self.own_dtype: torch.dtype | None = None
        "Set where DeepSpeed itself holds the weights in half precision, as a user's settings may say."

    def forward(self, batch: Batch) -> Mapping[str, torch.Tensor]:
        batch = moved(batch, self._device, self.own_dtype)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._autocast and self.own_dtype is None):
            measures = self.model(batch)
        if not isinstance(measures, Mapping) or "loss" not in measures:
            raise TdmmError(f"a training's model has to return a dict with 'loss', got {type(measures).__name__}")
        return measures


@dataclass
class Window:
    """Measures of the steps since they were last looked at, still on the device so that no step waits for them."""

    names: list[tuple[str, ...]] = field(default_factory=list)
    "Of each step: its measures. They may differ from step to step, never from process to process."
    rows: list[torch.Tensor] = field(default_factory=list)

    def add(self, measures: Mapping[str, torch.Tensor | float]) -> None:
        """The measures of one more step."""
        names = tuple(sorted(measures))
        device = measures["loss"].device
        self.names.append(names)
        self.rows.append(torch.stack([torch.as_tensor(measures[name], device=device).detach().float() for name in names]))

    def take(self, team: Team) -> list[dict[str, float]]:
        """One dict a step, each measure its mean over the processes; the window is empty afterwards."""
        if not self.rows:
            return []
        values = iter(team.mean(torch.cat(self.rows)).tolist())
        steps = [{name: next(values) for name in names} for names in self.names]
        self.rows.clear()
        self.names.clear()
        return steps


def train_step(engine: object, task: TrainingTask, config: TrainingConfig, step: int) -> dict[str, torch.Tensor]:
    """Optimiser step `step` (from 0): forward and backward over the parts, then the update. Measures are means over the parts."""
    parts = config.gradient_accumulation
    sums: dict[str, torch.Tensor] = {}
    for part in range(step * parts, (step + 1) * parts):
        measures = engine(task.train_batch(part))
        engine.backward(measures["loss"])
        engine.step()
        for name, value in measures.items():
            sums[name] = sums.get(name, 0) + value.detach().float() / parts
    return sums


def validate(engine: object, batches: Iterable[Batch], team: Team) -> dict[str, float]:
    """Each measure's mean over the rows of all batches; empty without batches. The processes share the batches out."""
    names: tuple[str, ...] = ()
    sums = torch.zeros(0, dtype=torch.float64)
    engine.eval()
    with torch.no_grad():
        for group in _groups(batches, team.size):
            mine = group[team.rank] if team.rank < len(group) else group[0]  # the idle go along, as ZeRO 3 needs everyone
            measures = engine(mine)
            names = names or tuple(sorted(measures))
            weight = float(num_rows(mine)) if team.rank < len(group) else 0.0
            row = torch.tensor([*(float(measures[name]) * weight for name in names), weight], dtype=torch.float64)
            sums = row if not len(sums) else sums + row
    engine.train()
    if not names:
        return {}
    *totals, weight = team.total(sums).tolist()
    return {name: total / weight for name, total in zip(names, totals, strict=True)}


def moved(item: object, device: torch.device, dtype: torch.dtype | None = None) -> object:
    """Tensors anywhere in mappings and sequences, on the device and floats in `dtype`; all else untouched."""
    if isinstance(item, torch.Tensor):
        return item.to(device, dtype if dtype and item.is_floating_point() else item.dtype, non_blocking=True)
    if isinstance(item, Mapping):
        return {name: moved(value, device, dtype) for name, value in item.items()}
    if isinstance(item, list | tuple):
        return type(item)(moved(value, device, dtype) for value in item)
    return item


def num_rows(item: object) -> int:
    """Length of the first tensor with an axis that is found in a batch; 1 without any."""
    for tensor in _tensors(item):
        if tensor.ndim:
            return tensor.shape[0]
    return 1


def _tensors(item: object) -> Iterator[torch.Tensor]:
    if isinstance(item, torch.Tensor):
        yield item
    elif isinstance(item, Mapping | list | tuple):
        for value in item.values() if isinstance(item, Mapping) else item:
            yield from _tensors(value)


def _groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    iterator = iter(batches)
    while group := list(islice(iterator, size)):
        yield group


@contextlib.contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Whatever is seeded inside leaves the caller's random streams as they were."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


def seed_torch(seed: int, device: torch.device) -> None:
    """Seeds torch's global streams of the CPU and of this device alone; torch.manual_seed visits all others too, which costs a small step."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
