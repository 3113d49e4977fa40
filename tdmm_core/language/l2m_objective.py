"""What Language2Motion is trained on: each next code and, in training alone, codes further ahead.

The next code is mostly the one before, which teaches little about the prompt. What the face will be in a third of a second or in a
second cannot be copied: it has to be read from the words. These heads are thrown away afterwards.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as fn

from tdmm_core.language.l2m_network import IGNORED, L2MNetwork


class L2MObjective(nn.Module):
    """A network and the losses it learns by."""

    def __init__(self, network: L2MNetwork) -> None:
        super().__init__()
        self.network = network
        width = network.config.width
        self.ahead = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width)) for _ in network.config.ahead)

    def forward(self, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """`loss`, 0-d, with `code_loss` (nats a next code) and `token_accuracy`; in evaluation the loss is the code loss."""
        logits, hidden, table = self.network(batch)
        measures = next_code_measures(logits, batch["targets"])
        loss = measures["code_loss"]
        if self.training:
            for frames, head in zip(self.network.config.ahead, self.ahead, strict=True):
                loss = loss + self.network.config.ahead_weight * ahead_loss(fn.linear(head(hidden), table), batch["targets"], frames)
        return {"loss": loss, **measures}


def next_code_measures(logits: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """`code_loss`: masked cross-entropy, nats; `token_accuracy`: how often the likeliest class is the true one. (B, T, K + 1), (B, T) -> 0-d."""
    loss = fn.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
    counted = targets != IGNORED
    hits = (logits.argmax(-1) == targets) & counted
    return {"code_loss": loss, "token_accuracy": hits.sum() / counted.sum().clamp(min=1)}


def ahead_loss(logits: torch.Tensor, targets: torch.Tensor, frames: int) -> torch.Tensor:
    """Cross-entropy of the code `frames` after the next one, from logits (B, T, K); 0 where no clip is that long."""
    later = targets[:, frames:].clone()
    later[later >= logits.shape[-1]] = IGNORED  # the end is no face
    if not bool((later != IGNORED).any()):
        return logits.sum() * 0
    return fn.cross_entropy(logits[:, : later.shape[1]].float().flatten(0, 1), later.flatten(), ignore_index=IGNORED)
