"""Other designs of motion tokenizers, trained beside ours on the same motion for the same time; they live here alone.

`Rival` is the VQ-VAE of T2M-GPT (J. Zhang et al. 2023) without its temporal downsampling, so that it too has one code a frame: normalised
parameters, dilated residual convolutions, an EMA codebook with code reset, smooth L1 on parameters and on their velocities. `coefficient_geometry`
turns our own network into its twin whose distances and loss are those of coefficients.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from benchmarks.tokenizer_cases import MODEL, as_motion, sixd_of
from torch import Tensor, nn
from torch.nn import functional

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.tokenization.carrying import ALONE, choose
from tdmm_core.tokenization.codebook import Codebook
from tdmm_core.tokenization.geometry import FaceGeometry, face_geometry
from tdmm_core.tokenization.kmeans import kmeans

WINDOW = 64


def coefficient_geometry(*_: object, **__: object) -> FaceGeometry:
    """A "face" whose vertices are the coefficients themselves, scaled so that a unit weighs as much as it does on average in the true geometry."""
    true = face_geometry(MODEL, num_vertices=300, lips_weight=0.5, lids_weight=0.5)
    count = MODEL.num_expression
    scale = float(np.sqrt(np.trace(true.metric.astype(np.float64) @ true.metric) / count))
    each = float(np.abs(true.loss_basis()).sum(axis=1).mean())
    basis = np.zeros((count, count, 3), np.float32)
    basis[np.arange(count), np.arange(count), 0] = each * count
    return FaceGeometry(basis_mm=basis, weights=np.full(count, 1 / count, np.float32), metric=np.eye(count, dtype=np.float32) * scale)


class Rival(nn.Module):
    """Encoder, codebook and decoder over normalised parameters (B, T, E + 6)."""

    def __init__(self, mean: Tensor, std: Tensor, *, width: int, num_codes: int, code_dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.encoder = _stack(len(mean), width, code_dim)
        self.decoder = _stack(code_dim, width, len(mean))
        self.codebook = Codebook(num_codes, code_dim)

    def encode(self, rows: Tensor) -> Tensor:
        """(B, T, E + 6) to codes (B, T)."""
        return choose(self._latents(rows), [self.codebook.vectors], ALONE)[..., 0]

    def decode(self, codes: Tensor) -> Tensor:
        return self._rows(self.codebook.lookup(codes))

    def losses(self, rows: Tensor) -> Tensor:
        latents = self._latents(rows)
        with torch.no_grad():
            codes = choose(latents, [self.codebook.vectors], ALONE)[..., 0]
            values = self.codebook.lookup(codes)
            self.codebook.follow(latents.reshape(-1, latents.shape[-1]), codes.reshape(-1))
        made, wanted = ((r - self.mean) / self.std for r in (self._rows(latents + (values - latents).detach()), rows))
        moved = functional.smooth_l1_loss(made.diff(dim=1), wanted.diff(dim=1))
        return functional.smooth_l1_loss(made, wanted) + 0.5 * moved + 0.02 * (latents - values).square().mean()

    def _latents(self, rows: Tensor) -> Tensor:
        return self.encoder(((rows - self.mean) / self.std).transpose(1, 2)).transpose(1, 2)

    def _rows(self, values: Tensor) -> Tensor:
        return self.decoder(values.transpose(1, 2)).transpose(1, 2) * self.std + self.mean


class _Residual(nn.Module):
    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.wide = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.mix(functional.relu(self.wide(functional.relu(x))))


def _stack(inputs: int, width: int, outputs: int) -> nn.Sequential:
    blocks = [_Residual(width, d) for d in (9, 3, 1)]
    return nn.Sequential(nn.Conv1d(inputs, width, 3, padding=1), nn.ReLU(), *blocks, nn.Conv1d(width, outputs, 3, padding=1))


def train_rival(motions: Sequence[FaceMotion], *, seconds: float, seed: int, width: int, num_codes: int, learning_rate: float) -> Rival:
    """Train the T2M-GPT design for some seconds of processor time, windows of 64 frames, 32 at a time."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    rows = [np.concatenate([m.expression, sixd_of(m)], axis=1) for m in motions if m.num_frames >= WINDOW]
    every = torch.from_numpy(np.concatenate(rows[:: max(1, len(rows) // 1000)]))
    rival = Rival(every.mean(0), every.std(0).clamp(min=0.02), width=width, num_codes=num_codes, code_dim=min(width, 256))

    def batch() -> Tensor:
        drawn = [rows[i] for i in random.integers(0, len(rows), 32)]
        starts = [int(random.integers(0, len(r) - WINDOW + 1)) for r in drawn]
        return torch.from_numpy(np.stack([r[s : s + WINDOW] for r, s in zip(drawn, starts, strict=True)]))

    with torch.no_grad():
        rival.codebook.fill(kmeans(torch.cat([rival._latents(batch()).reshape(-1, min(width, 256)) for _ in range(8)]), num_codes, seed=seed))
    for_seconds(rival, lambda _: rival.losses(batch()), seconds=seconds, learning_rate=learning_rate)
    return rival.eval()


def for_seconds(model: nn.Module, loss_of: Callable[[int], Tensor], *, seconds: float, learning_rate: float) -> int:
    """Minimise for some seconds of processor time, the rate falling to zero by a cosine; how many steps that were."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=1e-4)
    model.train()
    started, step = time.process_time(), 0
    while (share := (time.process_time() - started) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * share))
        loss = loss_of(step)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
    return step


@torch.inference_mode()
def through(rival: Rival, motions: Sequence[FaceMotion]) -> list[FaceMotion]:
    """Motions through the rival's codes and back."""
    made = []
    for motion in motions:
        rows = torch.from_numpy(np.concatenate([motion.expression, sixd_of(motion)], axis=1))[None]
        back = rival.decode(rival.encode(rows))[0].numpy()
        made.append(as_motion(back[:, :-6], back[:, -6:], motion))
    return made
