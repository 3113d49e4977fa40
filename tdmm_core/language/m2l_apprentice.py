"""The apprentice: a small causal network in the language model's place, from which the gist encoder learns to read motion.

It reads and writes in the language model's own word embeddings, which stay as they are; so what the encoder learns to tell it, the language
model understands. It costs a twentieth of the language model and is thrown away afterwards. Knows neither files nor sentences.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tdmm_core.language.m2l_dataset import IGNORED, Batch
from tdmm_core.language.m2l_gist import GistEncoder, Layer, begin, placed

_WIDTH, _LAYERS, _LONGEST = 192, 3, 256


class Apprentice(nn.Module):
    """The gist encoder with its apprentice, as the training engine trains them."""

    spoken: Tensor
    number: Tensor

    def __init__(self, gist: GistEncoder, embeddings: Tensor, pieces: Tensor, *, seed: int) -> None:
        """`embeddings` (N, H) are the language model's; `pieces` (C,) the ids that answers are made of, which alone can be said."""
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        self.gist = gist
        dim = embeddings.shape[1]
        self._outside = (embeddings,)
        self.register_buffer("spoken", embeddings[pieces].float(), persistent=False)
        number = torch.full((len(embeddings),), -1)
        number[pieces] = torch.arange(len(pieces))
        self.register_buffer("number", number, persistent=False)
        self.scale = 1.0 / float(embeddings[pieces].float().std())
        self.enter, self.leave = nn.Linear(dim, _WIDTH), nn.Linear(_WIDTH, dim)
        self.bias = nn.Parameter(torch.zeros(len(pieces)))
        self.place = nn.Parameter(0.02 * torch.randn(_LONGEST, _WIDTH, generator=source))
        self.layers = nn.ModuleList(Layer(_WIDTH) for _ in range(_LAYERS))
        self.norm = nn.LayerNorm(_WIDTH)
        for part in (self.enter, self.leave, self.layers):
            begin(part, source)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Mean loss in nats a word of the answer, and the share of its words that were the likeliest; see `collate` for the batch."""
        targets = batch["targets"]
        asked = targets != IGNORED
        text, motion, mask = batch["text"], batch["motion"], batch["mask"].bool()
        shown = placed(self.gist(batch["codes"]), motion)
        spoken = functional.embedding(text, self._outside[0].to(text.device)).float()
        x = self.enter(torch.where((motion >= 0)[..., None], shown, spoken) * self.scale)
        x = x + functional.embedding((mask.cumsum(1) - 1).clamp(min=0, max=_LONGEST - 1), self.place)
        before = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool, device=x.device).tril()
        itself = torch.eye(x.shape[1], dtype=torch.bool, device=x.device)
        for layer in self.layers:
            x = layer(x, (mask[:, None, None, :] & before) | itself)
        last = self.norm(x[:, -targets.shape[1] :][asked])
        logits = (self.leave(last) @ self.spoken.T * self.scale / self.spoken.shape[1] ** 0.5).float() + self.bias
        wanted = self.number[targets[asked]]
        kept = wanted >= 0
        loss = functional.cross_entropy(logits[kept], wanted[kept])
        right = (logits.argmax(dim=-1) == wanted).float().mean()
        return {"loss": loss, "token_accuracy": right.detach()}
