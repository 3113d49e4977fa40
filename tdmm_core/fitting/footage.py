"""What a clip's landmarks say at the instants of the motion's clock.

Made part by part, so that a long clip takes little more memory than its sightings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.fitting.calibrate import eye_distance
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.fitting.landmarks import FaceLandmarks
from tdmm_core.fitting.problem import Observations
from tdmm_core.fitting.timeline import Timeline

_TRUST = 0.35
"Landmarks err together, so a few hundred of them weigh like some thirty independent ones."
_IRIS = slice(468, 478)


@dataclass(frozen=True, kw_only=True, eq=False)
class Footage:
    """O observed instants of a clip; a slice or some indices of them are Observations."""

    calibration: Calibration
    seen: FaceLandmarks
    clock: Timeline
    config: FitConfig
    names: tuple[str, ...]
    "Of the expression."

    @property
    def centre_px(self) -> np.ndarray:
        """(2,) the principal point: the picture's middle."""
        return np.array(self.seen.size_px, np.float64) / 2

    def rotations(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, 3, 3) the network's rotations."""
        return self.clock.sample(self.seen.rotations, which)

    def expected(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, E) expression that the network's scores suggest."""
        return self.calibration.expected_expression(self.clock.sample(self.seen.scores, which))

    def __getitem__(self, which: slice | np.ndarray) -> Observations:
        """What was seen at some of the instants."""
        points, expected = self.clock.sample(self.seen.points_px, which), self.expected(which)
        precision = _TRUST / (self.calibration.noise * eye_distance(points)[:, None])  # (O, L)
        # A closed lid hides the iris; the network then only guesses where it is.
        precision[:, _IRIS] *= np.reshape(1.02 - self._shut(expected), (-1, 1))
        return Observations(
            points_px=points,
            precision=precision,
            expected=expected,
            expected_precision=self.config.score_weight / self.calibration.score_noise.astype(np.float64),
            centre_px=self.centre_px,
        )

    def _shut(self, expected: np.ndarray) -> np.ndarray | float:
        """(O,) how far the wider open lid is closed."""
        if "eyeBlinkLeft" not in self.names:
            return 0.0
        return np.minimum(expected[:, self.names.index("eyeBlinkLeft")], expected[:, self.names.index("eyeBlinkRight")])
