"""The network that becomes a start, while it learns: torch's twin of `Start.answers`, its linear beginning, its steps and what an error costs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from tdmm_core.fitting.start import HIGH, LOW
from tdmm_core.fitting.start_lessons import Side, ridge

_HIDDEN, _WIDTH = 128, 192
_STEADY_PULL, _MOVING_PULL, _TURN_PULL = 15.0, 15.0, 4.0
"Ridge penalties of the linear answer for every side of the mirror, in persons and in pictures; rotation and distance of a clip need less."
_UNIT_WEIGHT, _TURN_WEIGHT, _DISTANCE_WEIGHT, _STRONG_WEIGHT = 0.3, 12.0, 0.3, 1.0
"Of errors in units beside square millimetres of face; of rotation; of distance; and how much more a picture counts for every millimetre it moves."
_RATE, _DECAY, _FORGOTTEN, _TOGETHER, _LONGEST_STEP = 2e-3, 0.02, 0.1, 48, 5.0
"Greatest learning rate, weight decay, share of dropout, clips in a step, and the longest gradient that is followed."
_WARMING = 0.25
"Share of the steps over which the rate rises; then it falls to nothing."


class Pupil(torch.nn.Module):
    """Maps (C, T, D) of heard looks to (C, T, E + 4) answers in their units."""

    def __init__(self, heard: int, answers: int) -> None:
        super().__init__()
        self.first = torch.nn.Linear(heard, _HIDDEN)
        self.second = torch.nn.Linear(heard + 4 * _HIDDEN, _WIDTH)
        self.third = torch.nn.Linear(_WIDTH, _WIDTH)
        self.answer = torch.nn.Linear(_WIDTH + 2 * heard, answers)

    def forward(self, heard: Tensor) -> Tensor:
        soft = torch.nn.functional.silu
        made = soft(self.first(heard))
        low, high = torch.quantile(made, torch.tensor([LOW, HIGH]), dim=1, keepdim=True)
        spread = (made.var(1, keepdim=True, correction=0) + 1e-4).sqrt()
        rest = torch.cat([made.mean(1, keepdim=True), spread, low, high], -1).expand(-1, heard.shape[1], -1)
        made = self._forgetful(soft(self.second(torch.cat([heard, rest], -1))))
        made = self._forgetful(soft(self.third(made)))
        return self.answer(torch.cat([made, heard, heard.mean(1, keepdim=True).expand_as(heard)], -1))

    def _forgetful(self, made: Tensor) -> Tensor:
        return torch.nn.functional.dropout(made, _FORGOTTEN, self.training)

    def begin_linear(self, sides: Sequence[Side]) -> None:
        """Begin as the best linear answer: one ridge regression for what clips are on average, one for how pictures differ from that."""
        seen, true = torch.cat([s.seen for s in sides]), torch.cat([s.true for s in sides])
        clips, told = seen.mean(1), true.mean(1)
        usual, usually = clips.mean(0), told.mean(0)
        steady = ridge(clips - usual, told - usually, _STEADY_PULL * len(sides))
        steady[:, -4:] = ridge(clips - usual, (told - usually)[:, -4:], _TURN_PULL * len(sides))
        about, moved = (seen - clips[:, None]).flatten(0, 1), (true - told[:, None]).flatten(0, 1)
        moving = ridge(about, moved, _MOVING_PULL * len(sides))
        with torch.no_grad():
            linear = torch.cat([torch.zeros(_WIDTH, len(usually)), moving, steady - moving]).T
            self.answer.weight[-4:] = linear[-4:]
            self.answer.weight[:-4] *= 0.3
            self.answer.bias.copy_(usually - usual @ steady)

    def learn(self, sides: Sequence[Side], metric: Tensor, *, epochs: int) -> None:
        """Go through all lessons `epochs` times."""
        lessons = sum(len(s.seen) for s in sides) // _TOGETHER
        total = max(1, epochs * lessons)
        optimizer = torch.optim.AdamW(self.parameters(), lr=_RATE, weight_decay=_DECAY)
        rates = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step / total))
        self.train()
        for _ in range(epochs):
            for seen, true in _lessons(sides):
                optimizer.zero_grad()
                _cost(self(seen), true, metric).backward()
                torch.nn.utils.clip_grad_norm_(self.parameters(), _LONGEST_STEP)
                optimizer.step()
                rates.step()
        self.eval()

    def weights(self) -> dict[str, np.ndarray]:
        """The four maps of a Start, float16: (inputs + 1, outputs) each, the last row what is added."""
        maps = {name: getattr(self, name) for name in ("first", "second", "third", "answer")}
        return {n: torch.cat([m.weight.T, m.bias[None]]).detach().numpy().astype(np.float16) for n, m in maps.items()}


def _lessons(sides: Sequence[Side]) -> Iterator[tuple[Tensor, Tensor]]:
    """Every person of every side once, some at a time."""
    turns = [(side, people) for side in sides for people in torch.randperm(len(side.seen)).split(_TOGETHER)]
    for i in torch.randperm(len(turns)).tolist():
        side, people = turns[i]
        yield side.lesson(people)


def _pace(share: float) -> float:
    """Learning rate over the greatest, 0..1, when that share of the steps is done."""
    return max(share / _WARMING, 0.04) if share < _WARMING else 0.5 + 0.5 * math.cos(math.pi * min(1.0, (share - _WARMING) / (1 - _WARMING)))


def _cost(answers: Tensor, true: Tensor, metric: Tensor) -> Tensor:
    wrong, acted = answers - true, true[..., :-4]
    size_mm = ((acted @ metric) * acted).sum(-1).clamp(min=0).sqrt()
    weight = (1 + _STRONG_WEIGHT * size_mm) / (1 + _STRONG_WEIGHT * size_mm.mean())
    off = wrong[..., :-4]
    face = weight * (((off @ metric) * off).sum(-1) + _UNIT_WEIGHT * (off**2).sum(-1))
    return (face + _TURN_WEIGHT * (wrong[..., -4:-1] ** 2).sum(-1) + _DISTANCE_WEIGHT * wrong[..., -1] ** 2).mean()
