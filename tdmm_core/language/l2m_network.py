"""The Language2Motion network: a word-level language prefix before a causal transformer over motion tokens (paper, section 4).

One sequence holds, in this order: the word pieces (ended at a fixed place by padding on the left), a summary slot, the start
token, then the codes. The text encoder works over words and summary; without words the summary alone says "no prompt".
The start token carries the length when one is asked for. Position counts from the left edge: only distances matter to
rotary attention, so the padding changes nothing. Knows neither sentences nor files nor how codes are drawn.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as fn

from tdmm_core.language.config import L2MConfig
from tdmm_core.language.motion_transformer import Cache, Transformer

NUM_LENGTH_WAVES = 16
ROW_STD = 0.5
"Spread of the codes' rows at the start."
IGNORED = -100
"Target at places that no loss is taken of."


class L2MNetwork(nn.Module):
    """Logits over `num_codes` codes and the end (the last of them), given a prompt's word vectors and the codes so far."""

    def __init__(self, config: L2MConfig, *, num_codes: int, text_dim: int, code_vectors: torch.Tensor | None = None) -> None:
        """`code_vectors` (K, G), where known, say what the codes look like: near vectors are near faces; see CodeTable."""
        super().__init__()
        self.config, self.num_codes = config, num_codes
        width = config.width
        self.words_in = nn.Linear(text_dim, width)
        self.summary = nn.Parameter(0.02 * torch.randn(width))
        sizes = {"width": width, "num_heads": config.num_heads, "hidden": config.feed_forward}
        prefix = config.max_text_length + 1
        self.text_encoder = Transformer(num_layers=config.num_text_layers, max_length=prefix, **sizes)
        self.codes = CodeTable(num_codes, width, code_vectors=code_vectors)
        self.start = nn.Parameter(0.02 * torch.randn(width))
        self.length_in = nn.Linear(2 * NUM_LENGTH_WAVES, width)
        self.decoder = Transformer(num_layers=config.num_layers, max_length=prefix + 1 + config.max_frames, **sizes)
        self.readout = Readout(width)

    @property
    def end(self) -> int:
        """The class that ends a motion."""
        return self.num_codes

    def forward(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """All places at once: logits (B, T + 1, num_codes + 1), what they are read from (B, T + 1, D), and the codes' rows (num_codes, D).

        `words` (B, L, text_dim), left-padded; `word_mask` (B, L), True at pieces; `lengths` (B,) frames, 0 where not told; `codes` (B, T).
        """
        table = self.codes()
        prefix, seen = self.prefix(batch["words"], batch["word_mask"], batch["lengths"])
        codes = fn.embedding(batch["codes"], table)  # (B, T, D)
        x = torch.cat([prefix, codes.to(prefix.dtype)], 1)
        seen = fn.pad(seen, (0, codes.shape[1]), value=True)
        hidden = self.decoder(x, prefix_mask(seen, prefix.shape[1]))[:, prefix.shape[1] - 1 :]
        first, rest = self.readout(hidden[:, :1], table), self.readout(hidden[:, 1:], table, batch["codes"])
        return torch.cat([first, rest], 1), hidden, table

    def prefix(self, words: torch.Tensor, word_mask: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What stands before the codes, (B, P, D), and which of it is seen, (B, P)."""
        batch, dtype = words.shape[0], self.start.dtype  # the sum along the blocks stays in the weights' precision
        words = self.words_in(words.to(dtype)).to(dtype)
        slot = self.summary.expand(batch, 1, -1)
        always = word_mask.new_ones(batch, 1)
        seen = torch.cat([word_mask, always], 1)  # (B, L + 1)
        text = self.text_encoder(torch.cat([words, slot], 1), seen[:, None, None])
        if self.config.conditioning == "sentence":
            text = masked_mean(text, seen)[:, None]
            seen = always
        start = self.start + self.length_vector(lengths)
        return torch.cat([text, start[:, None].to(dtype)], 1), torch.cat([seen, always], 1)

    def length_vector(self, lengths: torch.Tensor) -> torch.Tensor:
        """(B,) frames -> (B, D); zero where the length is 0, that is, not told."""
        waves = torch.arange(NUM_LENGTH_WAVES, device=lengths.device, dtype=torch.float32)
        phase = (lengths.float() / self.config.max_frames)[:, None] * math.pi * 2 ** (waves / 2)
        features = torch.cat([phase.cos(), phase.sin()], -1).to(self.length_in.weight.dtype)
        return self.length_in(features) * (lengths > 0).to(features.dtype)[:, None]

    def new_cache(self, batch: int, length: int) -> Cache:
        """An empty cache for `batch` sequences of at most `length` places, prefix included."""
        return self.decoder.new_cache(batch, length)

    def start_motion(self, prefix: torch.Tensor, seen: torch.Tensor, cache: Cache, *, codes: torch.Tensor | None = None) -> torch.Tensor:
        """Put the prefix (B, P, D) and the codes (B, H) that came before into an empty cache; logits of the next code, (B, num_codes + 1)."""
        table = self.codes()
        if codes is None or codes.shape[1] == 0:
            hidden = self.decoder(prefix, prefix_mask(seen, prefix.shape[1]), cache=cache)
            return self.readout(hidden[:, -1], table)
        x = torch.cat([prefix, fn.embedding(codes, table).to(prefix.dtype)], 1)
        hidden = self.decoder(x, prefix_mask(fn.pad(seen, (0, codes.shape[1]), value=True), prefix.shape[1]), cache=cache)
        return self.readout(hidden[:, -1], table, codes[:, -1])

    def next_code(self, codes: torch.Tensor, mask: torch.Tensor | None, cache: Cache) -> torch.Tensor:
        """Put one code an item, (B,), behind the cache and return the logits of the next, (B, num_codes + 1).

        `mask` (B, 1, 1, places so far) says which places are seen, or what is added to their attention; None: all.
        """
        table = self.codes()
        hidden = self.decoder(fn.embedding(codes, table)[:, None], mask, cache=cache)
        return self.readout(hidden[:, 0], table, codes)

    def fold(self) -> L2MNetwork:
        """Turn what the table learned through code vectors into plain rows: the same network, quicker to sample from and to keep."""
        self.codes.fold()
        return self


class CodeTable(nn.Module):
    """A row for each code, read and written with alike. Where it is known what the codes look like, rows begin as a learned function
    of that, so that what is learned of one code holds for its neighbours at once; each row's own part is added and learned beside it."""

    def __init__(self, num_codes: int, width: int, *, code_vectors: torch.Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(ROW_STD * torch.randn(num_codes, width))
        self.looks: nn.Module | None = None
        if code_vectors is not None:
            centred = code_vectors.float() - code_vectors.float().mean(0)
            self.register_buffer("code_vectors", centred / centred.square().mean(0).sqrt().clamp(min=1e-6), persistent=False)
            self.looks = nn.Sequential(nn.Linear(centred.shape[1], width), nn.SiLU(), nn.Linear(width, width, bias=False))
            with torch.no_grad():
                self.looks[2].weight.mul_(4 * ROW_STD)
                self.weight.mul_(0.4)

    def forward(self) -> torch.Tensor:
        """(num_codes, width)."""
        return self.weight if self.looks is None else self.weight + self.looks(self.code_vectors).to(self.weight.dtype)

    def fold(self) -> None:
        """Keep the rows as they are now, and nothing of how they came about."""
        with torch.no_grad():
            self.weight.copy_(self())
        if self.looks is not None:
            self.looks = None
            del self.code_vectors


class Readout(nn.Module):
    """Logits from likeness to the codes' rows, of the end, and of holding the face that is: most codes last for many frames, so that one
    number for "the same again" leaves the rest of the network to learn when a face changes, and into which."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.turn = nn.Linear(width, width, bias=False)
        self.end = nn.Linear(width, 1)
        self.hold = nn.Linear(width, 1)
        with torch.no_grad():
            self.turn.weight.copy_(torch.eye(width) + 0.02 * torch.randn(width, width)).mul_(8 / (ROW_STD * width))
            for head in (self.end, self.hold):
                head.weight.mul_(0.1)
                head.bias.zero_()

    def forward(self, hidden: torch.Tensor, table: torch.Tensor, before: torch.Tensor | None = None) -> torch.Tensor:
        """hidden (..., D), rows (K, D) and the code before each place (...), None at the start -> (..., K + 1)."""
        likeness = fn.linear(self.turn(hidden), table)
        if before is not None:
            likeness = likeness.scatter_add(-1, before[..., None], self.hold(hidden).to(likeness.dtype))
        return torch.cat([likeness, self.end(hidden).to(likeness.dtype)], -1)


def prefix_mask(seen: torch.Tensor, prefix: int) -> torch.Tensor:
    """Who sees whom, (B, 1, N, N) from seen (B, N): the first `prefix` places see one another except the start token,
    which only what stands behind it sees, and codes see only what came before them."""
    places = torch.arange(seen.shape[1], device=seen.device)
    allowed = (places[None, :] <= places[:, None]) | (places[None, :] < prefix - 1)
    return (allowed[None] & seen[:, None, :])[:, None]


def masked_mean(x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of x (B, L, D) over the places where mask (B, L) is True."""
    weight = mask.to(x.dtype)[..., None]
    return (x * weight).sum(1) / weight.sum(1)
