"""Motion tokens: the codes of a motion, one row a frame, and what is needed to read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.checks import as_array
from tdmm_core.errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class MotionTokens:
    """Codes of T frames by one motion tokenizer."""

    codes: np.ndarray
    "(T, Q) uint16, each below `num_codes`."
    num_codes: int
    tokenizer_digest: str
    "Digest of the motion tokenizer that made the codes; only that one reads them."
    status: np.ndarray | None = None
    "(T,) uint8 as in FaceMotion; None means all observed."
    fps: float = 25.0
    face_model: str = "open-head-1"
    face_model_digest: str = ""

    def __post_init__(self) -> None:
        raw = np.asarray(self.codes)
        if raw.ndim != 2 or raw.shape[1] == 0:
            raise InputError(f"codes: expected shape (frames, codes per frame), got {raw.shape}")
        if raw.size and (raw.min() < 0 or raw.max() >= self.num_codes):
            raise InputError(f"codes: expected 0 to {self.num_codes - 1}, got {raw.min()} to {raw.max()}")
        object.__setattr__(self, "codes", as_array("codes", raw, (None, None), np.uint16))
        status = np.zeros(len(raw), np.uint8) if self.status is None else self.status
        object.__setattr__(self, "status", as_array("status", status, (len(raw),), np.uint8))

    @property
    def num_frames(self) -> int:
        return int(self.codes.shape[0])

    @property
    def codes_per_frame(self) -> int:
        return int(self.codes.shape[1])
