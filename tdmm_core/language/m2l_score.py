"""How well a Motion2Language network knows held-out clips, teacher-forced, with the floor beside it. Knows no file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch

from tdmm_core.language.m2l_dataset import IGNORED, Batch, M2LBatches
from tdmm_core.language.m2l_network import M2LNetwork

_AT_ONCE = 16


@dataclass(frozen=True, kw_only=True)
class M2LScore:
    """Figures of held-out clips; None where there are none."""

    loss: float | None
    "Nats a word of the plainest description."
    loss_of_other_motion: float | None
    "The floor beside it: the same sentences after another clip's motion."
    token_accuracy: float | None
    "Share of their words that were the likeliest."
    naming_accuracy: float | None
    "Share of clips whose label came out right, word for word."
    share_of_commonest_label: float | None
    "The floor beside it."


def score(network: M2LNetwork, batches: M2LBatches, *, dtype: torch.dtype | None = None) -> M2LScore:
    """Score the clips of split validation; `dtype` is what the network computes in, where not its weights' own."""
    labels = [e.label for e in batches.held_out() if e.label]
    device = next(network.model.network.parameters()).device.type
    with torch.no_grad(), torch.autocast(device, dtype, enabled=dtype is not None):
        described = _mean(network, batches.validation(_AT_ONCE))
        mismatched = _mean(network, batches.validation(_AT_ONCE, mismatched=True))
        named = _all_right(network, batches.naming(_AT_ONCE))
    return M2LScore(
        loss=described[0],
        loss_of_other_motion=mismatched[0],
        token_accuracy=described[1],
        naming_accuracy=named,
        share_of_commonest_label=max(labels.count(x) for x in set(labels)) / len(labels) if labels else None,
    )


def _mean(network: M2LNetwork, batches: Iterable[Batch]) -> tuple[float | None, float | None]:
    """Loss and accuracy, each the mean over all words."""
    loss = right = count = 0.0
    for batch in batches:
        words = int((batch["targets"] != IGNORED).sum())
        measures = network(batch)
        loss += float(measures["loss"]) * words
        right += float(measures["token_accuracy"]) * words
        count += words
    return (loss / count, right / count) if count else (None, None)


def _all_right(network: M2LNetwork, batches: Iterable[Batch]) -> float | None:
    """Share of rows whose every word was the likeliest, which is to say that greedy decoding gives them."""
    right = count = 0
    for batch in batches:
        targets = batch["targets"]
        asked = targets != IGNORED
        good = ~asked
        good[asked] = network.logits(batch, asked).argmax(dim=-1) == targets[asked]
        right += int(good.all(dim=1).sum())
        count += len(targets)
    return right / count if count else None
