"""FLAME from the arrays of the user's own file: the layout of its keys and columns, and which edition a file is.

Owns the facts about FLAME's files; how a file is opened is not known here. Identity is columns 0 to 299 of `shapedirs`, expression is columns 300
to 399.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.morphable.articulation import NUM_JOINTS, Articulation
from tdmm_core.morphable.flame_parts import flame_parts
from tdmm_core.morphable.model import MorphableModel, geometry_digest

NUM_SHAPE, NUM_EXPRESSION = 300, 100
EDITIONS = ("flame-2020", "flame-2023", "flame-2023-open")
_PUBLISHED = {
    "efcd14cc4a69f3a3d9af8ded80146b5b6b50df3bd74cf69108213b144eba725b": "flame-2020",
    "8fb1af0db1abb51053ead8fd1f2624a63d01c9602f4a4fb4ea23bd2c82017fa0": "flame-2023",
    "e75a0990728ba038c7da2a420ae4396f7ddd7781366c13026066c5b24f127623": "flame-2023-open",
}
"SHA-256 of generic_model.pkl, flame2023.pkl and flame2023_Open.pkl as they are published."
_PARENTS = (-1, 0, 1, 1, 1)
_KEYS = ("v_template", "f", "shapedirs", "posedirs", "weights", "J_regressor", "kintree_table")


def edition_of(file_sha256: str, arrays: Mapping[str, object]) -> str | None:
    """The edition of a file: known by its bytes, else what it says of itself under the key `edition`; None where neither tells."""
    said = str(arrays.get("edition", ""))
    return _PUBLISHED.get(file_sha256) or (said if said in EDITIONS else None)


def flame_model(arrays: Mapping[str, object], *, name: str, eyelids: np.ndarray | None = None) -> MorphableModel:
    """The face model that a FLAME file's arrays make; `name` is its edition, `eyelids` (2, V, 3) metres at full closure, left then right.

    The digest is of the file's own geometry: the eyelid basis and the masks, which are measured from the geometry, are no part of it.
    Raises InputError that names a key that is missing or of another shape than FLAME's.
    """
    parts = _checked(arrays)
    basis = np.moveaxis(parts["shapedirs"], 2, 0)  # (400, V, 3)
    shape, expression = basis[:NUM_SHAPE], basis[NUM_SHAPE : NUM_SHAPE + NUM_EXPRESSION]
    regressor = parts["J_regressor"]
    stored = {
        "template": parts["v_template"],
        "triangles": parts["f"],
        "shape_basis": shape,
        "expression_basis": expression,
        "pose_directions": np.moveaxis(parts["posedirs"], 2, 0),
        "skin_weights": parts["weights"],
        "joint_regressor": regressor,
    }
    stored = {key: _frozen(value, np.int32 if key == "triangles" else np.float32) for key, value in stored.items()}
    names = tuple(f"expression{i + 1}" for i in range(NUM_EXPRESSION))
    articulation = Articulation(
        parents=_PARENTS,
        joints=regressor @ parts["v_template"],
        joints_by_shape=np.einsum("jv,svx->sjx", regressor, shape, optimize=True),
        joints_by_expression=np.einsum("jv,evx->ejx", regressor, expression, optimize=True),
        skin_weights=stored["skin_weights"],
        pose_directions=stored["pose_directions"],
        eyelids=None if eyelids is None else _lids(eyelids, len(stored["template"])),
    )
    linear = {key: stored[key] for key in ("template", "triangles", "shape_basis", "expression_basis")}
    return MorphableModel(
        name=name,
        digest=geometry_digest(stored, names),
        expression_names=names,
        pivot=_frozen(articulation.joints[0], np.float32),
        articulation=articulation,
        **linear,
        **flame_parts(articulation=articulation, **{k: linear[k] for k in ("template", "triangles", "expression_basis")}),
    )


def _checked(arrays: Mapping[str, object]) -> dict[str, np.ndarray]:
    """The needed arrays as float64, triangles as they are. Raises InputError for the first that is not FLAME's."""
    lacking = [key for key in _KEYS if key not in arrays]
    if lacking:
        raise InputError(f"FLAME: lacks {', '.join(lacking)}; expected the model file from flame.is.tue.mpg.de, has {', '.join(sorted(arrays)[:8])}")
    template = _numbers("v_template", arrays, (None, 3))
    count = len(template)
    directions = _numbers("shapedirs", arrays, (count, 3, None))
    if directions.shape[2] < NUM_SHAPE + NUM_EXPRESSION:
        got = directions.shape[2]
        raise InputError(f"FLAME: expected 400 columns in shapedirs (300 of identity, 100 of expression), got {got}; give the whole file")
    table = _numbers("kintree_table", arrays, (2, NUM_JOINTS)).astype(np.int64)
    if tuple(table[0, 1:]) != _PARENTS[1:]:
        raise InputError(f"FLAME: expected joints root, neck, jaw and two eyes in kintree_table, got parents {table[0].tolist()}")
    triangles = _numbers("f", arrays, (None, 3))
    if triangles.min(initial=0) < 0 or triangles.max(initial=0) >= count:
        raise InputError(f"FLAME: expected triangles of vertices 0 to {count - 1} in f, got up to {int(triangles.max())}")
    return {
        "v_template": template,
        "shapedirs": directions,
        "posedirs": _numbers("posedirs", arrays, (count, 3, 9 * (NUM_JOINTS - 1))),
        "weights": _numbers("weights", arrays, (count, NUM_JOINTS)),
        "J_regressor": _numbers("J_regressor", arrays, (NUM_JOINTS, count)),
        "f": triangles,
    }


def _numbers(key: str, arrays: Mapping[str, object], shape: tuple[int | None, ...]) -> np.ndarray:
    from scipy import sparse

    value = arrays[key]
    got = getattr(value, "shape", ())
    fits = len(got) == len(shape) and all(n is None or n == m for n, m in zip(shape, got, strict=True))
    if not fits or not (sparse.issparse(value) or (isinstance(value, np.ndarray) and value.dtype.kind in "biuf")):
        wanted = tuple("any" if n is None else n for n in shape)
        raise InputError(f"FLAME: expected numbers of shape {wanted} under {key}, got {got or type(value).__name__}")
    dense = np.asarray(value.toarray() if sparse.issparse(value) else value, np.float64)
    if not np.isfinite(dense).all():
        raise InputError(f"FLAME: expected finite numbers under {key}, got NaN or infinity; the file is damaged")
    return dense


def _lids(eyelids: np.ndarray, count: int) -> np.ndarray:
    lids = np.asarray(eyelids)
    if lids.shape != (2, count, 3) or not np.isfinite(lids).all():
        raise InputError(f"eyelids: expected offsets of shape (2, {count}, 3), left then right, got {lids.shape}")
    return _frozen(lids, np.float32)


def _frozen(array: np.ndarray, kind: type) -> np.ndarray:
    array = np.ascontiguousarray(array, kind)
    array.setflags(write=False)
    return array
