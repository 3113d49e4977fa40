"""The open head: the face model that the package carries. Owns the layout of `data/open_head.npz`; knows nothing of its making."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np

from tdmm_core.errors import MissingPartError
from tdmm_core.morphable.model import MorphableModel, geometry_digest

NAME = "open-head-1"


@cache
def load_open_head() -> MorphableModel:
    """The open head: 52 ARKit units, read once and then shared; its arrays are read-only.

    Raises MissingPartError when the installed package lacks the file.
    """
    resource = files("tdmm_core.morphable") / "data" / "open_head.npz"
    try:
        with resource.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
            stored = {key: data[key] for key in data.files}
    except FileNotFoundError as e:
        raise MissingPartError(f"open head: expected {resource} in the installed package; install tdmm again") from e
    return _assemble(stored)


def _assemble(stored: dict[str, np.ndarray]) -> MorphableModel:
    names = tuple(str(n) for n in stored["expression_names"])
    masks = {key.removeprefix("mask/"): _frozen(value) for key, value in stored.items() if key.startswith("mask/")}
    arrays = {name: _frozen(stored[name]) for name in ("template", "triangles", "pivot")}
    arrays |= {f"{kind}_basis": _frozen(_basis(stored, kind)) for kind in ("expression", "shape")}
    return MorphableModel(
        name=NAME,
        digest=geometry_digest(arrays | {f"mask {name}": mask for name, mask in masks.items()}, names),
        expression_names=names,
        masks=masks,
        triangle_region=_frozen(stored["triangle_region"]),
        region_names=tuple(str(n) for n in stored["region_names"]),
        appearance={key.removeprefix("appearance/"): _frozen(value) for key, value in stored.items() if key.startswith("appearance/")},
        **arrays,
    )


def _basis(stored: dict[str, np.ndarray], kind: str) -> np.ndarray:
    """Steps of int16 times the metres of one step."""
    return stored[f"{kind}_steps"].astype(np.float32) * stored[f"{kind}_step_m"][:, None, None].astype(np.float32)


def _frozen(array: np.ndarray) -> np.ndarray:
    array = np.ascontiguousarray(array)
    array.setflags(write=False)
    return array
