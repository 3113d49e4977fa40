"""Drawing codes from the Language2Motion network: one pass a frame over a key-value cache, many motions side by side.

Every motion has its own seed and draws its random numbers ahead of time, so it does not depend on its neighbours.
Classifier-free guidance (Ho and Salimans 2022) runs each motion a second time without its prompt.
Knows neither sentences nor files nor what a code means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as fn

from tdmm_core.errors import InputError
from tdmm_core.language.config import AnimateConfig
from tdmm_core.language.l2m_dataset import pad_words
from tdmm_core.language.l2m_network import L2MNetwork

SMALL = 30_000_000
"Parameters up to which one thread is the fastest."
_SURE = 1 - 1e-6
"A probability of the end beyond which the codes would have none left."


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """One motion asked for."""

    words: np.ndarray
    "(L, D) float32, the prompt's word vectors."
    seed: int
    num_frames: int | None = None
    "Exactly this many; None leaves the end to the model."


@torch.inference_mode()
def sample_codes(network: L2MNetwork, requests: Sequence[Request], config: AnimateConfig, *, min_frames: int = 1) -> list[np.ndarray]:
    """Codes (T,) int64 of each request. Without a number of frames T lies between `min_frames` and the network's longest.

    Raises InputError for a length or a prompt beyond what the network was made for.
    """
    check_requests(network, requests)
    codes = []
    with _few_threads(network):
        for start in range(0, len(requests), config.batch_size):
            codes += _sample_batch(network, requests[start : start + config.batch_size], config, min_frames)
    return codes


@contextmanager
def _few_threads(network: L2MNetwork) -> Iterator[None]:
    """One thread for a small network on the CPU: its steps are too short to be shared out, and threads that wait for one
    another on a busy machine make them many times slower."""
    before = torch.get_num_threads()
    if network.start.device.type == "cpu" and sum(p.numel() for p in network.parameters()) < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def check_requests(network: L2MNetwork, requests: Sequence[Request]) -> None:
    """Raises InputError for a length or a prompt beyond what the network was made for."""
    for request in requests:
        if request.num_frames is not None and not 1 <= request.num_frames <= network.config.max_frames:
            raise InputError(f"length: expected 1 to {network.config.max_frames} frames, got {request.num_frames}")
        if len(request.words) > network.config.max_text_length:
            raise InputError(
                f"prompt: expected at most {network.config.max_text_length} word pieces, got {len(request.words)}; say it in fewer words"
            )


def _sample_batch(network: L2MNetwork, requests: Sequence[Request], config: AnimateConfig, min_frames: int) -> list[np.ndarray]:
    device = network.start.device
    limits = torch.tensor([r.num_frames or network.config.max_frames for r in requests])
    earliest_end = torch.tensor([limit + 1 if r.num_frames else min_frames for r, limit in zip(requests, limits.tolist(), strict=True)])
    longest = int(limits.max())
    draws = torch.stack([torch.rand(longest, generator=torch.Generator().manual_seed(r.seed), dtype=torch.float64) for r in requests])
    logits, mask, cache = _begin(network, requests, config, longest)
    codes = torch.zeros(len(requests), longest, dtype=torch.int64)
    lengths = limits.clone()
    running = torch.ones(len(requests), dtype=torch.bool)
    for frame in range(longest):
        logits = guide(logits, config.guidance)
        logits[:, network.end].masked_fill_((earliest_end > frame).to(device), -torch.inf)
        chosen = choose(logits, draws[:, frame].to(device), config).cpu()
        ends = running & (chosen == network.end)
        lengths[ends] = frame
        running &= ~ends & (frame + 1 < limits)
        codes[:, frame] = chosen.clamp(max=network.num_codes - 1)
        if not running.any():
            break
        fed = codes[:, frame].to(device)
        fed = fed if config.guidance == 1 else torch.cat([fed, fed])
        logits = network.next_code(fed, None if mask is None else mask[..., : cache.length + 1], cache)
    return [row[:length].numpy().copy() for row, length in zip(codes, lengths.tolist(), strict=True)]


def _begin(network: L2MNetwork, requests: Sequence[Request], config: AnimateConfig, longest: int) -> tuple:
    """Logits of the first code, the mask of all places (B, 1, 1, N) or None where nothing is hidden, and the filled cache."""
    device = network.start.device
    words = [r.words for r in requests]
    lengths = [r.num_frames or 0 for r in requests]
    if config.guidance != 1:  # the second half goes without its prompt
        words, lengths = words + [w[:0] for w in words], lengths * 2
    padded = pad_words(words, max(1, *(len(w) for w in words)))
    prefix, seen = network.prefix(padded["words"].to(device), padded["word_mask"].to(device), torch.tensor(lengths, device=device))
    cache = network.new_cache(len(words), prefix.shape[1] + longest)
    logits = network.start_motion(prefix, seen, cache)
    mask = None if bool(seen.all()) else fn.pad(seen, (0, longest), value=True)[:, None, None]
    return logits, mask, cache


def guide(logits: torch.Tensor, guidance: float) -> torch.Tensor:
    """(2B, N) with prompt, then without -> (B, N) float32 log-probabilities moved away from those without; (B, N) stays at guidance 1.

    The last class, the end, keeps the probability that it has with the prompt. It is small and asked for at every frame, so that what guidance
    makes of it adds up: most motions would end within a second and a half.
    """
    scores = fn.log_softmax(logits.float(), -1)
    if guidance == 1:
        return scores
    prompted, free = scores.chunk(2)
    end = prompted[:, -1:]
    codes = fn.log_softmax(torch.lerp(free[:, :-1], prompted[:, :-1], guidance), -1)
    return torch.cat([codes + torch.log1p(-end.exp().clamp(max=_SURE)), end], -1)


def choose(logits: torch.Tensor, draws: torch.Tensor, config: AnimateConfig) -> torch.Tensor:
    """One class an item, (B,), from logits (B, N) by inverse distribution function at `draws` (B,), 0 to 1.

    Classes stay in their own order: sorted, two nearly equal ones would change places by rounding alone.
    """
    if config.temperature == 0:
        return logits.argmax(-1)
    scores = logits.double() / config.temperature
    ordered = scores.sort(dim=-1, descending=True).values
    if config.top_k:
        scores = scores.masked_fill(scores < ordered[:, config.top_k - 1 : config.top_k], -torch.inf)
        ordered = ordered[:, : config.top_k]
    if config.top_p < 1:
        reached = fn.softmax(ordered, -1).cumsum(-1)
        place = (reached < config.top_p).sum(-1, keepdim=True).clamp(max=ordered.shape[1] - 1)
        scores = scores.masked_fill(scores < ordered.gather(-1, place), -torch.inf)
    reached = fn.softmax(scores, -1).cumsum(-1)
    return (reached <= draws[:, None] * reached[:, -1:]).sum(-1).clamp(max=scores.shape[1] - 1)
