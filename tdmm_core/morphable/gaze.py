"""Gaze: what the eight look units say in angles. How far a unit turns an eye of the open head is `REACH_DEG`; the bake follows it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tdmm_core.morphable.rotations import axis_angle_to_matrix

REACH_DEG = {"Up": 20.0, "Down": 23.0, "In": 28.0, "Out": 28.0}
"Angle of each look unit at full strength."
LOOK_UNITS = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in ("Down", "In", "Out", "Up"))


def eye_angles(units: Mapping[str, np.ndarray]) -> np.ndarray:
    """(T, 2, 3) radians: pitch (> 0 down), turn to the subject's left and roll of the left and the right eye from (T,) look units by name.

    An eye is Rx(pitch) Ry(turn) Rz(roll), with the roll that keeps it level: tan roll = -tan pitch sin turn.
    """
    reach = {way: np.radians(angle) for way, angle in REACH_DEG.items()}
    eyes = []
    for side, outward in (("Left", 1.0), ("Right", -1.0)):
        up, down, in_, out = (np.asarray(units[f"eyeLook{way}{side}"], np.float64) * reach[way] for way in ("Up", "Down", "In", "Out"))
        pitch, turn = down - up, outward * (out - in_)
        eyes.append(np.stack([pitch, turn, np.arctan(-np.tan(pitch) * np.sin(turn))], axis=1))
    return np.stack(eyes, axis=1)


def look_units(angles: np.ndarray) -> dict[str, np.ndarray]:
    """(T,) look units by name, 0 to 1, from (T, 2, 3) angles as `eye_angles` gives them; roll says nothing."""
    units = {}
    for eye, (side, outward) in enumerate((("Left", 1.0), ("Right", -1.0))):
        pitch, out = np.degrees(angles[:, eye, 0]), np.degrees(angles[:, eye, 1]) * outward
        for way, amount in (("Down", pitch), ("In", -out), ("Out", out), ("Up", -pitch)):
            units[f"eyeLook{way}{side}"] = np.clip(amount / REACH_DEG[way], 0, 1)
    return units


def eye_rotations(angles: np.ndarray) -> np.ndarray:
    """(T, 2, 3, 3) rotations of the eyes in the head from (T, 2, 3) angles as `eye_angles` gives them."""
    zero = np.zeros_like(angles[..., 0])
    pitch, turn, roll = (angles[..., i] for i in range(3))
    about = (np.stack(v, axis=-1) for v in ((pitch, zero, zero), (zero, turn, zero), (zero, zero, roll)))
    first, second, third = (axis_angle_to_matrix(v) for v in about)
    return first @ second @ third


def angles_of(rotations: np.ndarray) -> np.ndarray:
    """(T, 2, 3) angles as `eye_angles` gives them from (T, 2, 3, 3) rotations of the eyes; roll is that of a level eye."""
    gaze = rotations[..., 2]
    pitch, turn = np.arctan2(-gaze[..., 1], gaze[..., 2]), np.arcsin(np.clip(gaze[..., 0], -1, 1))
    return np.stack([pitch, turn, np.arctan(-np.tan(pitch) * np.sin(turn))], axis=-1)
