"""Which part of a FLAME head is what, measured from how it moves: masks for errors and regions for drawing.

FLAME's files name no parts, so they are found: eyeballs are what an eye's joint carries; lips lie along the slit that opens when the jaw turns; lids
lie before an eyeball; the face is the front that expressions and jaw move. Thresholds are sizes of human faces in metres.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.morphable.articulation import JAW, LEFT_EYE, RIGHT_EYE, Articulation, skinned
from tdmm_core.morphable.rotations import axis_angle_to_matrix

REGIONS = ("skin", "lips", "sclera", "iris")
_JAW_RAD = 0.3
"A wide open mouth."
_TOUCH_M, _APART_M = 0.006, 0.012
"Lips touch when the mouth is closed, and are this far apart when it is wide open."
_LIP_M = 0.010
"From the slit to the lips' rim."
_INSIDE_M = 0.03
"The mouth's hole is no farther than this from the middle of the lips."
_LID_M = 0.005
"Lids lie this near to the eyeball."
_MOVES_M = 0.001
"The least usual motion (standard deviation) of what counts as face."
_FRONT_M = 0.06
"How far behind the eyes' centres the face begins."
_IRIS_DEG = 24.0


def flame_parts(*, template: np.ndarray, triangles: np.ndarray, expression_basis: np.ndarray, articulation: Articulation) -> dict[str, object]:
    """`masks`, `triangle_region`, `region_names` and `appearance` of a MorphableModel with these arrays."""
    vertices = template.astype(np.float64)
    centres = articulation.joints[[LEFT_EYE, RIGHT_EYE]]
    eye = articulation.skin_weights[:, [LEFT_EYE, RIGHT_EYE]] > 0.5  # (V, 2)
    skin = ~eye.any(axis=1)
    lips = skin & _near_slit(vertices, articulation)
    front = vertices[:, 2] > centres[:, 2].mean() - _FRONT_M
    usual = np.sqrt((expression_basis.astype(np.float64) ** 2).sum(axis=(0, 2)))
    opened = np.linalg.norm(_with_jaw(vertices, articulation, _JAW_RAD / 2) - vertices, axis=1)
    face = skin & front & (np.maximum(usual, opened) >= _MOVES_M) & (vertices[:, 1] > _chin(vertices, lips, centres))
    direction = _eye_direction(vertices, eye, centres)
    masks = {"face": face | lips, "lips": lips, "lids": skin & _before_eye(vertices, eye, centres)}
    return {
        "masks": {name: _frozen(mask) for name, mask in masks.items()},
        "triangle_region": _frozen(_regions(triangles, lips, eye.any(axis=1), direction)),
        "region_names": REGIONS,
        "appearance": {
            "eye_direction": _frozen(direction.astype(np.float32)),
            "iris_deg": np.array(_IRIS_DEG),
            "mouth_backing": _frozen(_mouth_backing(vertices, triangles, lips)),
        },
    }


def _with_jaw(vertices: np.ndarray, articulation: Articulation, angle: float) -> np.ndarray:
    turns = np.zeros((1, len(articulation.parents), 3))
    turns[0, JAW, 0] = angle
    return skinned(articulation, vertices[None], articulation.joints[None], axis_angle_to_matrix(turns))[0]


def _near_slit(vertices: np.ndarray, articulation: Articulation) -> np.ndarray:
    """(V,) bool: within a lip's height of where neighbours in space part when the jaw opens."""
    from scipy.spatial import cKDTree

    opened = _with_jaw(vertices, articulation, _JAW_RAD)
    jaw = articulation.skin_weights[:, JAW] > 0.5
    upper, lower = np.flatnonzero(~jaw), np.flatnonzero(jaw)
    if len(upper) == 0 or len(lower) == 0:
        return np.zeros(len(vertices), bool)
    away, nearest = cKDTree(vertices[upper]).query(vertices[lower])
    partner = upper[nearest]
    parted = np.linalg.norm(opened[lower] - opened[partner], axis=1) - away
    slit = (away < _TOUCH_M) & (parted > _APART_M)
    if not slit.any():
        return np.zeros(len(vertices), bool)
    ends = np.concatenate([vertices[lower[slit]], vertices[partner[slit]]])
    return cKDTree(ends).query(vertices)[0] < _LIP_M


