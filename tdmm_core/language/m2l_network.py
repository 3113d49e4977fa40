"""Motion2Language as a network: a causal language model that reads motion words among its own, and says what they show.

Knows neither files nor sentences. The motion words' embeddings are computed from what is known of their codes while they are learned, so
that near faces are near words and one clip teaches many; afterwards they are plain rows of the vocabulary.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tdmm_core.language.m2l_dataset import IGNORED
from tdmm_core.language.m2l_gist import GistEncoder, placed
from tdmm_core.textmodels.causal import CausalModel

_CLEARNESS, _HUM = 3.0, 0.2
"How strongly words start as what their faces mean, and how much of a random map of the faces goes with it; words are some 2.5 from their middle."


class MotionWords(nn.Module):
    """Embeddings of W motion words: a map of their features (W, F), linear and with one hidden layer, plus a row of each word's own."""

    features: Tensor
    middle: Tensor

    def __init__(self, features: np.ndarray, neighbours: Tensor, *, hidden: int, rate: float, seed: int) -> None:
        """`neighbours` (N, H) are embeddings of ordinary words: the new ones start in their midst, with their spread."""
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        width, (count, dim) = features.shape[1], (len(features), neighbours.shape[1])
        self.rate = rate
        self.register_buffer("features", torch.from_numpy(np.ascontiguousarray(features, np.float32)), persistent=False)
        self.register_buffer("middle", neighbours.float().mean(dim=0), persistent=False)
        self.spread = float(neighbours.float().std())
        self.linear = nn.Parameter(torch.randn(width, dim, generator=source) / rate)
        self.own = nn.Parameter(torch.zeros(count, dim))
        self.inner = nn.Parameter(torch.randn(width, hidden, generator=source)) if hidden else None
        self.outer = nn.Parameter(torch.zeros(hidden, dim)) if hidden else None

    @torch.no_grad()
    def begin(self, meanings: Tensor) -> None:
        """Start the words at `meanings` (W, H), seen from their middle; what features add is turned down, so that it does not drown them."""
        self.own.copy_(_CLEARNESS * meanings / (self.spread * self.rate))
        self.linear.mul_(_HUM)

    def table(self) -> Tensor:
        """(W, H) float32. Weights are multiplied by `rate`, which makes an equal step of the optimiser move words that much further."""
        offset = self.features @ self.linear + self.own
        if self.inner is not None and self.outer is not None:
            offset = offset + functional.gelu(self.features @ self.inner) @ self.outer / math.sqrt(len(self.outer))
        return self.middle + self.spread * self.rate * offset

    def forward(self) -> Tensor:
        return self.table()


class M2LNetwork(nn.Module):
    """What the training engine trains: what shows motion to the language model, and of the language model whatever is not frozen."""

    def __init__(self, model: CausalModel, shown: MotionWords | GistEncoder, *, whole: bool) -> None:
        """`whole`: every weight of the language model is trained; else those that an adapter added.

        The frozen ones stay outside this module's parameters: they keep their own precision and are in no checkpoint.
        """
        super().__init__()
        self.words = shown
        self._outside = (model,)
        learning = [w for w in model.network.parameters() if w.requires_grad]
        self.language = model.network if whole else nn.ParameterList(learning)

    @property
    def model(self) -> CausalModel:
        """The language model around the trained weights."""
        return self._outside[0]

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Mean loss in nats a word of the answer, and the share of its words that were the likeliest; see `collate` for the batch."""
        targets = batch["targets"]
        asked = targets != IGNORED
        logits = self.logits(batch, asked).float()  # (N, words)
        loss = functional.cross_entropy(logits, targets[asked])
        right = (logits.argmax(dim=-1) == targets[asked]).float().mean()
        return {"loss": loss, "token_accuracy": right.detach()}

    def logits(self, batch: dict[str, Tensor], asked: Tensor) -> Tensor:
        """Logits (N, words) over the text words where `asked` (B, A) is true, row by row."""
        text, motion = batch["text"], batch["motion"]
        network = self.model.network
        if next(network.parameters()).device != text.device:
            network.to(text.device)
        spoken = network.get_input_embeddings()(text)  # (B, L, H)
        if isinstance(self.words, GistEncoder):
            shown = placed(self.words(batch["codes"]), motion).to(spoken.dtype)  # (B, L, H)
        else:
            shown = functional.embedding(motion.clamp(min=0), self.words().to(spoken.dtype))
        mixed = torch.where((motion >= 0)[..., None], shown, spoken)
        return self.model.logits_at(mixed, batch["mask"], asked)
