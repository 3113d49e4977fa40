"""Which faces a clip shows when: the labels whose mixture explains its units best, stretch by stretch, with the fewest changes.

The clip is cut into stretches of steady face; each stretch has its best mixtures of labels; of these the way through the clip is taken that
leaves the least unexplained while starting the fewest events. Ramps from one face to the next are mixtures of both, so consecutive and
overlapping faces come out as events that overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from tdmm_core.domain.script import Side
from tdmm_core.performance.families import Faces
from tdmm_core.performance.label import Label
from tdmm_core.performance.mixtures import Mixture, mixtures
from tdmm_core.performance.runs import first_over
from tdmm_core.performance.segments import cut
from tdmm_core.performance.unit_events import Activity

_STEADY_S = 0.06
"Standard deviation of the smoothing under which laughter and chewing are steady."
_HZ = 12.5
"Rate at which stretches are cut."
_CUT, _SHORTEST_S, _LONGEST_S = 0.07, 0.16, 12.0
"Squared units that a stretch more must save, and how long a stretch may be."
_STARTS, _LASTS = 11.0, 3.0
"Misfit that a new event must save, and that a label must save in every further stretch."
_FULL_S = 0.4
"Shorter stretches count less."
_FLASH_S, _FLASH_PERCENTILE = 0.8, 75
_BEAT_S, _LEAST_BEAT, _NEVER = 0.16, 0.07, 9.0
"Slower motion is no beat; a face that shakes shows at least this share of its full beat; a strength that nothing has."
_BEAT = 0.35
"Prominence of a repetition, as a share of the strongest."
_PERIODS, _STAGES_GAP_S, _HOLD_GAP_S = 0.9, 0.7, 0.2
"Gaps that do not end an event: in periods where repetitions are counted, between stages and sides, of a held face."


@dataclass(frozen=True, kw_only=True)
class FaceEvent:
    """One label's face, from rise to fall."""

    label: Label
    side: Side
    onset_s: float
    apex_s: float
    end_s: float
    rise_s: float
    "From 25 to 80 % of the apex."
    strength: float
    "Share of the label's full strength."
    count: int = 1
    "Repetitions, of what is counted."


def face_events(active: Activity, faces: Faces, known: np.ndarray) -> tuple[FaceEvent, ...]:
    """The faces of a clip, in order of onset; `known` (T, 52) is 1 for units that can be told from, less where a mouth speaks."""
    steady = gaussian_filter1d(active.level, _STEADY_S * active.fps, axis=0, mode="nearest")
    faces = _possible(active, faces)
    cuts = _stretches(steady, active.fps)
    options = _options(steady, cuts, faces=faces, known=known, fps=active.fps)
    chosen = _way(options, np.minimum(1.0, np.diff(cuts) / active.fps / _FULL_S))
    shown = [_refitted(m, np.median(steady[a:b], axis=0), faces.patterns) for m, (a, b) in zip(chosen, pairwise(cuts), strict=True)]
    events = [_event(active, steady, faces, span) for span in _spans(shown, cuts)]
    return tuple(sorted(_joined(events), key=lambda e: (e.onset_s, e.label.name)))


def _possible(active: Activity, faces: Faces) -> Faces:
    """The faces without those that shake in a way that nothing in the clip does: these are bounded away."""
    quick = active.level - gaussian_filter1d(active.level, _BEAT_S * active.fps, axis=0, mode="nearest")
    swing = 2.0 * np.percentile(np.abs(quick), 97, axis=0)
    beats = faces.beats.sum(axis=1)
    shaken = np.minimum(swing, faces.beats).sum(axis=1)
    still = (beats > 0) & (shaken < _LEAST_BEAT * beats)
    return replace(faces, bounds=np.where(still[:, None], _NEVER, faces.bounds))


def _stretches(steady: np.ndarray, fps: float) -> np.ndarray:
    """Frames at which stretches begin, then the length."""
    step = max(1, round(fps / _HZ))
    coarse = steady[::step]
    hz = fps / step
    cuts = cut(coarse, penalty=_CUT * hz / _HZ, shortest=max(1, round(_SHORTEST_S * hz)), longest=round(_LONGEST_S * hz))
    return np.append(cuts[:-1] * step, len(steady))


def _options(steady: np.ndarray, cuts: np.ndarray, *, faces: Faces, known: np.ndarray, fps: float) -> list[list[Mixture]]:
    """The best mixtures for the middle of each stretch; on a short one, a ramp, everything may be half done."""
    halfway = np.stack([0.3 * faces.bounds[:, 0], faces.bounds[:, 1]], axis=1)
    options = []
    for first, last in pairwise(cuts):
        bounds = faces.bounds if last - first > _FULL_S * fps else np.minimum(halfway, faces.bounds)
        # Of a flash the upper part tells; of what is held the middle.
        shown = np.percentile(steady[first:last], 50 if last - first > _FULL_S * fps else _FLASH_PERCENTILE, axis=0)
        options.append(mixtures(shown, faces.patterns, bounds, known[first:last].mean(axis=0)))
    return options


def _way(options: list[list[Mixture]], weights: np.ndarray) -> list[Mixture]:
    """A mixture for each stretch: least misfit and fewest starts over the whole clip, by dynamic programming; `weights` is (S,)."""
    total = np.array([weights[0] * m.misfit + _STARTS * len(m.rows) for m in options[0]])
    came: list[np.ndarray] = []
    for k in range(1, len(options)):
        costs = total[:, None] + _joins(options[k - 1], options[k])
        came.append(costs.argmin(axis=0))
        total = costs.min(axis=0) + weights[k] * np.array([m.misfit for m in options[k]])
    place = int(total.argmin())
    way = [options[-1][place]]
    for k in range(len(came) - 1, -1, -1):
        place = int(came[k][place])
        way.append(options[k][place])
    return way[::-1]


