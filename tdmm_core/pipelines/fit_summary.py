"""What `tdmm fit` tells of a run: counts, mean quality, and which clips failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.domain.clip import MotionClip
from tdmm_core.errors import PartialFailureError

if TYPE_CHECKING:
    from tdmm_core.pipelines.crossing import Residual


@dataclass(frozen=True, kw_only=True)
class FitSummary:
    """What was fitted, and how well; means over the clips that did not fail."""

    output: str
    num_clips: int
    num_failed: int
    num_frames: int
    num_bridged: int
    num_held: int
    detection_rate: float
    reprojection_px: float
    reprojection_share: float
    "Share of the distance between the eyes."
    jitter_mm: float
    num_resumed: int
    "Clips that an interrupted run had fitted already."
    residual_mm: float | None = None
    "Where clips were carried over to another face model: mean distance over the face between what both do; None where none was."
    neutral_mm: float | None = None
    "The same for a neutral face: the floor."

    def lines(self) -> list[str]:
        """For people: where it is, and how well it was carried over."""
        if self.residual_mm is None:
            return [self.output]
        return [self.output, f"  carried over: residual {self.residual_mm:.2f} mm (a neutral face: {self.neutral_mm:.2f} mm)"]


def summary_of(output: str, clips: Sequence[MotionClip], num_resumed: int) -> FitSummary:
    """Counts and means over clips."""
    qualities = [clip.quality for clip in clips if clip.motion is not None]

    def mean(name: str) -> float:
        values = [v for v in (getattr(q, name) for q in qualities) if np.isfinite(v)]
        return float(np.mean(values)) if values else float("nan")

    return FitSummary(
        output=output,
        num_clips=len(clips),
        num_failed=len(clips) - len(qualities),
        num_frames=sum(clip.motion.num_frames for clip in clips if clip.motion is not None),
        num_bridged=sum(q.num_bridged for q in qualities),
        num_held=sum(q.num_held for q in qualities),
        **{name: mean(name) for name in ("detection_rate", "reprojection_px", "reprojection_share", "jitter_mm")},
        num_resumed=num_resumed,
    )


def with_residuals(summary: FitSummary, residuals: Sequence[Residual]) -> FitSummary:
    """The summary with what carrying over left, where clips were carried over."""
    if not residuals:
        return summary
    residual, neutral = (float(np.mean([getattr(r, name) for r in residuals])) for name in ("residual_mm", "neutral_mm"))
    return replace(summary, residual_mm=residual, neutral_mm=neutral)


def told(summary: FitSummary, clips: Sequence[MotionClip]) -> FitSummary:
    """The summary, or PartialFailureError naming the first clip that failed."""
    if summary.num_failed:
        first = next(clip for clip in clips if clip.motion is None)
        counts = f"{summary.num_failed} of {summary.num_clips} clips failed"
        raise PartialFailureError(f"{counts}, the rest are in {summary.output}; the first was {first.clip.id}: {first.error}")
    return summary
