"""Figures that say how well a fit went, measured on what was fitted."""

from __future__ import annotations

import numpy as np

from tdmm_core.domain.clip import FitQuality
from tdmm_core.domain.motion import BRIDGED, HELD, OBSERVED, FaceMotion
from tdmm_core.morphable.model import MorphableModel


def fit_quality(model: MorphableModel, motion: FaceMotion, *, away_px: np.ndarray, eyes_px: np.ndarray, found: np.ndarray) -> FitQuality:
    """Quality of a motion whose landmarks lie `away_px` (O,) from what was seen in its observed frames, where the eyes lie `eyes_px` (O,) apart.

    `found` (N,) tells of every source frame whether it showed the face.
    """
    return FitQuality(
        detection_rate=float(found.mean()),
        reprojection_px=float(away_px.mean()),
        reprojection_share=float((away_px / np.maximum(eyes_px, 1e-6)).mean()),
        jitter_mm=jitter_mm(model, motion),
        num_bridged=int((motion.status == BRIDGED).sum()),
        num_held=int((motion.status == HELD).sum()),
    )


def jitter_mm(model: MorphableModel, motion: FaceMotion) -> float:
    """Mean second difference of the face's vertices, mm/frame^2, head pose removed, over frames observed with both neighbours; NaN without any."""
    seen = motion.status == OBSERVED
    centres = np.flatnonzero(seen[1:-1] & seen[:-2] & seen[2:]) + 1
    total = 0.0
    for start in range(0, len(centres), 64):
        part = centres[start : start + 64]
        bend = motion.expression[part - 1] - 2 * motion.expression[part] + motion.expression[part + 1]  # (P, E)
        moved = np.tensordot(bend, model.expression_basis[:, model.masks["face"]], 1)  # (P, V, 3)
        total += float(np.linalg.norm(moved, axis=-1).mean(1).sum())
    return 1000 * total / len(centres) if len(centres) else float("nan")
