"""The gist of a motion: a small network reads every code and gives one word's embedding for each stretch of some frames.

A language model of a hundred million weights that reads a word for every frame spends its time on reading; this network of two million reads them
in its place, and what it says is a mixture of the language model's own words and something beside it. Only codes come in. Knows no sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

_STRIDES = (2, 2)
"Of the first convolutions: four frames become one place, which the attention layers see."
_HEAD_WIDTH = 48
_LEAST_REST = 0.02


@dataclass(frozen=True, kw_only=True)
class GistShape:
    """Sizes of the network."""

    num_codewords: int
    frames: int
    "Frames that one gist word stands for: 4 times a power of two."
    width: int
    num_layers: int
    max_frames: int
    dim: int
    "H, the language model's width."
    num_pieces: int
    "C, word pieces that gist words are mixed of."

    @property
    def num_words(self) -> int:
        """Gist words of the longest motion."""
        return self.words_of(self.max_frames)

    def words_of(self, num_frames: int) -> int:
        """Gist words of so many frames."""
        return -(-num_frames // self.frames)


class GistEncoder(nn.Module):
    """Codes to gist words."""

    pieces: Tensor
    middle: Tensor

    def __init__(self, shape: GistShape, *, features: Tensor | None = None, seed: int = 0) -> None:
        """`features` (W, F) are what is known of each code's face; None leaves the codes' embeddings to be loaded."""
        super().__init__()
        self.shape = shape
        source = torch.Generator().manual_seed(seed)
        width = shape.width
        self.own = nn.Parameter(0.02 * torch.randn(shape.num_codewords + 1, width, generator=source))
        self.register_buffer("features", features, persistent=False)
        self.linear = nn.Parameter(torch.randn(features.shape[1], width, generator=source)) if features is not None else None
        self.down = nn.ModuleList(_Down(width, 5, s) for s in _STRIDES)
        self.place = nn.Parameter(0.02 * torch.randn(shape.num_words * shape.frames // 4, width, generator=source))
        self.layers = nn.ModuleList(Layer(width) for _ in range(shape.num_layers))
        self.last = _Down(width, shape.frames // 4 + 1, shape.frames // 4)
        self.norm = nn.LayerNorm(width)
        self.share = nn.Linear(width, shape.num_pieces)
        self.rest = nn.Linear(width, shape.dim, bias=False)
        self.strength = nn.Parameter(torch.ones(1))
        # What the language model's words are; kept so that a saved network needs nothing else.
        self.register_buffer("pieces", torch.zeros(shape.num_pieces, shape.dim))
        self.register_buffer("middle", torch.zeros(shape.dim))
        begin(self, source)

    @torch.no_grad()
    def speak(self, embeddings: Tensor, pieces: Tensor) -> None:
        """Take the words to mix of: `pieces` (C,) are ids among the language model's `embeddings` (N, H)."""
        table = embeddings.float()
        self.middle.copy_(table[pieces].mean(dim=0))
        self.pieces.copy_(table[pieces] - self.middle)

    def table(self) -> Tensor:
        """(W + 1, width) float32 of the codes, the last one for no code."""
        if self.linear is None or self.features is None:
            return self.own
        known = self.features @ self.linear
        return self.own + functional.pad(known, (0, 0, 0, len(self.own) - len(known)))

    def forward(self, words: Tensor) -> Tensor:
        """Gist words (B, S, H) float32 of word numbers (B, T, Q), -1 where a row is over; a row of n frames has ceil(n / frames) of them."""
        known = words[..., 0] >= 0
        x = functional.embedding(words.clamp(min=0), self.table()).sum(dim=2) * known[..., None]  # (B, T, width)
        longest = -(-x.shape[1] // self.shape.frames) * self.shape.frames
        x = functional.pad(x, (0, 0, 0, longest - x.shape[1]))
        mask = functional.pad(known, (0, longest - known.shape[1]))
        for down in self.down:
            x = down(x, mask)
            mask = mask[:, :: down.stride]
        x = x + self.place[: x.shape[1]]
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :])
        x = self.norm(self.last(x, mask))
        mixed = self.share(x).float().softmax(dim=-1) @ self.pieces  # (B, S, H)
        return self.middle + self.strength * mixed + self.rest(x).float()

    def settle(self) -> None:
        """What was learned of the apprentice stays; only the last layers, which choose words, go on learning beside the language model.

        Both at one rate do not go together: what suits a fresh adapter shakes a trained network to pieces.
        """
        self.requires_grad_(False)
        for part in (self.share, self.rest):
            part.requires_grad_(True)

    def tensors(self) -> dict[str, Tensor]:
        """What must be kept: the weights, the codes' embeddings in one table."""
        kept = {n: t for n, t in self.state_dict().items() if n != "linear"}
        return kept | {"own": self.table().detach()}


class _Down(nn.Module):
    """A convolution that makes one place of `stride`, with a residual of their mean."""

    def __init__(self, width: int, size: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, width, size, stride=stride, padding=size // 2)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x (B, L, width), L a multiple of the stride; what lies where `mask` (B, L) is false is not seen."""
        places, there = x.shape[1] // self.stride, mask[..., None]
        seen = functional.gelu(self.conv((self.norm(x) * there).transpose(1, 2)).transpose(1, 2))[:, :places]
        return (x * there).unflatten(1, (places, self.stride)).mean(dim=2) + self.out(seen)


class Layer(nn.Module):
    """Attention over all places and a feed-forward network, each after a norm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = max(1, width // _HEAD_WIDTH)
        self.norm, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, may: Tensor) -> Tensor:
        """x (B, L, width); `may` (B, 1, L or 1, L) is true where a place may see another, and nowhere false for all others."""
        q, k, v = self.qkv(self.norm(x)).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)  # (3, B, heads, L, d)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=may)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.down(functional.gelu(self.up(self.norm2(x))))


def begin(module: nn.Module, source: torch.Generator) -> None:
    """Start every matrix from one stream of chance."""
    with torch.no_grad():
        for child in module.modules():
            if isinstance(child, nn.Linear | nn.Conv1d):
                fan = child.weight[0].numel()
                child.weight.copy_(torch.randn(child.weight.shape, generator=source) / math.sqrt(fan))
                if child.bias is not None:
                    child.bias.zero_()
        for child in module.modules():
            if isinstance(child, Layer):
                child.out.weight.mul_(0.3)
                child.down.weight.mul_(0.3)
    rest = getattr(module, "rest", None)
    if rest is not None:
        rest.weight.data.mul_(_LEAST_REST)


def placed(gist: Tensor, motion: Tensor) -> Tensor:
    """Gist words (B, S, H) at their places: (B, L, H) of `motion` (B, L), which holds the place of a gist word or -1 (anything)."""
    return gist.gather(1, motion.clamp(min=0)[..., None].expand(-1, -1, gist.shape[-1]))
