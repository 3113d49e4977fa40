"""A motion of known meaning, for whoever plays it: the head turns to the own left by 30 degrees, the left brow rises, the mouth smiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head

UNITS = {"mouthSmileLeft": 0.9, "mouthSmileRight": 0.9, "cheekSquintLeft": 0.5, "jawOpen": 0.4, "browOuterUpLeft": 0.8, "eyeBlinkRight": 0.3}


def golden_motion(frames: int = 50, *, shape_seed: int | None = None) -> FaceMotion:
    """From rest to the pose and, but for the head, back."""
    model = load_open_head()
    time = np.linspace(0, 1, frames)
    expression = np.zeros((frames, 52), np.float32)
    for name, strength in UNITS.items():
        expression[:, model.expression_names.index(name)] = strength * np.sin(np.pi * time)
    orient = np.zeros((frames, 3), np.float32)
    orient[:, 1] = np.radians(30) * time
    transl = np.stack([0.01 * time, 0 * time, -0.02 * time], axis=1)
    shape = np.zeros(48) if shape_seed is None else 0.7 * np.random.default_rng(shape_seed).standard_normal(48)
    return replace(neutral_motion(model, frames), expression=expression, global_orient=orient, transl=transl, shape=shape)
