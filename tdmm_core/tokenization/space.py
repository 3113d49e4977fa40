"""What the motions that one motion tokenizer reads have in common: face model, units, frame rate. Knows no network."""

from __future__ import annotations

from dataclasses import dataclass

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError


@dataclass(frozen=True, kw_only=True)
class MotionSpace:
    """What the motions of a tokenizer have in common."""

    face_model: str
    face_model_digest: str
    expression_names: tuple[str, ...]
    fps: float = 25.0

    @staticmethod
    def of(motion: FaceMotion) -> MotionSpace:
        return MotionSpace(
            face_model=motion.face_model,
            face_model_digest=motion.face_model_digest,
            expression_names=motion.expression_names,
            fps=motion.fps,
        )

    def check(self, motion: FaceMotion) -> None:
        """Raise InputError unless `motion` lies in this space."""
        if motion.face_model != self.face_model:
            needed = f"motion: this motion tokenizer reads face model {self.face_model!r}, got {motion.face_model!r}"
            raise InputError(f"{needed}; carry it over: tdmm fit MOTION --face-model {self.face_model} -o motion.h5")
        mine, theirs = self.face_model_digest, motion.face_model_digest
        if mine and theirs and mine != theirs:
            raise InputError(
                f"motion: this motion tokenizer was trained on another edition of {self.face_model} ({mine[:12]}), got {theirs[:12]}; train it again"
            )
        if motion.expression_names != self.expression_names:
            raise InputError(
                f"motion: expected the {len(self.expression_names)} expression names of {self.face_model} in its order, "
                f"got {len(motion.expression_names)} that differ"
            )
        if abs(motion.fps - self.fps) > 1e-3:
            needed = f"motion: this motion tokenizer reads {self.fps:g} frames per second, got {motion.fps:g}"
            raise InputError(f"{needed}; resample it: tdmm fit MOTION -o motion.h5")
