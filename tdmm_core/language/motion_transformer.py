"""The transformer's bricks: RMS norm, rotary positions, gated feed-forward, attention with a key-value cache.

Own code after LLaMA (Touvron et al. 2023), the decoder family that the paper uses for Language2Motion (section 4).
Knows neither text nor motion nor sampling: vectors in, vectors out.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as fn

NORM_EPS = 1e-5
ROPE_BASE = 10000.0


def rope_table(length: int, head_dim: int) -> torch.Tensor:
    """Rotary angles of positions 0 to length - 1 (Su et al. 2021): (2, length, head_dim), cosine then signed sine."""
    frequencies = ROPE_BASE ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angles = torch.arange(length, dtype=torch.float64)[:, None] * frequencies  # (length, head_dim / 2)
    cosine, sine = angles.cos(), angles.sin()
    return torch.stack([torch.cat([cosine, cosine], -1), torch.cat([-sine, sine], -1)]).float()


def rotate(x: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """Turn pairs (i, i + head_dim / 2) of x (..., T, head_dim) by the angles of table (2, T, head_dim)."""
    cosine, sine = table.to(x.dtype)
    return torch.addcmul(x * cosine, x.roll(x.shape[-1] // 2, -1), sine)


class Cache:
    """Keys and values of one sequence batch in every layer, in memory that is taken once."""

    def __init__(self, *, num_layers: int, shape: tuple[int, int, int, int], like: torch.Tensor) -> None:
        """`shape` is (B, heads, longest sequence, head_dim); dtype and device are those of `like`."""
        self.keys = [like.new_zeros(shape) for _ in range(num_layers)]
        self.values = [like.new_zeros(shape) for _ in range(num_layers)]
        self.length = 0

    def extend(self, layer: int, keys: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Write new keys and values (B, heads, T, head_dim) behind the old and return all of them."""
        end = self.length + keys.shape[2]
        self.keys[layer][:, :, self.length : end] = keys
        self.values[layer][:, :, self.length : end] = values
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]

    def rows(self, start: int, stop: int) -> Cache:
        """Some rows of the batch as a cache of their own, in the same memory."""
        part = Cache.__new__(Cache)
        part.keys, part.values = ([m[start:stop] for m in memory] for memory in (self.keys, self.values))
        part.length = self.length
        return part


class RmsNorm(nn.Module):
    """Division by the root mean square, times a learned gain (Zhang and Sennrich 2019)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., width) -> the same."""
        return fn.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), NORM_EPS)


class Attention(nn.Module):
    """Multi-head attention with rotary positions."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.project_in = nn.Linear(width, 3 * width, bias=False)
        self.project_out = nn.Linear(width, width, bias=False)

    def forward(self, x: torch.Tensor, table: torch.Tensor, mask: torch.Tensor | None, *, cache: Cache | None = None, layer: int = 0) -> torch.Tensor:
        """x (B, T, width) at the positions of `table`; `mask` broadcasts to (B, heads, T, keys), True where a key is seen."""
        batch, length, width = x.shape
        query_key_value = self.project_in(x).view(batch, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)  # (3, B, heads, T, head_dim)
        query, key = rotate(query_key_value[:2], table)
        value = query_key_value[2]
        if cache is not None:
            key, value = cache.extend(layer, key, value)
        mixed = fn.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        return self.project_out(mixed.transpose(1, 2).reshape(batch, length, width))


class GatedFeedForward(nn.Module):
    """SwiGLU (Shazeer 2020)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.project_in = nn.Linear(width, 2 * hidden, bias=False)
        self.project_out = nn.Linear(hidden, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., width) -> the same."""
        gate, value = self.project_in(x).chunk(2, -1)
        return self.project_out(fn.silu(gate) * value)


class Block(nn.Module):
    """Attention and feed-forward, each behind a norm and beside a shortcut."""

    def __init__(self, width: int, num_heads: int, hidden: int) -> None:
        super().__init__()
        self.attention_norm = RmsNorm(width)
        self.attention = Attention(width, num_heads)
        self.feed_forward_norm = RmsNorm(width)
        self.feed_forward = GatedFeedForward(width, hidden)

    def forward(self, x: torch.Tensor, table: torch.Tensor, mask: torch.Tensor | None, *, cache: Cache | None = None, layer: int = 0) -> torch.Tensor:
        """x (B, T, width) -> the same; see Attention."""
        x = x + self.attention(self.attention_norm(x), table, mask, cache=cache, layer=layer)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Transformer(nn.Module):
    """A stack of blocks with a final norm. What sees what is the caller's mask."""

    def __init__(self, *, width: int, num_layers: int, num_heads: int, hidden: int, max_length: int) -> None:
        super().__init__()
        self.num_heads, self.head_dim = num_heads, width // num_heads
        self.blocks = nn.ModuleList(Block(width, num_heads, hidden) for _ in range(num_layers))
        self.norm = RmsNorm(width)
        self.register_buffer("table", rope_table(max_length, self.head_dim), persistent=False)
        self._initialise(num_layers)

    def _initialise(self, num_layers: int) -> None:
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                share = (2 * num_layers) ** -0.5 if name.endswith("project_out.weight") else 1.0
                nn.init.normal_(parameter, std=share * parameter.shape[1] ** -0.5)

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None, *, cache: Cache | None = None) -> torch.Tensor:
        """x (B, T, width) -> the same; with a cache, x stands behind what the cache holds and joins it."""
        start = cache.length if cache is not None else 0
        table = self.table[:, start : start + x.shape[1]]
        for layer, block in enumerate(self.blocks):
            x = block(x, table, mask, cache=cache, layer=layer)
        if cache is not None:
            cache.length += x.shape[1]
        return self.norm(x)

    def new_cache(self, batch: int, length: int) -> Cache:
        """An empty cache for sequences of at most `length`."""
        return Cache(num_layers=len(self.blocks), shape=(batch, self.num_heads, length, self.head_dim), like=self.norm.weight)
