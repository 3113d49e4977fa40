"""Settings of the motion tokenizer. The standard library alone."""

from __future__ import annotations

from dataclasses import dataclass, field

from tdmm_core.errors import InputError
from tdmm_core.training.config import TrainingConfig

MAX_CODES = 65_536
"Codes are stored as uint16."


def _training() -> TrainingConfig:
    return TrainingConfig(
        steps=8000,
        batch_size=16,
        learning_rate=1e-3,
        warmup_steps=50,
        weight_decay=1e-4,
        grad_clip=1.0,
        validate_every=500,
        checkpoint_every=500,
    )


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """The geometry VQ-VAE (paper, figure 4) and how it is trained."""

    num_codes: int = 1024
    "Codes in a codebook, 2 to 65536."
    codes_per_frame: int = 1
    "Codes of each frame, 1 to 8; the second and later ones code what the ones before left over."
    encoder_width: int = 96
    "Channels of the encoder."
    decoder_width: int = 96
    "Channels of the decoder."
    encoder_dilations: tuple[int, ...] = (1, 2, 4)
    "Frames between the taps of each encoder block; their sum is the reach to either side."
    decoder_dilations: tuple[int, ...] = (1, 2, 4, 8)
    "The same of the decoder."
    rotation_mm: float = 10.0
    """Weight of the head rotation in the code space, mm for each unit of 6D; above 0. 10 lets 1 degree weigh about 0.25 mm: heads move slowly, so
    codes that take turns tell them well enough, and the faces get the codes."""
    num_vertices: int = 300
    "Vertices of the face that the loss looks at, spread over it."
    lips_weight: float = 0.5
    "Extra weight of the lips in the vertex loss, the whole face being 1."
    lids_weight: float = 0.5
    "Extra weight of the eyelids."
    rotation_weight: float = 0.5
    "Loss of 1 degree of head rotation, in mm."
    velocity_weight: float = 3.0
    "Loss of 1 mm/frame of vertex velocity (and, with rotation_weight, of 1 degree/frame), in mm. At 1 the codes' steps show as jitter."
    expression_weight: float = 2.0
    "Loss of the mean absolute error of a unit (0 to 1), in mm; it settles what no vertex shows."
    commitment_weight: float = 0.1
    "Loss of 1 mm^2 between a latent and the code nearest to it, in mm. Much below 0.1 the encoder runs away from the codebook and all errors grow."
    carry_share: float = 0.75
    """Share of what a frame's code leaves over that the next frame's code is chosen to make good, 0 to below 1. At 0 each frame takes the code
    nearest to it; above, codes around a face take turns and the decoder tells their mean, which no single code is."""
    stay_bonus_mm2: float = 8.0
    """By how much, mm^2, the code before may lie farther than the nearest one and is still kept, except in training. At 1 codes tell faces a tenth
    more exactly and follow one another almost as if by chance; at 8 they hold for two frames, and what learns from them has something to go by."""
    codebook_decay: float = 0.99
    "Share of the running statistics of the codebook that a step keeps, 0 to 1."
    window_frames: int = 64
    "Frames of a training window, besides the context on either side."
    mirror_share: float = 0.5
    "Share of windows seen in a mirror: left and right change places."
    borrow_share: float = 0.25
    "Share of windows that take the head rotation of another clip."
    blend_share: float = 0.25
    "Share of windows to which the expression of another clip is added in part."
    roam_share: float = 0.35
    "Share of windows in which units drawn by chance, one side or both, rise and fall over a weakened expression: faces that no script asks for."
    training: TrainingConfig = field(default_factory=_training)
    "Steps, batch (windows), learning rate and so on."

    def __post_init__(self) -> None:
        for name in ("encoder_dilations", "decoder_dilations"):
            object.__setattr__(self, name, tuple(int(d) for d in getattr(self, name)))
            _require(all(d >= 1 for d in getattr(self, name)) and getattr(self, name), name, "frames of 1 or more", getattr(self, name))
        _require(2 <= self.num_codes <= MAX_CODES, "num_codes", f"2 to {MAX_CODES}", self.num_codes)
        _require(1 <= self.codes_per_frame <= 8, "codes_per_frame", "1 to 8", self.codes_per_frame)
        for name in ("encoder_width", "decoder_width", "num_vertices"):
            _require(getattr(self, name) >= 1, name, "1 or more", getattr(self, name))
        _require(self.window_frames >= 2, "window_frames", "2 or more", self.window_frames)
        _require(0 <= self.carry_share < 1, "carry_share", "0 to below 1", self.carry_share)
        _require(self.stay_bonus_mm2 >= 0, "stay_bonus_mm2", "0 or more", self.stay_bonus_mm2)
        _require(self.rotation_mm > 0, "rotation_mm", "a number above 0", self.rotation_mm)
        for name in ("codebook_decay", "mirror_share", "borrow_share", "blend_share", "roam_share"):
            _require(0 <= getattr(self, name) <= 1, name, "0 to 1", getattr(self, name))
        for name in ("lips", "lids", "rotation", "velocity", "expression", "commitment"):
            value = getattr(self, f"{name}_weight")
            _require(value >= 0, f"{name}_weight", "0 or more", value)


def _require(holds: object, name: str, expected: str, got: object) -> None:
    if not holds:
        raise InputError(f"tokenizer.{name}: expected {expected}, got {got}")
