"""The 52 unit curves of a motion, in the order of `units.UNITS`, whatever the order of its face model."""

from __future__ import annotations

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.performance.units import UNITS


def unit_curves(motion: FaceMotion) -> np.ndarray:
    """(T, 52) float64, 0 to 1. Raises InputError where the motion is not told in ARKit units."""
    place = {name: i for i, name in enumerate(motion.expression_names)}
    lacking = [name for name in UNITS if name not in place]
    if lacking:
        raise InputError(
            f"reading a motion: expected the 52 ARKit units of the open head, got face model {motion.face_model!r} without {lacking[0]}; "
            "convert the motion or fit the video with the open head"
        )
    return np.clip(motion.expression[:, [place[name] for name in UNITS]].astype(np.float64), 0.0, 1.0)
