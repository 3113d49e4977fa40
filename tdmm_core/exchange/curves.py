"""The curves of a motion that are worth showing: its strongest units, both sides as one where they go together, and the head's turns."""

from __future__ import annotations

import re

import numpy as np

from tdmm_core.domain.motion import FaceMotion

MOST_UNITS = 11
LEAST = 0.12
"A unit that never gets stronger is not shown."
LEAST_DEG = 1.5
TOGETHER = 0.05
"Two sides that never differ by more are one curve."
_HEAD = ("head down / up", "head left / right", "head tilt right / left")


def curves_of(motion: FaceMotion) -> list[dict]:
    """Rows of `name`, `low`, `high` and `values` (T), in the order in which they first get going; head turns last, in degrees."""
    rows = [(name, values) for name, values in _units(motion).items() if values.max() >= LEAST]
    rows = sorted(sorted(rows, key=lambda row: -row[1].max())[:MOST_UNITS], key=lambda row: int((row[1] >= 0.3 * row[1].max()).argmax()))
    told = [_row(name, values, 0.0, 1.0) for name, values in rows]
    angles = np.degrees(motion.global_orient)
    reach = max(20.0, float(np.abs(angles).max()))
    return told + [_row(name, a, -reach, reach) for name, a in zip(_HEAD, angles.T, strict=True) if np.abs(a).max() >= LEAST_DEG]


def _units(motion: FaceMotion) -> dict[str, np.ndarray]:
    """(T,) by name; the two sides of a unit under one name where they go together."""
    found = dict(zip(motion.expression_names, motion.expression.T, strict=True))
    for name in [n for n in found if n.endswith("Left")]:
        other = name.removesuffix("Left") + "Right"
        if other in found and np.abs(found[name] - found[other]).max() <= TOGETHER:
            found[name.removesuffix("Left")] = (found.pop(name) + found.pop(other)) / 2
    return found


def _row(name: str, values: np.ndarray, low: float, high: float) -> dict:
    spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower() if " " not in name else name
    return {"name": spelt, "low": round(low, 1), "high": round(high, 1), "values": [round(float(v), 3) for v in values]}
