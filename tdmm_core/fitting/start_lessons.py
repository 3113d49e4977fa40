"""Lessons for the start: drawn people, their mirror images, and people whom nobody drew, made of those who were.

What another shape does to a person's looks is linear enough to be learned apart, so that every lesson can be given with another shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tdmm_core.fitting.landmarks import SCORE_NAMES
from tdmm_core.fitting.looks import line_of_sight, look
from tdmm_core.fitting.pictures import PICTURE_PX, Scenes
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from tdmm_core.performance.units import mirrored

_SHAPE_PULL = 20.0
_FEWEST = 5
"Pictures of a clip that a lesson shows at least."
_OTHER_SHAPE = 0.7
"Share of lessons with another shape than was drawn."
_NOISE = 0.05
"Of the heard directions."


@dataclass(frozen=True, kw_only=True, eq=False)
class Lessons:
    """T pictures of each of P people."""

    features: np.ndarray
    "(P, T, F) looks."
    answers: np.ndarray
    "(P, T, E + 4) expression, rotation beyond the network's own, distance's logarithm."
    shape: np.ndarray
    "(P, S)"

    def __getitem__(self, people: np.ndarray | slice) -> Lessons:
        return Lessons(**{name: value[people] for name, value in vars(self).items()})


def lessons_of(face: np.ndarray, scenes: Scenes) -> Lessons:
    """Lessons from drawn pictures, given the points (L, 3) under the landmarks of the usual face. Who was often not found is left out."""
    looks = look(face, scenes.points_px, scenes.scores, scenes.network_rotations, (PICTURE_PX, PICTURE_PX))
    sight = line_of_sight(looks.centre_px / scenes.focal_px[:, None])
    true = sight.transpose(0, 2, 1) @ axis_angle_to_matrix(scenes.rotation.astype(np.float64))
    beyond = matrix_to_axis_angle(looks.turned.transpose(0, 2, 1) @ true)
    answers = np.concatenate([scenes.expression, beyond, np.log(scenes.focal_px / looks.scale)[:, None]], axis=1)
    whose = [np.flatnonzero(scenes.person == person) for person in np.unique(scenes.person)]
    most = max(map(len, whose))
    rows = np.stack([np.resize(mine, most) for mine in whose if 2 * len(mine) > most])
    return Lessons(features=looks.features[rows].astype(np.float32), answers=answers[rows].astype(np.float32), shape=scenes.shape[rows[:, 0]])


@dataclass(frozen=True, kw_only=True, eq=False)
class Mirror:
    """Which landmark, score and unit is which in a mirror."""

    landmarks: np.ndarray
    "(L,)"
    scores: np.ndarray
    "(52,)"
    units: np.ndarray
    "(E,)"

    def of(self, lessons: Lessons) -> Lessons:
        """The same people in a mirror. Their shapes stay as they are numbered: what a shape does is learned for each side of the mirror apart."""
        landmarks = 2 * len(self.landmarks)
        flat = lessons.features[..., :landmarks].reshape(*lessons.features.shape[:2], -1, 2)[:, :, self.landmarks] * np.array([-1, 1])
        turn = np.array([1, -1, -1])
        scores, turned = lessons.features[..., landmarks:-3][..., self.scores], lessons.features[..., -3:] * turn
        units = len(self.units)
        acted, beyond = lessons.answers[..., :units][..., self.units], lessons.answers[..., units:-1] * turn
        return Lessons(
            features=np.concatenate([flat.reshape(*flat.shape[:2], -1), scores, turned], -1),
            answers=np.concatenate([acted, beyond, lessons.answers[..., -1:]], -1),
            shape=lessons.shape,
        )


def mirror_of(face: np.ndarray, expression_names: Sequence[str]) -> Mirror:
    """The mirror of (L, 3) landmarks of a usual face, by the best pairing of each with another's mirror image."""
    from scipy.optimize import linear_sum_assignment

    away = np.linalg.norm((face * np.array([-1, 1, 1]))[:, None] - face, axis=-1)
    return Mirror(
        landmarks=linear_sum_assignment(away)[1],
        scores=np.array([SCORE_NAMES.index(mirrored(n)) for n in SCORE_NAMES]),
        units=np.array([list(expression_names).index(mirrored(n)) for n in expression_names]),
    )


class Side:
    """People on one side of the mirror: what is heard of them, what is true of them, and what another shape would change."""

    def __init__(self, lessons: Lessons, *, usual: np.ndarray, heard: np.ndarray, units: np.ndarray) -> None:
        self.seen = torch.tensor((lessons.features - usual) @ heard, dtype=torch.float32)
        self.true = torch.tensor(lessons.answers / units, dtype=torch.float32)
        self.shape = torch.tensor(lessons.shape, dtype=torch.float32)
        known = torch.cat([self.shape, torch.ones(len(self.shape), 1)], 1)
        told = torch.cat([self.seen.mean(1), self.true[..., -4:].mean(1)], 1)
        self.by_shape = ridge(known, told, _SHAPE_PULL)[:-1]  # (S, D + 4)

    def lesson(self, people: Tensor) -> tuple[Tensor, Tensor]:
        """Some pictures of some people, most of them with another shape: what is heard and what is true."""
        seen, true = self.seen[people], self.true[people].clone()
        pictures = torch.randperm(seen.shape[1])[: int(torch.randint(min(_FEWEST, seen.shape[1]), seen.shape[1] + 1, (1,)))]
        shape = self.shape[people]
        other = (torch.randn_like(shape).clamp(-2.2, 2.2) - shape) * (torch.rand(len(people), 1) < _OTHER_SHAPE)
        change = (other @ self.by_shape)[:, None]
        seen = seen[:, pictures] + change[..., :-4]
        true = true[:, pictures]
        true[..., -4:] += change[..., -4:]
        return seen + _NOISE * torch.randn_like(seen), true


def ridge(inputs: Tensor, outputs: Tensor, pull: float) -> Tensor:
    """Gains (D, A) that bring (N, D) nearest to (N, A), drawn to nothing."""
    x, y = inputs.double(), outputs.double()
    return torch.linalg.solve(x.T @ x + pull * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y).float()