def _joins(before: list[Mixture], after: list[Mixture]) -> np.ndarray:
    """(before, after) cost of going over: labels that start, and labels that go on."""
    names = sorted({r for m in (*before, *after) for r in m.rows})
    place = {r: i for i, r in enumerate(names)}
    had, has = (np.zeros((len(ms), len(names))) for ms in (before, after))
    for table, ms in ((had, before), (has, after)):
        for i, m in enumerate(ms):
            table[i, [place[r] for r in m.rows]] = 1.0
    going_on = had @ has.T
    return _STARTS * (has.sum(axis=1)[None, :] - going_on) + _LASTS * going_on


@dataclass(frozen=True, kw_only=True)
class _Span:
    """Where the way through a clip shows a label, in frames, and how strongly."""

    row: int
    first: int
    last: int
    strength: float


def _refitted(mixture: Mixture, face: np.ndarray, patterns: np.ndarray) -> Mixture:
    """The mixture with strengths by plain least squares: the weights by which sets are told apart would shrink strong ones."""
    rows = list(mixture.rows)
    if not rows:
        return mixture
    strengths = np.linalg.lstsq(patterns[rows].T, face, rcond=None)[0]
    return replace(mixture, strengths=tuple(np.maximum(strengths, 0.0).tolist()))


def _spans(chosen: list[Mixture], cuts: np.ndarray) -> list[_Span]:
    """Every label while it goes on from stretch to stretch; its strength is that of its strongest stretch that is no ramp."""
    spans: list[_Span] = []
    since: dict[int, list[tuple[int, float]]] = {}
    for k, mixture in enumerate([*chosen, Mixture(rows=(), strengths=(), misfit=0.0)]):
        for row in [r for r in since if r not in mixture.rows]:
            shown = since.pop(row)
            lengths = np.array([cuts[i + 1] - cuts[i] for i, _ in shown])
            strength = max(s for (_, s), n in zip(shown, lengths, strict=True) if n >= 0.5 * lengths.max())
            spans.append(_Span(row=row, first=int(cuts[shown[0][0]]), last=int(cuts[k]), strength=strength))
        for row, strength in zip(mixture.rows, mixture.strengths, strict=True):
            since.setdefault(row, []).append((k, strength))
    return spans


def _event(active: Activity, steady: np.ndarray, faces: Faces, span: _Span) -> FaceEvent:
    """Times of a label from how much of its own pattern the curves show around its stretches; what lasts is no flash."""
    if span.last - span.first > _FLASH_S * active.fps:
        span = replace(span, row=faces.lasting[span.row])
    level, fps, pattern = active.level, active.fps, faces.patterns[span.row]
    course = steady @ pattern / float(pattern @ pattern)
    inside = course[span.first : span.last]
    apex, height = span.first + int(inside.argmax()), float(np.percentile(inside, 90))
    start, stop = _out(course, span.first, apex, height, -1), _out(course, span.last - 1, apex, height, 1)
    sharp = level[start : max(span.last, start + 2)] @ pattern / float(pattern @ pattern)
    # A flash is smoothed away in part: its own sharp apex says how much.
    lost = float(np.clip(sharp.max() / max(np.median(inside), 1e-6), 1.0, 1.6)) if span.last - span.first < _FULL_S * fps else 1.0
    sharp = np.minimum(sharp[: max(apex - start, 1) + 1], height)
    return FaceEvent(
        label=faces.labels[span.row],
        side=faces.sides[span.row],
        onset_s=start / fps,
        apex_s=apex / fps,
        end_s=(len(course) if stop >= len(course) - 1 else stop + 1) / fps,
        rise_s=max(0.0, first_over(sharp, 0.8) - first_over(sharp, 0.25)) / fps,
        strength=float(np.clip(span.strength * lost, 0.0, 1.0)),
        count=_beats(level @ pattern, start, stop) if faces.labels[span.row].countable else 1,
    )


def _beats(course: np.ndarray, start: int, stop: int) -> int:
    """How often a curve comes up between two frames."""
    inside = course[start : stop + 1]
    return max(1, len(find_peaks(np.pad(inside, 1), prominence=_BEAT * inside.max())[0]))


def _joined(events: list[FaceEvent]) -> list[FaceEvent]:
    """Events of one label and side made one where they follow closely: stages, beats and sides of what comes and goes."""
    joined: list[FaceEvent] = []
    for event in sorted(events, key=lambda e: (e.label.name, e.side, e.onset_s)):
        last = joined[-1] if joined else None
        if last and (last.label.name, last.side) == (event.label.name, event.side) and event.onset_s - last.end_s < _gap_s(event.label):
            stronger = max(last, event, key=lambda e: e.strength)
            again = event.label.countable and event.onset_s >= last.end_s
            count = last.count + event.count if again else last.count
            joined[-1] = replace(stronger, onset_s=last.onset_s, rise_s=last.rise_s, end_s=max(last.end_s, event.end_s), count=count)
        else:
            joined.append(event)
    return joined


def _gap_s(label: Label) -> float:
    if label.countable:
        return _PERIODS / label.hz
    return _STAGES_GAP_S if label.stages or label.pattern == "sway" else _HOLD_GAP_S


def _out(course: np.ndarray, edge: int, apex: int, height: float, step: int) -> int:
    """From the edge of its stretches out (or in) to where the curve is at a tenth of its height, or begins to rise again."""
    frame = edge
    while course[frame] < 0.1 * height and frame != apex:
        frame -= step
    while 0 < frame < len(course) - 1 and course[frame] > 0.1 * height and course[frame + step] < course[frame] + 1e-4:
        frame += step
    return frame
