"""What motion tokenizers are measured on, and by: scripted motion that none was trained on, a real capture where it is at hand, and the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.evaluation.studies import compare_motions, mean_of
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.resample import resample
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_sixd, sixd_to_matrix
from tdmm_core.pipelines.motion_input import read_take
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import plan_clips
from tdmm_core.synthesis.scripted import act
from tdmm_core.tokenization.carrying import ALONE, choose
from tdmm_core.tokenization.features import GeometryFeatures
from tdmm_core.tokenization.geometry import face_geometry
from tdmm_core.tokenization.kmeans import kmeans

CAPTURE = Path(__file__).parents[3] / "shared" / "data" / "arkit" / "range_of_motion_4.csv"
HELD_OUT_SEED = 20_611
"Of people and scripts that no training corpus has: those are made with seeds that people choose by hand."
MODEL = load_open_head()
LIDS = [MODEL.expression_names.index(f"eyeBlink{side}") for side in ("Left", "Right")]
Coder = Callable[[Sequence[FaceMotion]], list[FaceMotion]]
"Motions through codes and back."


@cache
def scripted(num_clips: int, seed: int = HELD_OUT_SEED) -> tuple[FaceMotion, ...]:
    """Motions of a small corpus of its own."""
    config = SynthConfig(num_clips=num_clips)
    return tuple(act(planned, config) for planned in plan_clips(config, seed=seed))


@cache
def capture() -> FaceMotion | None:
    """The capture at 25 frames a second, with the heads of scripted clips since its own head columns are zero; None where it is not at hand."""
    if not CAPTURE.is_file():
        return None
    motion = resample(read_take(CAPTURE).motion, 25.0)
    heads = np.concatenate([m.global_orient for m in scripted(60)])
    return replace(motion, global_orient=np.resize(heads, (motion.num_frames, 3)))


def blink(frames: int = 5) -> FaceMotion:
    """A still face that blinks once."""
    expression = np.zeros((60, MODEL.num_expression), np.float32)
    closing = np.sin(np.linspace(0, np.pi, frames + 2))[1:-1]
    expression[28 : 28 + frames, LIDS] = closing[:, None]
    still = scripted(60)[0]
    zero = np.zeros((60, 3), np.float32)
    return replace(still, expression=expression, global_orient=zero, transl=zero, shape=np.zeros(0), status=None, source_time_s=None)


def blink_depth(coder: Coder) -> float:
    """How much of the deepest closing comes back, the weaker lid counting."""
    return float(coder([blink()])[0].expression[:, LIDS].max(axis=0).min())


def figures(coder: Coder, truths: Sequence[FaceMotion]) -> dict[str, float]:
    """Means over clips, as `tdmm eval` has them."""
    return mean_of([compare_motions(MODEL, made, truth) for made, truth in zip(coder(truths), truths, strict=True)])


def told(name: str, found: dict[str, float]) -> str:
    """One line: errors in mm, each beside the neutral face's, rotation in degrees, jitter beside the truth's."""
    parts = [f"{r} {found[f'{r}_mm']:.3f} mm ({found[f'{r}_mm'] / found[f'{r}_floor_mm']:.0%} of neutral)" for r in ("face", "lips", "lids")]
    shaky = found["jitter_mm"] / found["jitter_truth_mm"]
    return f"  {name:34} {', '.join(parts)}, head {found['rotation_deg']:.2f} deg, jitter {shaky:.2f} of the truth's"


@dataclass(frozen=True, kw_only=True)
class StaticCodes:
    """k-means on frames: what as many codes can do without time. Distances are the motion tokenizer's own."""

    features: GeometryFeatures
    means: torch.Tensor

    @staticmethod
    def of(motions: Sequence[FaceMotion], *, num_codes: int, rotation_mm: float, most_frames: int = 60_000) -> StaticCodes:
        features = GeometryFeatures(MODEL.num_expression, rotation_mm=rotation_mm)
        features.set_metric(torch.from_numpy(face_geometry(MODEL, num_vertices=300, lips_weight=0.5, lids_weight=0.5).metric))
        points = torch.cat([_points(features, m) for m in motions])
        drawn = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))[:most_frames]
        return StaticCodes(features=features, means=kmeans(points[drawn], num_codes, seed=0))

    def __call__(self, motions: Sequence[FaceMotion]) -> list[FaceMotion]:
        return [self._one(m) for m in motions]

    def _one(self, motion: FaceMotion) -> FaceMotion:
        codes = choose(_points(self.features, motion)[None], [self.means], ALONE)[0, :, 0]
        expression, sixd = self.features.back(self.means[codes])
        return as_motion(expression.numpy(), sixd.numpy(), motion)


def as_motion(expression: np.ndarray, sixd: np.ndarray, like: FaceMotion) -> FaceMotion:
    """A motion of (T, E) units, clipped, and (T, 6) rotations."""
    return replace(like, expression=expression.clip(0, 1), global_orient=matrix_to_axis_angle(sixd_to_matrix(sixd)), transl=0 * like.transl)


def sixd_of(motion: FaceMotion) -> np.ndarray:
    """(T, 6)."""
    return matrix_to_sixd(axis_angle_to_matrix(motion.global_orient))


def _points(features: GeometryFeatures, motion: FaceMotion) -> torch.Tensor:
    return features(torch.tensor(motion.expression), torch.from_numpy(sixd_of(motion)))
