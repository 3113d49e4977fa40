"""Live Link Face CSV: the columns of the iPhone app, written and read. Owns column names, time codes and what each column means.

What the columns mean was found out and is proved by poses of known meaning (tests), since a round trip passes with every sign wrong:

- Units are ARKit's, `Left` and `Right` the subject's own. Files order JawRight before JawLeft and MouthRight before MouthLeft, network packets
  the other way round, so columns go by name; case is ignored, newer apps write `BlendshapeCount`. Values slightly above 1 occur.
- Angles are radians. A rotation is taken apart as SceneKit does it (SCNNode.eulerAngles: first roll, then yaw, then pitch), with yaw counted to the
  subject's right: R = Rx(pitch) Ry(-yaw) Rz(roll) in our frame, which is ARKit's (ARFaceAnchor: x the face's left, y up, z out of the face). So
  pitch > 0 looks down, yaw > 0 turns to the subject's own right, roll > 0 tilts toward the own right shoulder. For the eyes a real capture shows
  it: over 3,809 frames the yaw of an eye follows its look units (left: 0.62 In - 0.56 Out, and 2% remain), both eyes have one pitch to 2e-4, as
  eyes with one point of fixation must, and roll is atan(tan pitch sin yaw) to 1e-4, which is an eye that stays level; another order, sign or unit
  fails one of the three. Head and eyes go through one conversion in the engine's own plug-in (ToBlendShapeMap in the AppleARKitFaceSupport
  plug-in of Unreal Engine 4.2x), so the head's columns are read as the eyes' are; no capture with a streamed head was at hand to show it too.
- Head columns are zero where the app did not stream the head. No place of the head is stored.
- A row without units is a frame in which the app saw no face.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tdmm_core.domain.motion import HELD, OBSERVED, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.exchange.timecode import parse_timecodes, timecode
from tdmm_core.morphable.gaze import LOOK_UNITS, eye_angles, look_units
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle

UNITS = (
    "EyeBlinkLeft", "EyeLookDownLeft", "EyeLookInLeft", "EyeLookOutLeft", "EyeLookUpLeft", "EyeSquintLeft", "EyeWideLeft", "EyeBlinkRight",
    "EyeLookDownRight", "EyeLookInRight", "EyeLookOutRight", "EyeLookUpRight", "EyeSquintRight", "EyeWideRight", "JawForward", "JawRight", "JawLeft",
    "JawOpen", "MouthClose", "MouthFunnel", "MouthPucker", "MouthRight", "MouthLeft", "MouthSmileLeft", "MouthSmileRight", "MouthFrownLeft",
    "MouthFrownRight", "MouthDimpleLeft", "MouthDimpleRight", "MouthStretchLeft", "MouthStretchRight", "MouthRollLower", "MouthRollUpper",
    "MouthShrugLower", "MouthShrugUpper", "MouthPressLeft", "MouthPressRight", "MouthLowerDownLeft", "MouthLowerDownRight", "MouthUpperUpLeft",
    "MouthUpperUpRight", "BrowDownLeft", "BrowDownRight", "BrowInnerUp", "BrowOuterUpLeft", "BrowOuterUpRight", "CheekPuff", "CheekSquintLeft",
    "CheekSquintRight", "NoseSneerLeft", "NoseSneerRight", "TongueOut",
)  # fmt: skip
"Unit columns in the order of the app's files."
HEAD = ("HeadYaw", "HeadPitch", "HeadRoll")
EYES = tuple(f"{side}Eye{angle}" for side in ("Left", "Right") for angle in ("Yaw", "Pitch", "Roll"))
COLUMNS = ("Timecode", "BlendShapeCount", *UNITS, *HEAD, *EYES)
"The 63 columns."
_GAZE = {f"{name[0].upper()}{name[1:]}" for name in LOOK_UNITS}
_OPTIONAL = {"TongueOut"}
"Units that early apps did not write."
_MOST = 2.0
"A unit beyond this is no unit of 0 to 1."


@dataclass(frozen=True, kw_only=True)
class Take:
    """A recording as it stands in the file, frame by frame."""

    motion: FaceMotion
    "At the recording's own rate; `source_time_s` has each frame's time of day in seconds, HELD frames are those without a face."
    has_head: bool
    "Whether the head was streamed."


def is_live_link(first_bytes: bytes) -> bool:
    """Whether a file that begins so is a Live Link Face CSV: judged by its heading."""
    heading = first_bytes.split(b"\n", 1)[0].decode("utf-8-sig", "replace").lower()
    return heading.lstrip().startswith("timecode,") and "blendshapecount" in heading


def write_live_link(target: Path | str | BinaryIO, motion: FaceMotion) -> None:
    """Write a motion of ARKit units; equal motions give equal bytes. Held frames keep their pose, since other tools know no gaps.

    Time codes are the motion's source times where it has them and they keep its rate, else they begin at zero.
    Raises InputError for a motion without the 52 units.
    """
    units = _units_of(motion)
    yaw, pitch, roll = head_angles(motion.global_orient)
    eyes = eye_angles({name: units[name[0].upper() + name[1:]] for name in LOOK_UNITS})  # (T, 2, 3) pitch, toward the left, roll
    columns = [*(units[name] for name in UNITS), yaw, pitch, roll]
    columns += [angle for eye in (0, 1) for angle in (-eyes[:, eye, 1], eyes[:, eye, 0], eyes[:, eye, 2])]
    lines = [",".join(COLUMNS)]
    for code, row in zip(_timecodes(motion), np.stack(columns, axis=1), strict=True):
        lines.append(f"{code},{len(columns)}," + ",".join(f"{value + 0.0:.10f}" for value in row))
    content = ("\n".join(lines) + "\n").encode()
    if isinstance(target, Path | str):
        Path(target).write_bytes(content)
    else:
        target.write(content)


def read_live_link(name: str, content: bytes, *, names: Sequence[str], source_fps: float | None = None) -> Take:
    """Read a recording called `name`; `names` are the 52 units in the order wanted (the open head's `expression_names`).

    `source_fps` lays the rows evenly in place of their time codes. Raises InputError that names the column or row at fault.
    """
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig", "replace"))))
    table = _Table(name, rows)
    values, seen = table.numbers([*UNITS, *HEAD, *EYES])
    times = np.arange(len(seen)) / source_fps if source_fps else parse_timecodes(name, table.texts("Timecode"))
    rate = source_fps or (float(1 / np.median(np.diff(times))) if len(times) > 1 else 60.0)
    units = {name: values[name] for name in UNITS if name in values}
    if not units.keys() >= _GAZE:
        units |= {n[0].upper() + n[1:]: v for n, v in look_units(_eyes(values, len(seen))).items()}
    _check_units(name, units)
    head = np.stack([values.get(n, np.zeros(len(seen))) for n in HEAD], axis=1)
    expression = np.stack([np.clip(units.get(n[0].upper() + n[1:], np.zeros(len(seen))), 0, 1) for n in names], axis=1)
    motion = FaceMotion(
        expression=expression, expression_names=tuple(names), global_orient=head_rotation(*head.T), transl=np.zeros((len(seen), 3)),
        status=np.where(seen, OBSERVED, HELD), source_time_s=times, fps=rate,
    )  # fmt: skip
    return Take(motion=motion, has_head=bool(head.any()))


def head_rotation(yaw: np.ndarray, pitch: np.ndarray, roll: np.ndarray) -> np.ndarray:
    """(T, 3) axis-angle in our frame from (T,) head angles, radians, as the file counts them."""
    zero = np.zeros_like(yaw)
    about = [axis_angle_to_matrix(np.stack(v, axis=-1)) for v in ((pitch, zero, zero), (zero, -yaw, zero), (zero, zero, roll))]
    return matrix_to_axis_angle(about[0] @ about[1] @ about[2])


def head_angles(global_orient: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T,) yaw, pitch and roll, radians, as the file counts them, from (T, 3) axis-angle in our frame."""
    m = axis_angle_to_matrix(np.asarray(global_orient, np.float64))
    # Rx(p) Ry(b) Rz(r): m02 = sin b, m12 = -sin p cos b, m22 = cos p cos b, m01 = -cos b sin r, m00 = cos b cos r
    pitch, roll = np.arctan2(-m[:, 1, 2], m[:, 2, 2]), np.arctan2(-m[:, 0, 1], m[:, 0, 0])
    return -np.arcsin(np.clip(m[:, 0, 2], -1, 1)), pitch, roll


def _eyes(values: dict[str, np.ndarray], num_frames: int) -> np.ndarray:
    """(T, 2, 3) pitch, toward the left, roll of both eyes; zero where a column is missing."""
    angles = {n: values.get(n, np.zeros(num_frames)) for n in EYES}
    return np.stack([np.stack([angles[f"{s}EyePitch"], -angles[f"{s}EyeYaw"], angles[f"{s}EyeRoll"]], axis=1) for s in ("Left", "Right")], axis=1)


def _units_of(motion: FaceMotion) -> dict[str, np.ndarray]:
    by_name = {n.lower(): motion.expression[:, i] for i, n in enumerate(motion.expression_names)}
    lacking = [n for n in UNITS if n.lower() not in by_name]
    if lacking:
        raise InputError(
            f"Live Link CSV: expected a motion of the 52 ARKit units, got one of {motion.face_model!r} without {lacking[0]}; carry it over first: "
            "tdmm fit MOTION --face-model open-head-1 -o OUT.csv"
        )
    return {n: by_name[n.lower()] for n in UNITS}


def _timecodes(motion: FaceMotion) -> Iterable[str]:
    times = np.arange(motion.num_frames) / motion.fps
    if motion.source_time_s is not None:
        times = times + max(0.0, float(motion.source_time_s[0]))
    return (timecode(t) for t in times)


def _check_units(name: str, units: dict[str, np.ndarray]) -> None:
    lacking = [n for n in UNITS if n not in units and n not in _OPTIONAL]
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise InputError(f"{name}: expected the 52 unit columns of Live Link Face, got none named {lacking[0]}{more}; record or export it again")
    worst = max(units, key=lambda n: float(np.abs(units[n]).max(initial=0)))
    most = float(np.abs(units[worst]).max(initial=0))
    if most > _MOST:
        raise InputError(f"{name}: expected units of 0 to 1, got {most:g} in column {worst}; divide percentages by 100")


class _Table:
    """Rows by column name, case ignored."""

    def __init__(self, name: str, rows: list[list[str]]) -> None:
        self._name = name
        self._columns = {heading.strip().lower(): i for i, heading in enumerate(rows[0])} if rows else {}
        self._rows = [(line, row) for line, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
        if "timecode" not in self._columns or not self._rows:
            raise InputError(f"{name}: expected a Live Link Face CSV with a heading and at least one row, got {len(self._rows)} rows")

    def texts(self, column: str) -> list[tuple[int, str]]:
        """Line number and text of a column."""
        at = self._columns[column.lower()]
        return [(line, row[at].strip() if at < len(row) else "") for line, row in self._rows]

    def numbers(self, wanted: Sequence[str]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The wanted columns that are there, (T,) each, and (T,) bool: rows that have units; numbers of others are zero."""
        there = [n for n in wanted if n.lower() in self._columns]
        at = [self._columns[n.lower()] for n in there]
        values, seen = np.zeros((len(self._rows), len(there))), np.ones(len(self._rows), bool)
        for i, (line, row) in enumerate(self._rows):
            cells = [row[c].strip() if c < len(row) else "" for c in at]
            if not any(cells):
                seen[i] = False
                continue
            try:
                values[i] = [float(cell) for cell in cells]
            except ValueError as e:
                bad = next((n for n, cell in zip(there, cells, strict=True) if not _is_number(cell)), "")
                raise InputError(f"{self._name}, line {line}: expected a number in column {bad}, got {cells[there.index(bad)]!r}") from e
        if not np.isfinite(values).all():
            line = self._rows[int(np.argwhere(~np.isfinite(values))[0][0])][0]
            raise InputError(f"{self._name}, line {line}: expected finite numbers, got NaN or infinity")
        return dict(zip(there, values.T, strict=True)), seen


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
