"""Drawing codes from the Language2Motion network: one pass a frame over a key-value cache, many motions side by side.

Every motion has its own seed and draws its random numbers ahead of time, so it does not depend on its neighbours.
Classifier-free guidance (Ho and Salimans 2022) runs each motion a second time without its prompt.
Knows neither sentences nor files nor what a code means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch.nn import functional as fn

from tdmm_core.errors import InputError
from tdmm_core.language.config import AnimateConfig
from tdmm_core.language.l2m_dataset import pad_words
from tdmm_core.language.l2m_network import L2MNetwork
from tdmm_core.language.motion_transformer import Cache
from tdmm_core.language.stepping import SMALL, Steps

_SURE = 1 - 1e-6
"A probability of the end beyond which the codes would have none left."


PIECES = 16
"Words are laid out in room for a multiple of this many pieces, which depends on the prompt alone."
_LIKELY = 64
"Classes among which the draw is sought first; sorting all of them takes longer than a layer."


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """One motion asked for."""

    words: np.ndarray
    "(L, D) float32, the prompt's word vectors."
    seed: int
    num_frames: int | None = None
    "Exactly this many; None leaves the end to the model."
    before: np.ndarray | None = None
    "(H,) codes that came before, which the motion goes on from; they count for the network's longest motion and are no part of the result."

    @property
    def num_before(self) -> int:
        """Frames that it goes on from."""
        return 0 if self.before is None else len(self.before)


def sample_codes(network: L2MNetwork, requests: Sequence[Request], config: AnimateConfig, *, min_frames: int = 1) -> list[np.ndarray]:
    """Codes (T,) int64 of each request. Without a number of frames T lies between `min_frames` and the network's longest.

    Raises InputError for a length or a prompt beyond what the network was made for.
    """
    found = dict(sample_each(network, requests, config, min_frames=min_frames))
    return [found[i] for i in range(len(requests))]


def sample_each(
    network: L2MNetwork, requests: Sequence[Request], config: AnimateConfig, *, min_frames: int = 1
) -> Iterator[tuple[int, np.ndarray]]:
    """As `sample_codes`, each with its place among the requests as soon as it is there: like lengths side by side.

    At one `config.batch_size` a motion is the same to the last bit whatever stands beside it; see `Steps`.
    """
    check_requests(network, requests)
    for block in _blocks(network, requests, config.batch_size):
        with torch.inference_mode(), _few_threads(network):
            codes = _sample_block(network, [requests[i] for i in block], config, min_frames)
        yield from zip(block, codes, strict=True)


def _blocks(network: L2MNetwork, requests: Sequence[Request], size: int) -> Iterator[list[int]]:
    """Places of requests that are laid out alike, `size` at most, those of like length together."""

    def layout(i: int) -> tuple[int, int]:
        return _room(network, requests[i].words), requests[i].num_before

    order = sorted(range(len(requests)), key=lambda i: (*layout(i), requests[i].num_frames or network.config.max_frames, i))
    for _, alike in groupby(order, key=layout):
        places = list(alike)
        yield from (places[start : start + size] for start in range(0, len(places), size))


def _room(network: L2MNetwork, words: np.ndarray) -> int:
    """Places for the pieces of a prompt."""
    return min(max(1, -(-len(words) // PIECES)) * PIECES, network.config.max_text_length)


@contextmanager
def _few_threads(network: L2MNetwork) -> Iterator[None]:
    """One thread for a network of up to SMALL parameters on the CPU: its steps are too short to be shared out, and threads that wait for one
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
        most = network.config.max_frames - request.num_before
        if not 1 <= (1 if request.num_frames is None else request.num_frames) <= most:
            raise InputError(f"length: expected 1 to {most} frames, got {request.num_frames}")
        if len(request.words) > network.config.max_text_length:
            raise InputError(
                f"prompt: expected at most {network.config.max_text_length} word pieces, got {len(request.words)}; say it in fewer words"
            )


