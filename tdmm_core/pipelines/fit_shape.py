"""The identity that `tdmm fit --shape` holds: taken from a motion of the same person, fitted before."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.pipelines.motion_input import read_motion_clips


def read_shape(path: Path, model: MorphableModel) -> np.ndarray:
    """(S,) float64 coefficients of the person in a motion of `model`: an npz, or an h5 whose clips all show one shape.

    Raises InputError for a motion of another face model, one without a shape, or clips of several shapes.
    """
    shapes = []
    for clip in read_motion_clips(path):
        if clip.motion is not None:
            model.check(clip.motion)
            shapes.append(clip.motion.shape)
    if not shapes or not any(len(s) and np.any(s) for s in shapes):
        raise InputError(f"{path}: expected a motion with a fitted shape, got none; make one with tdmm fit VIDEO -o FILE.npz")
    if any(not np.array_equal(s, shapes[0]) for s in shapes):
        raise InputError(f"{path}: expected one person's shape, got {len(shapes)} clips of several; fit one take of the person alone and give that")
    return shapes[0].astype(np.float64)
