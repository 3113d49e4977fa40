"""A learned start: from a clip's landmarks and scores straight to expression, head rotation and distance, by two linear maps.

What a clip shows on average tells of the person, the lens and the resting face (`steady`); how a picture differs from that average tells of what the
face does (`moving`). Calibration learns both from drawn faces, `learn_start` here; the solver takes the answer as what to expect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.fitting.landmarks import NUM_SCORES
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle

_NETWORK_FOCAL = 0.5 / np.tan(np.radians(63 / 2))
"Focal length over picture height that MediaPipe assumes for its own rotation."
_SCORE_UNIT, _ROTATION_UNIT = 0.5, 1 / 3
"What counts like one standard deviation of a landmark direction: of scores, and of rotations in radians."
_DIRECTIONS, _WHITENING = 200, 0.7
"How many directions of landmarks are heard, and how far small ones are raised to the large ones' size (0 not, 1 wholly)."
_STEADY_PULL, _MOVING_PULL = 15.0, 15.0
"Ridge penalties, in persons and in pictures."


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """T pictures of a face, freed of where it is, how large and how tilted."""

    features: np.ndarray
    "(T, F): 2 L landmark offsets (metres, the head upright), scores, the network's rotation."
    turned: np.ndarray
    "(T, 3, 3) the network's rotation against the line of sight."
    centre_px: np.ndarray
    "(T, 2) middle of the landmarks from the picture's middle, x right and y up."
    scale: np.ndarray
    "(T,) pixels per metre."


def look(face: np.ndarray, points_px: np.ndarray, scores: np.ndarray, rotations: np.ndarray, size_px: tuple[int, int]) -> Looks:
    """Looks at (T, L, 2) landmarks of a face whose points usually are (L, 3) `face`, with (T, 52) scores and the network's (T, 3, 3) rotations."""
    up = np.array([1, -1])
    middle = points_px.mean(1)
    centre = (middle - np.array(size_px) / 2) * up
    turned = line_of_sight(centre / (_NETWORK_FOCAL * size_px[1])).transpose(0, 2, 1) @ rotations
    flat = face @ turned.transpose(0, 2, 1)
    model, seen = _complex(flat[..., :2] - flat[..., :2].mean(1, keepdims=True)), _complex((points_px - middle[:, None]) * up)
    # The turn and scale in the plane that lays the usual face over the seen one best, a complex number.
    fit = (seen * model.conj()).sum(1) / (np.abs(model) ** 2).sum(1)
    tilt = np.arctan2(-turned[:, 0, 1], turned[:, 1, 1])
    away = (seen / fit[:, None] - model) * np.exp(-1j * tilt)[:, None]
    offsets = np.stack([away.real, away.imag], -1).reshape(len(away), -1)
    features = np.concatenate([offsets, scores, matrix_to_axis_angle(turned)], axis=1)
    return Looks(features=features, turned=turned, centre_px=centre, scale=np.abs(fit))


