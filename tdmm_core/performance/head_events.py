"""What the head does: nods, shakes, sways and circles with their count, trembling, and poses held to a side. Knows rotations only, no label.

Angles are those of the performer: yaw about y, then pitch about x, then roll about z of the turned head. Strokes are found first, by extrema of
enough prominence that are narrow enough; what remains of a curve without them is read for held poses by the same hysteresis as units are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from tdmm_core.morphable.rotations import axis_angle_to_matrix
from tdmm_core.performance.orbits import orbits
from tdmm_core.performance.runs import Hysteresis, Run, find_runs

AXES = ("pitch", "yaw", "roll")
_SMOOTH_S = 0.06
_STROKE_DEG = (2.0, 2.2, 2.2)
"Least prominence of a stroke, by axis."
_WIDEST_S, _WIDEST_NOD_S = (1.15, 0.75, 1.3), 0.66
"Widest stroke at half its prominence: slower ones are poses; a nod is quicker than a head that rocks to and fro."
_NARROWEST_S = 0.1
"Narrower ones shake with laughter."
_APART_S = (1.25, 1.0, 1.7)
"Strokes further apart belong to two gestures."
_FAINT = 0.35
"Strokes at the ends of a row that are fainter, beside its strongest, are not part of it."
_POSE_DEG, _POSE_LOW = (4.0, 4.5, 4.0), 0.5
"Least held deviation from the resting pose, by axis, and the share at which it begins and ends."
_POSE_GAP_S, _POSE_SHORTEST_S = 0.3, 0.4
_CIRCLE_DEG = 2.6
_TREMBLE_S, _TREMBLE_DEG, _TREMBLE_CROSSINGS_HZ = 0.07, (0.4, 4.0), 5.8
"What is quicker than this smoothing trembles, at this least and most reach, with at least so many passes through the middle a second."
_STARTLE_S = 0.2
_FAR_DEG = 8.0
"A clip that begins further from the front than this begins turned."


@dataclass(frozen=True, kw_only=True)
class HeadEvent:
    """A stroke, strokes in a row, or a held pose, about one axis."""

    axis: str
    "pitch, yaw or roll."
    pattern: str
    "stroke: one-sided, out and back; swing: to both sides in turn; circle; tremble; pose: held; drop: sinks slowly and starts up."
    degrees: float
    "Signed reach: of the pose, or of the typical stroke to its first side. Pitch > 0 looks down, yaw > 0 turns left, roll > 0 tilts right."
    start_s: float
    end_s: float
    count: int = 1
    period_s: float = 0.0
    "Of a repetition."
    rise_s: float = 0.0
    "From 25 to 80 % of a pose."


def head_angles(global_orient: np.ndarray) -> np.ndarray:
    """(T, 3) pitch, yaw, roll in degrees of rotation vectors (T, 3), radians."""
    m = axis_angle_to_matrix(np.asarray(global_orient, np.float64))
    pitch = np.arcsin(np.clip(-m[:, 1, 2], -1.0, 1.0))
    yaw, roll = np.arctan2(m[:, 0, 2], m[:, 2, 2]), np.arctan2(m[:, 1, 0], m[:, 1, 1])
    return np.rad2deg(np.unwrap(np.stack([pitch, yaw, roll], axis=1), axis=0))


def head_events(angles_deg: np.ndarray, fps: float) -> tuple[HeadEvent, ...]:
    """Gestures of the head, in order of their start, from pitch, yaw, roll (T, 3) in degrees."""
    smooth = gaussian_filter1d(angles_deg, _SMOOTH_S * fps, axis=0, mode="nearest")
    calm, events = smooth.copy(), []
    for event in (*_circles(smooth, fps), *_trembles(angles_deg, fps)):
        events.append(event)
        if event.pattern == "circle":
            for axis in (0, 2):
                _bridge(calm[:, axis], event, fps)
    smooth = calm.copy()
    for axis in range(3):
        for row in _rows(smooth[:, axis], axis, fps):
            event = _strokes(smooth[:, axis], row, axis, fps)
            if event is not None:
                events.append(event)
                _bridge(calm[:, axis], event, fps)
    events += _poses(calm, fps)
    return tuple(sorted(events, key=lambda e: (e.start_s, e.axis, e.end_s)))


Stroke = tuple[int, int, float, float, float, float]
"Frame, sign, prominence, left foot, right foot, width at half its prominence."


def _rows(curve: np.ndarray, axis: int, fps: float) -> list[list[Stroke]]:
    """Strokes to both sides in order of time, parted where they are far from one another."""
    strokes: list[Stroke] = []
    for sign in (1, -1):
        peaks, found = find_peaks(sign * curve, prominence=_STROKE_DEG[axis], width=(_NARROWEST_S * fps, _WIDEST_S[axis] * fps))
        feet = _feet(sign * curve, peaks, found, fps)
        rows_ = zip(peaks.tolist(), found["prominences"].tolist(), feet, found["widths"].tolist(), strict=True)
        strokes += [(p, sign, h, a, b, w) for p, h, (a, b), w in rows_]
    rows: list[list[Stroke]] = []
    for stroke in sorted(strokes):
        if rows and stroke[0] - rows[-1][-1][0] < _APART_S[axis] * fps:
            rows[-1].append(stroke)
        else:
            rows.append([stroke])
    return [_trimmed(row) for row in rows]


def _trimmed(row: list[Stroke]) -> list[Stroke]:
    """A row without faint strokes before and after it."""
    least = _FAINT * max(s[2] for s in row)
    kept = [i for i, s in enumerate(row) if s[2] >= least]
    return row[kept[0] : kept[-1] + 1]


def _feet(curve: np.ndarray, peaks: np.ndarray, found: dict[str, np.ndarray], fps: float) -> list[tuple[float, float]]:
    """Where each stroke begins and ends: twice its half width away, and not beyond its bases."""
    half = found["widths"]
    left = np.maximum(peaks - 1.05 * half, found["left_bases"])
    return list(zip(left.tolist(), np.minimum(peaks + 1.05 * half, found["right_bases"]).tolist(), strict=True))


def _strokes(curve: np.ndarray, row: list[Stroke], axis: int, fps: float) -> HeadEvent | None:
    """What a row of strokes is: swings where both sides take part, one-sided strokes about the pitch axis, else nothing but a short pose."""
    ahead, back = ([s for s in row if s[1] == sign] for sign in (1, -1))
    times = [s[0] / fps for s in row]
    common = {"axis": AXES[axis], "start_s": max(0.0, row[0][3] / fps), "end_s": min(len(curve) / fps, row[-1][4] / fps)}
    if axis == 0 and not _rocks(curve, row):
        return _nods(curve, [s for s in row if s[5] <= _WIDEST_NOD_S * fps], fps)
    if not ahead or not back:
        return None
    values = np.array([curve[s[0]] for s in row])
    reach = 0.5 * float(np.median(np.abs(np.diff(values))))
    count, half = max(1, (len(row) + 1) // 2), float(np.diff(times).mean())
    return HeadEvent(pattern="swing", degrees=row[0][1] * reach, count=count, period_s=2.0 * half, **common)


def _rocks(curve: np.ndarray, row: list[Stroke]) -> bool:
    """Whether the pitch goes about as far up as down: then it swings, where nods would come back to rest between strokes."""
    if len(row) < 2 or min(sum(s[1] == sign for s in row) for sign in (1, -1)) < len(row) // 2:
        return False
    level = np.interp([s[0] for s in row], [row[0][3], row[-1][4]], [curve[int(row[0][3])], curve[min(len(curve) - 1, int(row[-1][4]))]])
    away = np.array([s[1] * (curve[s[0]] - base) for s, base in zip(row, level, strict=True)])
    return bool(away.min() > 0.35 * away.max())


def _nods(curve: np.ndarray, row: list[Stroke], fps: float) -> HeadEvent | None:
    """Strokes to one side, whichever has more of them; down where both have as many."""
    ahead, back = ([s for s in row if s[1] == sign] for sign in (1, -1))
    main, sign = (ahead, 1.0) if len(ahead) >= len(back) else (back, -1.0)
    if not main:
        return None
    reach = float(np.median([s[2] for s in main]))
    period_s = float(np.diff([s[0] for s in main]).mean() / fps) if len(main) > 1 else (main[0][4] - main[0][3]) / fps
    start_s, end_s = max(0.0, main[0][3] / fps), min(len(curve) / fps, main[-1][4] / fps)
    return HeadEvent(axis="pitch", pattern="stroke", degrees=sign * reach, start_s=start_s, end_s=end_s, count=len(main), period_s=period_s)


def _circles(smooth: np.ndarray, fps: float) -> list[HeadEvent]:
    """Pitch and roll that go round together."""
    path = (smooth - resting_pose(smooth, fps))[:, [2, 0]]
    return [
        HeadEvent(
            axis="pitch",
            pattern="circle",
            degrees=o.radius,
            start_s=o.start_s,
            end_s=o.end_s,
            count=o.turns,
            period_s=(o.end_s - o.start_s) / o.turns,
        )
        for o in orbits(path, _CIRCLE_DEG, fps)
    ]


def _trembles(angles_deg: np.ndarray, fps: float) -> list[HeadEvent]:
    """Small quick shaking about the yaw axis, too quick to be counted."""
    quick = angles_deg - gaussian_filter1d(angles_deg, _TREMBLE_S * fps, axis=0, mode="nearest")
    reach = np.sqrt(2.0 * gaussian_filter1d(quick**2, 0.16 * fps, axis=0, mode="nearest"))
    limits = Hysteresis(high=np.array([_TREMBLE_DEG[0]]), low=np.array([0.6 * _TREMBLE_DEG[0]]), gap_s=0.3)
    events = []
    for r in find_runs(reach[:, 1:2], limits, fps):
        first, last = int(r.onset_s * fps), max(int(r.onset_s * fps) + 2, int(r.end_s * fps))
        part = quick[first:last]
        crossings = np.count_nonzero(part[1:, 1] * part[:-1, 1] < 0) * fps / len(part)
        quickest = part.std(axis=0).argmax() == 1
        if r.end_s - r.onset_s >= 0.5 and crossings >= _TREMBLE_CROSSINGS_HZ and quickest and r.height < _TREMBLE_DEG[1]:
            events.append(HeadEvent(axis="yaw", pattern="tremble", degrees=r.height, start_s=r.onset_s, end_s=r.end_s, period_s=2.0 / crossings))
    return events


def _bridge(curve: np.ndarray, event: HeadEvent, fps: float) -> None:
    """Draw a straight line over a gesture, in place, so that what lies under it shows."""
    first, last = max(0, int(event.start_s * fps)), min(len(curve) - 1, int(np.ceil(event.end_s * fps)))
    curve[first : last + 1] = np.linspace(curve[first], curve[last], last - first + 1)


def resting_pose(angles_deg: np.ndarray, fps: float) -> np.ndarray:
    """(3,): the pose that a clip begins with, or, where that looks far aside, whichever of its end and its median is nearer to the front."""
    edge = max(1, round(0.15 * fps))
    start, others = angles_deg[:edge].mean(axis=0), np.stack([angles_deg[-edge:].mean(axis=0), np.median(angles_deg, axis=0)])
    nearest = np.take_along_axis(others, np.abs(others).argmin(axis=0)[None], axis=0)[0]
    return np.where((np.abs(start) > _FAR_DEG) & (np.abs(nearest) < np.abs(start) - 4.0), nearest, start)


def _poses(calm: np.ndarray, fps: float) -> list[HeadEvent]:
    away = calm - resting_pose(calm, fps)
    sides = np.maximum(np.concatenate([away, -away], axis=1), 0.0)  # (T, 6)
    high = np.array(_POSE_DEG * 2)
    runs = find_runs(sides, Hysteresis(high=high, low=_POSE_LOW * high, gap_s=_POSE_GAP_S), fps)
    return [
        HeadEvent(
            axis=AXES[r.column % 3],
            pattern="drop" if r.column == 0 and _drops(r) else "pose",
            degrees=r.height * (1.0 if r.column < 3 else -1.0),
            start_s=r.onset_s,
            end_s=r.end_s,
            rise_s=r.rise_s,
        )
        for r in runs
        if r.end_s - r.onset_s >= _POSE_SHORTEST_S
    ]


def _drops(run: Run) -> bool:
    """Whether a head sinks slowly and starts up again."""
    return run.fall_s < _STARTLE_S and run.rise_s > 3.0 * run.fall_s and run.rise_s > 0.5
