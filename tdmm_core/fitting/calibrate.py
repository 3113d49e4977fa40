"""Self-calibration: which point of a face model lies under each landmark, how the network errs, and what its findings mean at once.

Learned from pictures of the model itself, so any face model that can be drawn can be calibrated without outside data.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.fitting.landmark_model import Pose, landmark_model, place, points_under, project, to_pixels
from tdmm_core.fitting.landmarks import IRIS_CENTRES, NUM_LANDMARKS
from tdmm_core.fitting.pictures import PICTURE_PX, Scenes
from tdmm_core.fitting.start import UNLEARNED, Start
from tdmm_core.morphable.model import MorphableModel

_FIRST_IRIS = 468
_ENOUGH = 4000
"Pictures that tell which point lies under a landmark."
_USUAL = {"miss": 0.02, "offset": 5e-3, "rotation": 5e-3, "expression": 1e-3, "shape": 2e-4}
"Standard deviations believed beforehand: what stays unexplained (share of the eyes' distance) and the network's habits (metres)."
_FEATURES = ((0, 1, 2), (0, 1), (1, 2), (0, 2), (0,), (1,), (2,))
"A triangle's inside, edges and corners."
_CENTRE = np.array([PICTURE_PX / 2, PICTURE_PX / 2])


def calibrate(model: MorphableModel, scenes: Scenes) -> Calibration:
    """Learn a calibration from pictures of the model."""
    triangles, barycentric = surface_points(model, scenes[:: max(1, len(scenes) // _ENOUGH)])
    units, shapes = model.num_expression, model.num_shape
    draft = Calibration(
        face_model_digest=model.digest,
        triangles=triangles,
        barycentric=barycentric,
        **_habits(np.zeros((NUM_LANDMARKS, 3, 4 + units + shapes)), units),
        noise=np.ones(NUM_LANDMARKS, np.float32),
        start=UNLEARNED,
    )
    habits, noise = network_habits(model, draft, scenes)
    return replace(draft, noise=noise, start=start_of(model, draft, scenes), **_habits(habits, units))


def start_of(model: MorphableModel, draft: Calibration, scenes: Scenes) -> Start:
    """The learned start, from pictures and the points under their landmarks."""
    # Torch is heavy, and whoever only fits needs none.
    from tdmm_core.fitting.start_lessons import lessons_of, mirror_of
    from tdmm_core.fitting.start_training import learn_start

    face = points_under(model, draft)
    moved = model.expression_basis[:, model.masks["face"]].reshape(model.num_expression, -1).astype(np.float64) * 1000
    return learn_start(lessons_of(face, scenes), 3 * moved @ moved.T / moved.shape[1], mirror=mirror_of(face, model.expression_names))


def _habits(columns: np.ndarray, units: int) -> dict[str, np.ndarray]:
    """The four parts of (L, 3, 4 + E + S) learned columns."""
    offset, turn, expression, shape = np.split(columns.astype(np.float16), [1, 4, 4 + units], axis=2)
    return {"offset": offset[..., 0], "by_rotation": turn, "by_expression": expression, "by_shape": shape}


def eye_distance(points_px: np.ndarray) -> np.ndarray:
    """(T,) pixels between the irises of (T, 478, 2) landmarks."""
    return np.linalg.norm(points_px[:, IRIS_CENTRES[0]] - points_px[:, IRIS_CENTRES[1]], axis=-1)


def surface_points(model: MorphableModel, scenes: Scenes) -> tuple[np.ndarray, np.ndarray]:
    """Triangle (L,) int32 and barycentric weights (L, 3) float32 of the surface point that best follows each landmark over all pictures.

    With x_v a vertex in the pictures and l the landmark, sum |x_v - l|^2 = x_v.x_v - 2 x_v.l + l.l: two matrix products find the best vertex,
    and in each triangle around it the best point solves a 3 x 3 system.
    """
    vertices, landmarks = _stacked(model, scenes)
    product = vertices @ landmarks.T  # (V, L)
    cost = (vertices**2).sum(1)[:, None] - 2 * product + (landmarks**2).sum(1)
    eyes, face = _vertices_of(model, ("iris", "sclera")), _vertices_of(model, ("skin", "lips", "brows"))
    triangles, barycentric = np.zeros(NUM_LANDMARKS, np.int32), np.zeros((NUM_LANDMARKS, 3), np.float32)
    for i in range(NUM_LANDMARKS):
        allowed = eyes if i >= _FIRST_IRIS else face
        best = np.where(allowed, cost[:, i], np.inf).argsort()[:2]
        around = np.flatnonzero(np.isin(model.triangles, best).any(1) & allowed[model.triangles].all(1))
        options = [_best_in_triangle(vertices[model.triangles[t]], landmarks[i]) for t in around]
        winner = int(np.argmin([error for error, _ in options]))
        triangles[i], barycentric[i] = around[winner], options[winner][1]
    return triangles, barycentric


def _best_in_triangle(corners: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Least squared distance (less a constant) and weights of a point within a triangle, (3, M) corners over all pictures, to (M,)."""
    products, toward = (corners @ corners.T).astype(np.float64), (corners @ target).astype(np.float64)
    best: tuple[float, np.ndarray] = (np.inf, np.zeros(3))
    for kept in _FEATURES:
        weights = np.zeros(3)
        weights[list(kept)] = _on_feature(products, toward, list(kept))
        error = float(weights @ products @ weights - 2 * weights @ toward)
        if (weights >= 0).all() and error < best[0]:
            best = (error, weights)
    return best