def line_of_sight(aside: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations that turn a head which faces the camera from the picture's middle to (T, 2) focal lengths right and up of it."""
    ray = np.concatenate([aside, -np.ones((len(aside), 1))], axis=1)
    ray /= np.linalg.norm(ray, axis=1, keepdims=True)
    axis = np.stack([ray[:, 1], -ray[:, 0], np.zeros(len(ray))], 1)  # (0, 0, -1) x ray
    length = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(length, -ray[:, 2:])
    return axis_angle_to_matrix(axis * np.where(length > 1e-9, angle / np.maximum(length, 1e-9), 0))


def _complex(plane: np.ndarray) -> np.ndarray:
    return plane[..., 0] + 1j * plane[..., 1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """What was learned; answers are E of expression, 3 of rotation beyond the network's own (axis-angle), 1 of the distance's logarithm."""

    usual: np.ndarray
    "(F,) features of the usual clip."
    answer: np.ndarray
    "(E + 4,) the usual clip's answer."
    steady: np.ndarray
    "(F, E + 4) by how a clip's average differs from the usual one."
    moving: np.ndarray
    "(F, E + 3) by how a picture differs from its clip's average."
    steady_noise: np.ndarray
    "(E + 4,) standard deviation of what a clip's average leaves open."
    moving_noise: np.ndarray
    "(E + 3,) likewise of pictures about it."

    @property
    def num_expression(self) -> int:
        return len(self.answer) - 4

    def average(self, features: np.ndarray) -> np.ndarray:
        """(E + 4,) the answer for a clip on average, from (F,) features on average."""
        return self.answer + (features - self.usual) @ self.steady

    def expression(self, features: np.ndarray, average: np.ndarray) -> np.ndarray:
        """(T, E), 0 to 1, of pictures (T, F) of a clip whose features are (F,) on average."""
        units = self.num_expression
        return np.clip(self.average(average)[:units] + (features - average) @ self.moving[:, :units], 0, 1)

    def rotation(self, looks: Looks, average: np.ndarray, focal_px: float) -> np.ndarray:
        """(T, 3, 3) head rotations for a focal length."""
        units = self.num_expression
        beyond = self.average(average)[units : units + 3] + (looks.features - average) @ self.moving[:, units:]
        return line_of_sight(looks.centre_px / focal_px) @ looks.turned @ axis_angle_to_matrix(beyond)

    def focal_px(self, looks: Looks, average: np.ndarray) -> float:
        """The focal length at which the face, as large as it is seen, stands as far away as its perspective tells."""
        return float(np.exp(self.average(average)[-1]) * np.median(looks.scale))


_NONE = np.zeros(0, np.float32)
UNLEARNED = Start(usual=_NONE, answer=_NONE, steady=_NONE, moving=_NONE, steady_noise=_NONE, moving_noise=_NONE)
"Before anything was learned."


def learn_start(looks: Looks, person: np.ndarray, expression: np.ndarray, rotation: np.ndarray, focal_px: np.ndarray) -> Start:
    """Learn from N pictures: (N,) whose face each shows, (N, E) expression, (N, 3) head rotation and (N,) focal length."""
    sight = line_of_sight(looks.centre_px / focal_px[:, None])
    true = sight.transpose(0, 2, 1) @ axis_angle_to_matrix(rotation.astype(np.float64))
    beyond = matrix_to_axis_angle(looks.turned.transpose(0, 2, 1) @ true)
    answers = np.concatenate([expression, beyond, np.log(focal_px / looks.scale)[:, None]], axis=1)
    whose = np.unique(person, return_inverse=True)[1]
    clips, clip_answers = _averages(looks.features, whose), _averages(answers, whose)
    usual, answer = clips.mean(0), clip_answers.mean(0)
    heard = _directions(clips - usual)  # (F, D)
    steady, steady_noise = _ridge((clips - usual) @ heard, clip_answers - answer, _STEADY_PULL)
    about, moves = looks.features - clips[whose], (answers - clip_answers[whose])[:, :-1]
    moving, moving_noise = _ridge(about @ heard, moves, _MOVING_PULL)
    vectors = {"usual": usual, "answer": answer, "steady_noise": steady_noise, "moving_noise": moving_noise}
    gains = {"steady": heard @ steady, "moving": heard @ moving}
    return Start(**{k: v.astype(np.float32) for k, v in vectors.items()}, **{k: v.astype(np.float16) for k, v in gains.items()})


def _averages(rows: np.ndarray, whose: np.ndarray) -> np.ndarray:
    """(P, D) mean of the (N, D) rows of each person."""
    sums = np.zeros((whose.max() + 1, rows.shape[1]))
    np.add.at(sums, whose, rows)
    return sums / np.bincount(whose)[:, None]


def _directions(clips: np.ndarray) -> np.ndarray:
    """(F, D): the landmarks' principal directions over (P, F) clips, small ones raised, then scores and rotation as they are."""
    landmarks = clips.shape[1] - NUM_SCORES - 3
    _, sizes, rows = np.linalg.svd(clips[:, :landmarks], full_matrices=False)
    count = min(_DIRECTIONS, int((sizes > 1e-6 * sizes[0]).sum()))
    spread = sizes[:count] / np.sqrt(len(clips))
    heard = np.zeros((clips.shape[1], count + NUM_SCORES + 3))
    heard[:landmarks, :count] = rows[:count].T / (spread**_WHITENING * spread[0] ** (1 - _WHITENING)) * 0.5
    heard[landmarks:-3, count:-3] = np.eye(NUM_SCORES) / _SCORE_UNIT
    heard[-3:, -3:] = np.eye(3) / _ROTATION_UNIT
    return heard


def _ridge(inputs: np.ndarray, outputs: np.ndarray, pull: float) -> tuple[np.ndarray, np.ndarray]:
    """Gains (D, A), and the root mean square (A,) that they leave of outputs which they were not learned from: two halves judge each other."""

    def solved(some: slice) -> np.ndarray:
        x = inputs[some]
        return np.linalg.solve(x.T @ x + pull * np.eye(x.shape[1]), x.T @ outputs[some])

    half = len(inputs) // 2
    first, second = slice(half), slice(half, None)
    left = np.concatenate([outputs[second] - inputs[second] @ solved(first), outputs[first] - inputs[first] @ solved(second)])
    return solved(slice(None)), np.sqrt((left**2).mean(0))
