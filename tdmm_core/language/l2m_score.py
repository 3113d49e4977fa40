"""Teacher-forced figures of a Language2Motion network on held-out clips, with the floor that needs no prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tdmm_core.language.l2m_dataset import Example, SentenceVectors, plain_batches
from tdmm_core.language.l2m_network import IGNORED, L2MNetwork
from tdmm_core.language.l2m_objective import next_code_measures
from tdmm_core.textmodels.text_encoder import TextEncoder


@dataclass(frozen=True, kw_only=True)
class Score:
    """Means over all scored places (codes and ends) of the clips; None where there are none."""

    loss: float | None
    "Nats a code."
    loss_without_prompt: float | None
    "The floor: what the motion so far tells without the sentence."
    token_accuracy: float | None
    "Share of places where the likeliest code was the true one."
    repeat_accuracy: float | None
    "The floor beside it: how often the code before, once more, was the true one."


@torch.inference_mode()
def score(network: L2MNetwork, examples: Sequence[Example], encoder: TextEncoder, *, batch_size: int = 16) -> Score:
    """Figures of `examples`, made by `example_of` from clips that were not trained on. No length is told."""
    if not examples:
        return Score(loss=None, loss_without_prompt=None, token_accuracy=None, repeat_accuracy=None)
    network.eval()
    vectors = SentenceVectors(encoder, max_length=network.config.max_text_length)
    loss, accuracy, repeats = _means(network, examples, vectors, batch_size, with_text=True)
    floor, _, _ = _means(network, examples, vectors, batch_size, with_text=False)
    return Score(loss=loss, loss_without_prompt=floor, token_accuracy=accuracy, repeat_accuracy=repeats)


def _means(network: L2MNetwork, examples: Sequence[Example], vectors: SentenceVectors, batch_size: int, *, with_text: bool) -> list[float]:
    sums, places = torch.zeros(3, dtype=torch.float64), 0
    for batch in plain_batches(examples, vectors, num_codes=network.num_codes, batch_size=batch_size, with_text=with_text):
        targets = batch["targets"]
        count = int((targets != IGNORED).sum())
        logits, _, _ = network(batch)
        measures = next_code_measures(logits, targets)
        repeated = (targets[:, 1:] == batch["codes"]) & (targets[:, 1:] != IGNORED)
        sums += torch.stack([count * measures["code_loss"], count * measures["token_accuracy"], repeated.sum()]).double()
        places += count
    return (sums / places).tolist()
