"""A triangle mesh, as it is posed and drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.checks import as_array


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """Vertices and triangles in the project's frame: +x the subject's left, +y up, +z out of the face."""

    vertices: np.ndarray
    "(V, 3) float32, metres."
    triangles: np.ndarray
    "(F, 3) int32, counter-clockwise seen from outside."

    def __post_init__(self) -> None:
        object.__setattr__(self, "vertices", as_array("vertices", self.vertices, (None, 3)))
        object.__setattr__(self, "triangles", as_array("triangles", self.triangles, (None, 3), np.int32))
