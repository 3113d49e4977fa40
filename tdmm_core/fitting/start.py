"""A learned start: from a clip's landmarks and scores straight to expression, head rotation and distance, by a small network.

The network looks at every picture beside the gist of the whole clip: what all pictures share tells of the person, the lens and the resting face,
how one differs from the others tells of what the face does. It is learned from drawn faces (`start_training`) and runs on numpy alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.fitting.looks import Looks, line_of_sight
from tdmm_core.morphable.rotations import axis_angle_to_matrix

LOW, HIGH = 0.1, 0.9
"Quantiles of a clip's pictures that its gist holds: the face at rest, and the face that does most."
_REST = 0.15
"Quantile of a unit over a clip that counts as its rest."
ROTATION_UNIT = 0.2
"Radians of rotation that weigh like a unit of expression in the network's answer."


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """What was learned; answers are E of expression, 3 of rotation beyond the network's own (axis-angle), 1 of the distance's logarithm."""

    usual: np.ndarray
    "(F,) features of the usual picture."
    heard: np.ndarray
    "(F, D) the directions of features that are heard."
    first: np.ndarray
    "(D + 1, H) of a picture; like the next three a linear map, its last row what is added."
    second: np.ndarray
    "(D + 4 H + 1, W) of a picture beside the clip's gist, without the gist's own D."
    third: np.ndarray
    "(W + 1, W)"
    answer: np.ndarray
    "(W + 2 D + 1, E + 4) of what the third gave, the picture, and the clip's mean."
    strength: np.ndarray
    "(E,) how many times farther from rest a unit goes than its answer, which keeps to what is likely and so falls short of what is strong."
    noise: np.ndarray
    "(E + 3,) root mean square of what answers for people who were not learned from leave open."

    @property
    def num_expression(self) -> int:
        return len(self.noise) - 3

    def gist(self, features: np.ndarray) -> np.ndarray:
        """(D + 4 H,) what (T, F) pictures of a clip say together: their mean, and mean, spread and two quantiles of what is made of each."""
        heard = self._heard(features)
        made = _soft(_linear(heard, self.first))
        spread = np.sqrt(made.var(0) + 1e-4)
        return np.concatenate([heard.mean(0), made.mean(0), spread, *np.quantile(made, (LOW, HIGH), axis=0)]).astype(np.float32)

    def answers(self, features: np.ndarray, gist: np.ndarray) -> np.ndarray:
        """(T, E + 4) float32 for pictures (T, F) of a clip with that gist: expression 0 to 1, rotation, distance."""
        heard, own = self._heard(features), len(gist) - 4 * self.first.shape[1]
        mean, rest = (np.broadcast_to(part, (len(heard), len(part))) for part in (gist[:own], gist[own:]))
        made = _soft(_linear(np.concatenate([heard, rest], 1), self.second))
        made = _soft(_linear(made, self.third))
        result = _linear(np.concatenate([made, heard, mean], 1), self.answer)
        result[:, : self.num_expression] = np.clip(result[:, : self.num_expression], 0, 1)
        result[:, self.num_expression : -1] *= ROTATION_UNIT
        return result

    def strengthened(self, answers: np.ndarray) -> np.ndarray:
        """(T, E + 4) answers for a whole clip with expression as strong as it usually is where such answers are given."""
        units = self.num_expression
        shown = answers[:, :units]
        rest = np.quantile(shown, _REST, axis=0)
        return np.concatenate([np.clip(rest + self.strength * (shown - rest), 0, 1), answers[:, units:]], 1, dtype=np.float32)

    def rotation(self, looks: Looks, answers: np.ndarray, focal_px: float) -> np.ndarray:
        """(T, 3, 3) head rotations for a focal length, from (T, E + 4) answers."""
        beyond = answers[:, self.num_expression : -1].astype(np.float64)
        return line_of_sight(looks.centre_px / focal_px) @ looks.turned @ axis_angle_to_matrix(beyond)

    def _heard(self, features: np.ndarray) -> np.ndarray:
        return (features - self.usual).astype(np.float32) @ self.heard.astype(np.float32)


def likely_focal_px(looks: Looks, answers: np.ndarray) -> float:
    """The focal length at which the face, as large as it is seen, stands as far away as its perspective tells."""
    return float(np.exp(np.median(answers[:, -1] + np.log(looks.scale))))


def _linear(inputs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    weights = weights.astype(np.float32)
    return inputs @ weights[:-1] + weights[-1]


def _soft(values: np.ndarray) -> np.ndarray:
    """x / (1 + exp(-x)), the network's activation."""
    return values / (1 + np.exp(-values))


_NONE = np.zeros(0, np.float32)
UNLEARNED = Start(usual=_NONE, heard=_NONE, first=_NONE, second=_NONE, third=_NONE, answer=_NONE, strength=_NONE, noise=_NONE)
"Before anything was learned."
