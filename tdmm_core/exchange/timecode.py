"""SMPTE-like time codes of Live Link Face, `HH:MM:SS:FF.mmm`: FF is counted at 60 even where the app recorded 30 frames a second, mmm are
thousandths of such a frame."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tdmm_core.errors import InputError

_FORM = re.compile(r"(\d+):(\d\d):(\d\d)[:;](\d+)(?:\.(\d+))?")
_COUNTS = (24, 25, 30, 60)
"Frames a second at which FF may be counted."
_DAY_S = 86400.0


def timecode(time_s: float) -> str:
    """The code of a time of day in seconds, FF counted at 60."""
    thousandths = round(time_s % _DAY_S * 60_000)
    frames, rest = divmod(thousandths, 1000)
    seconds, frame = divmod(frames, 60)
    return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frame:02d}.{rest:03d}"


def parse_timecodes(name: str, codes: Sequence[tuple[int, str]]) -> np.ndarray:
    """(T,) float64 seconds from (line number, code) pairs of a file called `name`; past midnight they go on.

    FF counts at 60, or, where a take of two seconds or more never passes a lower count, at that (24, 25, 30).
    Raises InputError for a code of another form and for times that do not grow.
    """
    parts = [_parts(name, line, text) for line, text in codes]
    whole = np.array([h * 3600 + m * 60 + s for h, m, s, _ in parts], np.float64)
    whole += _DAY_S * np.concatenate([[0], np.cumsum(np.diff(whole) < -_DAY_S / 2)])
    frames = np.array([f for *_, f in parts])
    times = whole + frames / _count(name, frames, float(whole[-1] - whole[0]))
    still = np.flatnonzero(np.diff(times) <= 0)
    if len(still):
        line, text = codes[int(still[0]) + 1]
        raise InputError(f"{name}, line {line}: expected a later time than the line before, got {text}; --source-fps lays the rows evenly instead")
    return times


def _parts(name: str, line: int, text: str) -> tuple[int, int, int, float]:
    match = _FORM.fullmatch(text)
    if match is None:
        raise InputError(f"{name}, line {line}: expected a time code HH:MM:SS:FF.mmm, got {text!r}; --source-fps lays the rows evenly instead")
    hours, minutes, seconds, frame, rest = match.groups()
    return int(hours), int(minutes), int(seconds), float(f"{frame}.{rest or 0}")


def _count(name: str, frames: np.ndarray, lasting_s: float) -> int:
    most = float(np.floor(frames.max()))
    if most >= _COUNTS[-1]:
        raise InputError(f"{name}: expected frames below 60 in the time codes, got {most:g}; --source-fps lays the rows evenly instead")
    return next(count for count in _COUNTS if most < count) if lasting_s >= 2 else _COUNTS[-1]