def _mouth_backing(vertices: np.ndarray, triangles: np.ndarray, lips: np.ndarray) -> np.ndarray:
    """(n, 3) int32: triangles that close the mouth's hole, zipped from its upper to its lower half; none where there is no hole.

    FLAME has nothing behind the lips; a drawing that showed what lies behind the head through an open mouth would be no face.
    """
    if not lips.any():
        return np.zeros((0, 3), np.int32)
    mouth = vertices[lips].mean(axis=0)
    loops = [loop for loop in _holes(triangles) if np.linalg.norm(vertices[loop].mean(axis=0) - mouth) < _INSIDE_M]
    if not loops:
        return np.zeros((0, 3), np.int32)
    loop = np.array(max(loops, key=len))
    loop = np.roll(loop, -int(vertices[loop, 0].argmin()))
    far = int(vertices[loop, 0].argmax())
    one, other = loop[: far + 1], np.concatenate([loop[:1], loop[far:][::-1]])
    made, i, j = [], 0, 0
    while i < len(one) - 1 or j < len(other) - 1:
        if j == len(other) - 1 or (i < len(one) - 1 and vertices[one[i + 1], 0] <= vertices[other[j + 1], 0]):
            made.append((one[i], one[i + 1], other[j]))
            i += 1
        else:
            made.append((one[i], other[j + 1], other[j]))
            j += 1
    return np.array([t for t in made if len(set(t)) == 3], np.int32)


def _holes(triangles: np.ndarray) -> list[list[int]]:
    """Borders of the surface as loops of vertices, in the order in which a triangle that closed them would run."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).tolist()
    inner = {(a, b) for a, b in edges}
    after = {b: a for a, b in edges if (b, a) not in inner}
    loops = []
    while after:
        loop = [next(iter(after))]
        while (following := after.pop(loop[-1], None)) is not None and following != loop[0]:
            loop.append(following)
        loops.append(loop)
    return loops


def _chin(vertices: np.ndarray, lips: np.ndarray, centres: np.ndarray) -> float:
    """Height under which it is neck: as far below the mouth as the mouth is below the eyes."""
    if not lips.any():
        return -np.inf
    mouth = vertices[lips, 1].mean()
    return mouth - (centres[:, 1].mean() - mouth)


def _before_eye(vertices: np.ndarray, eye: np.ndarray, centres: np.ndarray) -> np.ndarray:
    near = np.zeros(len(vertices), bool)
    for side, centre in enumerate(centres):
        if eye[:, side].any():
            away = np.linalg.norm(vertices - centre, axis=1)
            near |= (away < np.median(away[eye[:, side]]) + _LID_M) & (vertices[:, 2] > centre[2])
    return near


def _eye_direction(vertices: np.ndarray, eye: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(V, 3) unit vectors from an eyeball's centre; zero elsewhere."""
    direction = np.zeros_like(vertices)
    for side, centre in enumerate(centres):
        out = vertices[eye[:, side]] - centre
        direction[eye[:, side]] = out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    return direction


def _regions(triangles: np.ndarray, lips: np.ndarray, eye: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """(F,) uint8 indices into REGIONS."""
    region = np.where(lips[triangles].all(axis=1), REGIONS.index("lips"), REGIONS.index("skin"))
    iris = (direction[triangles][..., 2] > np.cos(np.radians(_IRIS_DEG))).all(axis=1)
    return np.where(eye[triangles].all(axis=1), np.where(iris, REGIONS.index("iris"), REGIONS.index("sclera")), region).astype(np.uint8)


def _frozen(array: np.ndarray) -> np.ndarray:
    array.setflags(write=False)
    return array
