"""The geometry VQ-VAE as a whole: features, encoder, quantizer, decoder in a row; knows no loss and no file."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tdmm_core.tokenization.carrying import Carrying
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.decoder import Decoder
from tdmm_core.tokenization.encoder import Encoder
from tdmm_core.tokenization.ends import Ends, beyond, held, turned
from tdmm_core.tokenization.features import GeometryFeatures
from tdmm_core.tokenization.quantizer import Quantizer


class Reconstruction(NamedTuple):
    """What the network makes of a window."""

    expression: Tensor
    "(B, T, E), not clipped."
    sixd: Tensor
    "(B, T, 6), not orthonormal."
    codes: Tensor
    "(B, T, Q) int64."
    commitment: Tensor
    "(B, T)."


class MotionAutoencoder(nn.Module):
    """Expression and head rotation of each frame to codes and back.

    Beyond the ends of a clip its first and last frame are held, and so are its codes; where codes take turns, they run backward.
    """

    def __init__(self, num_units: int, config: TokenizerConfig) -> None:
        super().__init__()
        self.features = GeometryFeatures(num_units, rotation_mm=config.rotation_mm)
        width = self.features.width
        self.encoder = Encoder(width, config.encoder_width, config.encoder_dilations)
        carrying = Carrying(config.carry_share, config.stay_bonus_mm2)
        self.quantizer = Quantizer(config.num_codes, width, config.codes_per_frame, carrying=carrying, decay=config.codebook_decay)
        self.decoder = Decoder(width, config.decoder_width, config.decoder_dilations, taking_turns=config.carry_share > 0)

    @property
    def reach(self) -> int:
        """Frames on either side of a window that its reconstruction depends on."""
        return self.encoder.reach + self.decoder.reach

    @property
    def code_ends(self) -> Ends:
        """Which codes stand beyond the ends of a clip."""
        return turned if self.quantizer.carrying.share else held

    def forward(self, expression: Tensor, sixd: Tensor, code_index: Tensor, counted: Tensor) -> Reconstruction:
        """A window with `reach` more frames on either side, (B, T + 2 reach, ...), to the reconstruction of its T frames.

        `code_index` (B, T + 2 decoder reach) says which code stands at each place, for those beyond a clip's ends.
        """
        latents = self.encoder(self.features(expression, sixd))
        own = slice(self.decoder.reach, latents.shape[1] - self.decoder.reach)
        inside = torch.zeros(latents.shape[:2], dtype=torch.bool, device=latents.device)
        inside[:, own] = counted
        quantized = self.quantizer(latents, inside)
        values = quantized.values.gather(1, code_index[..., None].expand(-1, -1, latents.shape[-1]))
        units, rotation = self.features.back(self.decoder(values))
        return Reconstruction(units, rotation, quantized.codes[:, own], quantized.commitment[:, own])

    def encode(self, expression: Tensor, sixd: Tensor) -> Tensor:
        """Whole clips (B, T, E) and (B, T, 6) to codes (B, T, Q) int64."""
        features = self.features(expression, sixd)[:, beyond(expression.shape[1], self.encoder.reach, held)]
        return self.quantizer.codes(self.encoder(features))

    def decode(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Whole clips of codes (B, T, Q) to expression (B, T, E), not clipped, and rotation 6D (B, T, 6)."""
        return self.features.back(self.decoder(self.quantizer.values(codes[:, beyond(codes.shape[1], self.decoder.reach, self.code_ends)])))
