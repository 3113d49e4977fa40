"""What a clip's landmarks say at the instants of the motion's clock.

Made part by part, so that a long clip takes little more memory than its sightings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tdmm_core.fitting.calibrate import eye_distance
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.fitting.initial_pose import continuous
from tdmm_core.fitting.landmarks import FaceLandmarks
from tdmm_core.fitting.problem import Observations
from tdmm_core.fitting.start import Looks, look
from tdmm_core.fitting.timeline import Timeline
from tdmm_core.morphable.rotations import matrix_to_axis_angle

_TRUST = 0.2
"Landmarks err together, so a few hundred of them weigh like a score of independent ones."
_TURN_TRUST = 3.0
"The learned start was told of the same landmarks, and knows better which way they err when it comes to turning."
_IRIS = slice(468, 478)
_PART = 128
"Pictures that are looked at in one go."
_ENOUGH = 400
"Pictures that tell what a clip looks like on average."


@dataclass(frozen=True, kw_only=True, eq=False)
class Footage:
    """O observed instants of a clip; a slice or some indices of them are Observations."""

    calibration: Calibration
    face: np.ndarray
    "(L, 3) metres: the usual face's landmarks."
    seen: FaceLandmarks
    clock: Timeline
    config: FitConfig
    names: tuple[str, ...]
    "Of the expression."
    focal_px: float = 0.0
    "Of the lens; until it is known, what the clip looks like."

    @property
    def centre_px(self) -> np.ndarray:
        """(2,) the principal point: the picture's middle."""
        return np.array(self.seen.size_px, np.float64) / 2

    @cached_property
    def average(self) -> np.ndarray:
        """(F,) what the clip looks like on average."""
        return self._looks(self._some()).features.mean(0)

    def likely_focal_px(self) -> float:
        """What perspective tells of the focal length."""
        return self.calibration.start.focal_px(self._looks(self._some()), self.average)

    def _some(self) -> np.ndarray:
        """Indices of instants all over the clip."""
        count = len(self.clock.observed)
        return np.linspace(0, count - 1, min(count, _ENOUGH)).astype(int)

    def points_px(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, L, 2) landmarks."""
        return self.clock.sample(self.seen.points_px, which)

    def rotations(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, 3, 3) head rotations that the looks suggest."""
        return self._in_parts(which, lambda looks: self.calibration.start.rotation(looks, self.average, self.focal_px))

    def expected(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, E) expression that the looks suggest."""
        return self._in_parts(which, lambda looks: self.calibration.start.expression(looks.features, self.average))

    def _in_parts(self, which: slice | np.ndarray, answer: Callable[[Looks], np.ndarray]) -> np.ndarray:
        """An answer from looks, which take far more memory than it, for some of the instants."""
        chosen = np.arange(len(self.clock.observed))[which]
        return np.concatenate([answer(self._looks(chosen[i : i + _PART])) for i in range(0, len(chosen), _PART)])

    def _looks(self, which: slice | np.ndarray) -> Looks:
        scores, rotations = (self.clock.sample(a, which) for a in (self.seen.scores, self.seen.rotations))
        return look(self.face, self.points_px(which), scores, rotations, self.seen.size_px)

    def __getitem__(self, which: slice | np.ndarray) -> Observations:
        """What was seen at some of the instants."""
        start, looks = self.calibration.start, self._looks(which)
        points = self.points_px(which)
        expected = start.expression(looks.features, self.average)
        precision = _TRUST / (self.calibration.noise * eye_distance(points)[:, None])  # (O, L)
        # A closed lid hides the iris; the network then only guesses where it is.
        precision[:, _IRIS] *= np.reshape(1.02 - self._shut(expected), (-1, 1))
        noise = np.hypot(start.steady_noise[:-1], start.moving_noise)
        return Observations(
            points_px=points,
            precision=precision,
            expected=expected,
            expected_precision=self.config.score_weight / noise[:-3],
            rotation=continuous(matrix_to_axis_angle(start.rotation(looks, self.average, self.focal_px))),
            rotation_precision=_TURN_TRUST * self.config.score_weight / noise[-3:],
            centre_px=self.centre_px,
        )

    def _shut(self, expected: np.ndarray) -> np.ndarray | float:
        """(O,) how far the wider open lid is closed."""
        if "eyeBlinkLeft" not in self.names:
            return 0.0
        return np.minimum(expected[:, self.names.index("eyeBlinkLeft")], expected[:, self.names.index("eyeBlinkRight")])
