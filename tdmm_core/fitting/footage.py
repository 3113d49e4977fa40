"""What a clip's landmarks say at the instants of the motion's clock.

Made part by part, so that a long clip takes little more memory than its sightings.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tdmm_core.fitting.calibrate import eye_distance
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.fitting.initial_pose import continuous
from tdmm_core.fitting.landmarks import FaceLandmarks
from tdmm_core.fitting.looks import Looks, joined, look
from tdmm_core.fitting.problem import Observations
from tdmm_core.fitting.start import likely_focal_px
from tdmm_core.fitting.timeline import Timeline
from tdmm_core.morphable.rotations import matrix_to_axis_angle

_TRUST = 0.1
"Landmarks err together, and the learned start has heard them all: a few hundred weigh like a few independent ones."
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
    def told(self) -> tuple[Looks, np.ndarray]:
        """The looks of every instant, without their features, and (O, E + 4) float32 what the learned start says of them."""
        start, looks, answers = self.calibration.start, [], []
        gist = start.gist(self._looks(self._some()).features)
        for first in range(0, len(self.clock.observed), _PART):
            part = self._looks(slice(first, first + _PART))
            answers.append(start.answers(part.features, gist))
            looks.append(replace(part, features=np.empty((len(part.scale), 0))))
        return joined(looks), start.strengthened(np.concatenate(answers))

    def through(self, focal_px: float) -> Footage:
        """The same through a lens of that focal length."""
        other = replace(self, focal_px=focal_px)
        # What the start says does not depend on the lens: it is not asked again.
        vars(other)["told"] = self.told
        return other

    def likely_focal_px(self) -> float:
        """What perspective tells of the focal length."""
        return likely_focal_px(*self.told)

    def _some(self) -> np.ndarray:
        """Indices of instants all over the clip."""
        count = len(self.clock.observed)
        return np.linspace(0, count - 1, min(count, _ENOUGH)).astype(int)

    def points_px(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, L, 2) landmarks."""
        return self.clock.sample(self.seen.points_px, which)

    def rotations(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, 3, 3) head rotations that the looks suggest."""
        looks, answers = self.told
        return self.calibration.start.rotation(looks[which], answers[which], self.focal_px)

    def expected(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """(O, E) expression that the looks suggest."""
        return self.told[1][which, : self.calibration.start.num_expression].astype(np.float64)

    def _looks(self, which: slice | np.ndarray) -> Looks:
        scores, rotations = (self.clock.sample(a, which) for a in (self.seen.scores, self.seen.rotations))
        return look(self.face, self.points_px(which), scores, rotations, self.seen.size_px)

    def __getitem__(self, which: slice | np.ndarray) -> Observations:
        """What was seen at some of the instants."""
        noise, points, expected = self.calibration.start.noise, self.points_px(which), self.expected(which)
        precision = _TRUST / (self.calibration.noise * eye_distance(points)[:, None])  # (O, L)
        # A closed lid hides the iris; the network then only guesses where it is.
        precision[:, _IRIS] *= np.reshape(1.02 - self._shut(expected), (-1, 1))
        return Observations(
            points_px=points,
            precision=precision,
            expected=expected,
            expected_precision=self.config.score_weight / noise[:-3],
            rotation=continuous(matrix_to_axis_angle(self.rotations(which))),
            rotation_precision=_TURN_TRUST * self.config.score_weight / noise[-3:],
            centre_px=self.centre_px,
        )

    def _shut(self, expected: np.ndarray) -> np.ndarray | float:
        """(O,) how far the wider open lid is closed."""
        if "eyeBlinkLeft" not in self.names:
            return 0.0
        return np.minimum(expected[:, self.names.index("eyeBlinkLeft")], expected[:, self.names.index("eyeBlinkRight")])
