"""How fast each part of a face may change its pace: lids blink within frames, brows and heads do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_USUAL_BEND = {"eyeBlink": 0.4, "eyeLook": 0.1, "eyeWide": 0.035, "eyeSquint": 0.03, "jaw": 0.03, "mouth": 0.016, "brow": 0.015}
"Usual second difference of a unit from frame to frame at 25 fps, by the first part of its name."
_OTHER_BEND = 0.013
_ROTATION_BEND_RAD, _TRANSL_BEND_M = 0.012, (0.0015, 0.0015, 0.003)
"The camera sees depth least, yet it is what noise moves most; it is held accordingly by what it usually does."


def evenness_precision(expression_names: Sequence[str], *, fps: float, strength: float) -> np.ndarray:
    """(E + 6,) one over the usual second difference of every unit, rotation and translation, times `strength`."""
    bends = [next((bend for part, bend in _USUAL_BEND.items() if name.startswith(part)), _OTHER_BEND) for name in expression_names]
    usual = np.array([*bends, *[_ROTATION_BEND_RAD] * 3, *_TRANSL_BEND_M])
    # A second difference grows with the square of the time between frames.
    return strength / (usual * max((25 / fps) ** 2, 1e-6))
