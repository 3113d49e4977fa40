"""Studies: pairs of motions to tables of figures, each beside its floor."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from tdmm_core.domain.motion import HELD, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.evaluation import metrics
from tdmm_core.morphable.model import MorphableModel, geometry
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle

REGIONS = ("face", "lips", "lids")
_MOVING = ("expression", "global_orient", "jaw_pose", "neck_pose", "eye_pose", "eyelids")
"What a neutral face that does not turn lacks."


def parameters(motion: FaceMotion) -> np.ndarray:
    """(T, E + 3) expression and head rotation, the space of L2 and FD."""
    return np.concatenate([motion.expression, motion.global_orient], axis=1)


def compare_motions(model: MorphableModel, motion: FaceMotion, truth: FaceMotion) -> dict[str, float]:
    """Figures of one motion against the truth of the same clip, over the frames where both are known.

    Vertex errors in mm per region with the neutral face's error as floor, rotation in degrees with the floor of a head
    that does not turn, jitter in mm/frame^2 beside the truth's.
    """
    frames = min(motion.num_frames, truth.num_frames)
    motion, truth = motion[:frames], truth[:frames]
    known = (motion.status != HELD) & (truth.status != HELD)
    if not known.any():
        raise InputError("eval: no frame of this clip is known on both sides")
    still = replace(truth, **{name: np.zeros_like(getattr(truth, name)) for name in _MOVING if getattr(truth, name) is not None})
    made, real, neutral = (geometry(model, m) for m in (motion, truth, still))  # (T, V, 3)
    figures: dict[str, float] = {}
    for region in REGIONS:
        mask = model.masks[region]
        figures[f"{region}_mm"] = metrics.vertex_error_mm(made[known], real[known], mask)
        figures[f"{region}_floor_mm"] = metrics.vertex_error_mm(neutral[known], real[known], mask)
    figures["rotation_deg"] = rotation_error_deg(motion, truth, known)
    figures["rotation_floor_deg"] = rotation_error_deg(still, truth, known)
    figures["jitter_mm"] = metrics.jitter_mm(made, model.masks["face"])
    figures["jitter_truth_mm"] = metrics.jitter_mm(real, model.masks["face"])
    return figures


def rotation_error_deg(motion: FaceMotion, truth: FaceMotion, known: np.ndarray) -> float:
    """Mean geodesic angle between two head rotations over the known frames."""
    a, b = (axis_angle_to_matrix(m.global_orient[known]) for m in (motion, truth))
    return float(np.degrees(geodesic_angle(a, b)).mean())


def compare_sets(made: Sequence[FaceMotion], truth: Sequence[FaceMotion], lag_frames: int = 1) -> dict[str, float]:
    """L2 and FD of generated motions against the true ones of the same prompts (paper, table 3).

    Floors: a neutral face, and the same motions dealt to other prompts (`shuffled`); for FD also two halves of the truth (`truth_halves`), below
    which no set can be expected to come.
    """
    if len(made) < 4 or len(made) != len(truth):
        raise InputError(f"eval: L2 and FD need at least 4 clips on both sides, got {len(made)} and {len(truth)}")
    ours, real = [parameters(m) for m in made], [parameters(t) for t in truth]
    dealt = [*ours[1:], ours[0]]
    neutral = [np.zeros_like(p) for p in real]
    features = {
        name: np.stack([metrics.motion_features(p, lag_frames) for p in group])
        for name, group in (("ours", ours), ("real", real), ("neutral", neutral))
    }
    fd = lambda a, b: metrics.frechet_distance(features[a] if isinstance(a, str) else a, b)  # noqa: E731
    return {
        "l2": _mean_l2(ours, real),
        "l2_shuffled": _mean_l2(dealt, real),
        "l2_neutral": _mean_l2(neutral, real),
        "fd": fd("ours", features["real"]),
        "fd_neutral": fd("neutral", features["real"]),
        "fd_truth_halves": metrics.frechet_distance(features["real"][::2], features["real"][1::2]),
    }


def _mean_l2(made: Iterable[np.ndarray], truth: Iterable[np.ndarray]) -> float:
    return float(np.mean([metrics.parameter_l2(a, b) for a, b in zip(made, truth, strict=True)]))


def word_overlap(said: str, references: Sequence[str]) -> float:
    """F1 of the words of a sentence against the nearest of its references, 0 to 1; case and punctuation aside."""
    return max((_f1(_words(said), _words(r)) for r in references), default=0.0)


def _words(text: str) -> Counter[str]:
    return Counter(re.findall(r"[a-z']+", text.lower()))


def _f1(a: Counter[str], b: Counter[str]) -> float:
    shared = (a & b).total()
    return 2 * shared / (a.total() + b.total()) if shared else 0.0


def mean_of(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    """Means over clips, NaN ignored."""
    return {key: float(np.nanmean([r[key] for r in rows])) if any(r[key] == r[key] for r in rows) else float("nan") for key in rows[0]}
