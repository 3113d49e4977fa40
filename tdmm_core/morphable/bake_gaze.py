"""Gives the look units the reach of living eyes: the source turns the eyes by 10 degrees up, 15 down and 20 to the sides.

Owns how far the lids follow a look unit; knows nothing of the lids' closing.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.morphable.bake_mesh import Layout
from tdmm_core.morphable.gaze import REACH_DEG
from tdmm_core.morphable.rotations import axis_angle_to_matrix

LID_SHARE = {"Up": 1.5, "Down": 1.25, "In": 1.0, "Out": 1.0}
"How much further than in the source the skin around the eye moves."


def turned_eyes(layout: Layout, unit: np.ndarray, direction: str, side: str) -> np.ndarray:
    """(V, 3): a look unit (`direction` Up, Down, In or Out; `side` L or R) whose eyeball is turned about its centre by REACH_DEG."""
    ids = layout.parts[f"eye.{side}"]
    angle = np.radians(REACH_DEG[direction])
    toward_left = (direction == "Out") == (side == "L")
    axis_angle = {"Up": [-angle, 0, 0], "Down": [angle, 0, 0]}.get(direction, [0, angle if toward_left else -angle, 0])
    offset = layout.vertices[ids] - eye_centre(layout, side)[0]
    out = unit * LID_SHARE[direction]
    out[ids] = offset @ (axis_angle_to_matrix(np.array(axis_angle, float)) - np.eye(3)).T
    return out


def eye_centre(layout: Layout, side: str) -> tuple[np.ndarray, float]:
    """Centre (3,) and radius of an eyeball, its cornea left out, metres."""
    ids = layout.parts[f"eye.{side}"]
    back = ids[layout.eye_direction[ids, 2] < 0.8]
    points = layout.vertices[back]
    # |p - c|^2 = r^2  is linear in c and r^2 - |c|^2
    a = np.concatenate([2 * points, np.ones((len(points), 1))], axis=1)
    solution = np.linalg.lstsq(a, (points**2).sum(axis=1), rcond=None)[0]
    return solution[:3], float(np.sqrt(solution[3] + solution[:3] @ solution[:3]))
