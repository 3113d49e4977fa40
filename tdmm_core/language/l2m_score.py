"""Teacher-forced figures of a Language2Motion network on held-out clips, with the floor that needs no prompt."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tdmm_core.language.l2m_dataset import L2MBatches
from tdmm_core.language.l2m_network import IGNORED, L2MNetwork


@dataclass(frozen=True, kw_only=True)
class Score:
    """Means over all scored places (codes and ends) of the held-out clips; None where there are none."""

    loss: float | None
    "Nats a code."
    loss_without_prompt: float | None
    token_accuracy: float | None


@torch.inference_mode()
def score(network: L2MNetwork, batches: L2MBatches, *, batch_size: int = 16) -> Score:
    """Loss with and without the sentence, and token accuracy with it. No length is told."""
    if not batches.examples["validation"]:
        return Score(loss=None, loss_without_prompt=None, token_accuracy=None)
    network.eval()
    loss, accuracy = _means(network, batches, batch_size, with_text=True)
    floor, _ = _means(network, batches, batch_size, with_text=False)
    return Score(loss=loss, loss_without_prompt=floor, token_accuracy=accuracy)


def _means(network: L2MNetwork, batches: L2MBatches, batch_size: int, *, with_text: bool) -> tuple[float, float]:
    sums, places = torch.zeros(2, dtype=torch.float64), 0
    for batch in batches.validation(batch_size, with_text=with_text):
        count = int((batch["targets"] != IGNORED).sum())
        out = network(batch)
        sums += count * torch.stack([out["loss"], out["token_accuracy"]]).double()
        places += count
    loss, accuracy = (sums / places).tolist()
    return loss, accuracy