def _on_feature(products: np.ndarray, toward: np.ndarray, kept: list[int]) -> np.ndarray:
    """Weights, adding up to 1, of the nearest point in the span of the kept corners, from their products with each other and the target."""
    if len(kept) == 1:
        return np.ones(1)
    last, others = kept[-1], kept[:-1]
    crossed = products[np.ix_(others, others)] - products[others, last][:, None] - products[last, others] + products[last, last]
    inner = np.linalg.lstsq(crossed, toward[others] - toward[last] - products[others, last] + products[last, last], rcond=1e-12)[0]
    return np.append(inner, 1 - inner.sum())


def _stacked(model: MorphableModel, scenes: Scenes) -> tuple[np.ndarray, np.ndarray]:
    """(V, 2 N) vertices and (L, 2 N) landmarks in all pictures, in eye distances from the picture's centre."""
    scale = 1 / eye_distance(scenes.points_px)
    vertices = np.empty((len(scenes), model.num_vertices, 2), np.float32)
    for i in range(len(scenes)):
        shaped = np.tensordot(scenes.expression[i], model.expression_basis, 1) + np.tensordot(scenes.shape[i], model.shape_basis, 1)
        pose = Pose(rotation=scenes.rotation[i : i + 1].astype(np.float64), transl=scenes.transl[i : i + 1].astype(np.float64))
        world = place((model.template + shaped - model.pivot)[None], pose, model.pivot)
        vertices[i] = (to_pixels(world, float(scenes.focal_px[i]), _CENTRE)[0] - _CENTRE) * scale[i]
    landmarks = (scenes.points_px - _CENTRE) * scale[:, None, None]
    flat = [np.ascontiguousarray(a.transpose(1, 0, 2)).reshape(a.shape[1], -1).astype(np.float32) for a in (vertices, landmarks)]
    return flat[0], flat[1]


def _vertices_of(model: MorphableModel, regions: tuple[str, ...]) -> np.ndarray:
    """(V,) bool: vertices of triangles in any of the regions."""
    inside = np.isin(model.triangle_region, [i for i, n in enumerate(model.region_names) if n in regions])
    result = np.zeros(model.num_vertices, bool)
    result[model.triangles[inside]] = True
    return result


def network_habits(model: MorphableModel, draft: Calibration, scenes: Scenes) -> tuple[np.ndarray, np.ndarray]:
    """How landmarks differ from their points, and by how much they still do afterwards.

    Returns (L, 3, 4 + E + S) metres (constant, by rotation, by expression, by shape) from a ridge regression of each landmark, and the
    root mean square of what it leaves (L,) float32 as a share of the distance between the eyes.
    """
    missing, by_point = _misses(model, draft, scenes)
    features = np.concatenate([np.ones((len(scenes), 1)), scenes.rotation, scenes.expression, scenes.shape], axis=1)  # (N, 4 + E + S)
    usual = np.repeat((_USUAL["offset"], *(_USUAL[k] for k in ("rotation", "expression", "shape"))), (1, 3, model.num_expression, model.num_shape))
    pull = np.diag(np.tile(_USUAL["miss"] / usual, 3) ** 2)
    columns, noise = np.zeros((NUM_LANDMARKS, 3, features.shape[1])), np.zeros(NUM_LANDMARKS, np.float32)
    for i in range(NUM_LANDMARKS):
        left, right = _normal_equations(by_point[:, i], missing[:, i], features)
        columns[i] = np.linalg.solve(left + pull, right).reshape(3, -1)
        # (N, 2, 3) (N, 3) -> (N, 2)
        explained = np.einsum("nux,nx->nu", by_point[:, i], features @ columns[i].T)
        noise[i] = np.sqrt(((missing[:, i] - explained) ** 2).sum() / len(scenes))
    return columns, noise


def _normal_equations(by_point: np.ndarray, missing: np.ndarray, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Left side (3 D, 3 D) and right side (3 D,) for one landmark: (N, 2, 3) derivatives, (N, 2) misses, (N, D) features.

    The matrix that maps columns to misses is a Kronecker product in every picture, so its square is made of six D x D blocks.
    """
    squares, num = np.einsum("nux,nuy->nxy", by_point, by_point), features.shape[1]
    left = np.empty((3, num, 3, num))
    for x in range(3):
        for y in range(x + 1):
            left[x, :, y] = (features * squares[:, x, y, None]).T @ features
            left[y, :, x] = left[x, :, y]
    right = np.einsum("nux,nu->xn", by_point, missing) @ features
    return left.reshape(3 * num, 3 * num), right.ravel()


def _misses(model: MorphableModel, draft: Calibration, scenes: Scenes) -> tuple[np.ndarray, np.ndarray]:
    """(N, L, 2) landmark less point and (N, L, 2, 3) how the point moves, both as shares of the distance between the eyes."""
    lm = landmark_model(model, draft)
    missing, by_point = np.empty((len(scenes), NUM_LANDMARKS, 2)), np.empty((len(scenes), NUM_LANDMARKS, 2, 3))
    for i, eyes in enumerate(eye_distance(scenes.points_px)):
        pose = Pose(rotation=scenes.rotation[i : i + 1].astype(np.float64), transl=scenes.transl[i : i + 1].astype(np.float64))
        points = lm.points(scenes.expression[i : i + 1], scenes.shape[i].astype(np.float64), pose.rotation)
        now = project(points, pose, lm.pivot, focal_px=float(scenes.focal_px[i]), centre_px=_CENTRE)
        missing[i], by_point[i] = (scenes.points_px[i] - now.points_px[0]) / eyes, now.by_point[0] / eyes
    return missing, by_point