def _sample_block(network: L2MNetwork, requests: Sequence[Request], config: AnimateConfig, min_frames: int) -> list[np.ndarray]:
    """Codes of requests that are laid out alike. With guidance each has two rows, with its prompt and without."""
    device, count, twice = network.start.device, len(requests), 1 if config.guidance == 1 else 2
    limits = torch.tensor([r.num_frames or network.config.max_frames - r.num_before for r in requests])
    earliest_end = torch.tensor([limit + 1 if r.num_frames else min_frames for r, limit in zip(requests, limits.tolist(), strict=True)])
    longest = int(limits.max())
    draws = torch.stack([torch.rand(longest, generator=torch.Generator().manual_seed(r.seed), dtype=torch.float64) for r in requests])
    logits, mask, cache = _begin(network, requests, twice, longest)
    steps = Steps(network, rows=config.batch_size * twice)
    codes = torch.zeros(count, longest, dtype=torch.int64)
    lengths, running = limits.clone(), torch.ones(count, dtype=torch.bool)
    for frame in range(longest):
        scores = guide(torch.cat([logits[i::twice] for i in range(twice)]), config.guidance)
        scores[:, network.end].masked_fill_((earliest_end > frame).to(device), -torch.inf)
        chosen = choose(scores, draws[:, frame].to(device), config).cpu()
        ends = running & (chosen == network.end)
        lengths[ends] = frame
        running &= ~ends & (frame + 1 < limits)
        codes[:, frame] = chosen.clamp(max=network.num_codes - 1)
        if not running.any():
            break
        logits = steps(codes[:, frame].to(device).repeat_interleave(twice), mask[..., : cache.length + 1], cache)
    return [row[:length].numpy().copy() for row, length in zip(codes, lengths.tolist(), strict=True)]


def _begin(network: L2MNetwork, requests: Sequence[Request], twice: int, longest: int) -> tuple[torch.Tensor, torch.Tensor, Cache]:
    """Logits of the first code (B, N), what is added to attention at each place (B, 1, 1, P + longest), and the filled cache.

    Each request by itself, so that what it is laid out in depends on it alone.
    """
    device = network.start.device
    room, before = _room(network, requests[0].words), requests[0].num_before
    start = room + 2 if network.config.conditioning == "words" else 2
    cache = network.new_cache(len(requests) * twice, start + before + longest)
    logits, hidden = [], []
    for i, request in enumerate(requests):
        words = [request.words, request.words[:0]][:twice]
        told = torch.full((twice,), before + request.num_frames if request.num_frames else 0, device=device)
        padded = pad_words(words, room)
        prefix, seen = network.prefix(padded["words"].to(device), padded["word_mask"].to(device), told)
        past = torch.from_numpy(np.zeros(0, np.int64) if request.before is None else request.before.astype(np.int64)).to(device)
        part = cache.rows(i * twice, (i + 1) * twice)
        logits.append(network.start_motion(prefix, seen, part, codes=past.expand(twice, -1)))
        hidden.append(~seen)
    cache.length = part.length
    unseen = fn.pad(torch.cat(hidden), (0, before + longest), value=False)[:, None, None]
    mask = torch.zeros(unseen.shape, dtype=logits[0].dtype, device=device).masked_fill_(unseen, -torch.inf)
    return torch.cat(logits), mask, cache


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
    if config.top_k:
        scores = scores.masked_fill(scores < scores.topk(config.top_k, dim=-1).values[:, -1:], -torch.inf)
    shares = fn.softmax(scores, -1)
    if config.top_p < 1:
        shares = shares.masked_fill(shares < _least_share(shares, config.top_p), 0.0)
    reached = shares.cumsum(-1)
    return (reached <= draws[:, None] * reached[:, -1:]).sum(-1).clamp(max=scores.shape[1] - 1)


def _least_share(shares: torch.Tensor, top_p: float) -> torch.Tensor:
    """(B, 1) the smallest share among the likeliest classes of (B, N) that together reach `top_p`; sought among a few first, then among all."""
    count = min(_LIKELY, shares.shape[1])
    ordered = shares.topk(count, dim=-1).values
    reached = ordered.cumsum(-1)
    if count < shares.shape[1] and bool((reached[:, -1] < top_p).any()):
        ordered = shares.sort(dim=-1, descending=True).values
        reached = ordered.cumsum(-1)
    place = (reached < top_p).sum(-1, keepdim=True).clamp(max=ordered.shape[1] - 1)
    return ordered.gather(-1, place)
