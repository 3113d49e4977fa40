"""What the lexicon calls what was read: head gestures, lids, eyes and speech become events with labels, and rise times become tempi.

Labels are found by what they do (axis, sign, pattern), not by name, so a lexicon with other words serves as well.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.domain.script import Direction, Event, Tempo
from tdmm_core.performance.face_events import FaceEvent
from tdmm_core.performance.gaze_glances import GazeEvent
from tdmm_core.performance.head_events import HeadEvent
from tdmm_core.performance.label import Label
from tdmm_core.performance.lexicon import Lexicon
from tdmm_core.performance.lid_events import LidEvent
from tdmm_core.performance.speech_events import SpeechEvent

_PACE = {"slow": 1.9, "medium": 1.0, "fast": 0.5}
"How tempi stretch onsets, as performances do."
_BEAT = {"slow": 1.45, "medium": 1.0, "fast": 0.65}
"How tempi stretch the period of repetitions."
_RISE_SHARE, _BLUR_S = 0.313, 0.096
"25-80 % of a smooth rise, as a share of the whole; what smoothing adds to it, in quadrature."
_USUAL, _OWN_PACE = {"slow": 0.19, "medium": 0.58, "fast": 0.23}, 0.2
"How often scripts ask for each tempo, and how far (natural logarithm) the rise of one tempo differs."
_QUICKEST_S = 0.17
_SHORTEST_S = 0.04
_UNSAID: Tempo = "medium"


def face_event(found: FaceEvent, duration_s: float) -> Event:
    """A face as an event; where it is too short for its rise to say anything, its tempo is medium; of what is counted the beat tells."""
    label = found.label
    tempo = _likeliest(found.rise_s, {t: _risen(label.onset_s * f) for t, f in _PACE.items()})
    if label.countable:
        tempo = _nearest((found.end_s - found.onset_s) / found.count, {t: f / label.hz for t, f in _BEAT.items()})
    start_s, end_s = _within(found.onset_s, found.end_s, duration_s)
    strength = found.strength if label.graded else 1.0
    return Event(
        kind=label.kind, label=label.name, start_s=start_s, end_s=end_s, intensity=_share(strength), side=found.side,
        count=found.count, tempo=tempo,
    )  # fmt: skip


def head_event(found: HeadEvent, lexicon: Lexicon, duration_s: float) -> Event | None:
    """A head gesture under the label whose head motion lies along its axis; None where the lexicon has no word for it."""
    label, direction = _head_label(found, lexicon)
    if label is None:
        return None
    full = abs(label.head[found.axis])
    if label.countable:
        tempo = _nearest(found.period_s, {t: f / label.hz for t, f in _BEAT.items()})
        full *= {"slow": 1.1, "medium": 1.0, "fast": 0.75}[tempo]
    else:
        tempo = _nearest(found.rise_s, {t: _risen(label.onset_s * f) for t, f in _PACE.items()})
    start_s, end_s = _within(found.start_s, found.end_s, duration_s)
    return Event(
        kind="head", label=label.name, start_s=start_s, end_s=end_s, intensity=_share(abs(found.degrees) / full),
        direction=direction, count=found.count if label.countable else 1, tempo=tempo,
    )  # fmt: skip


def _head_label(found: HeadEvent, lexicon: Lexicon) -> tuple[Label | None, Direction]:
    pattern = {
        "stroke": ("repeat",), "swing": ("swing", "repeat"), "circle": ("circle",), "tremble": ("sway",), "pose": ("hold",), "drop": ("hold",),
    }[found.pattern]  # fmt: skip
    for label in lexicon.labels.values():
        reach = label.head.get(found.axis, 0.0)
        if label.kind != "head" or label.pattern not in pattern or (found.pattern == "drop") != bool(label.stages):
            continue
        if found.pattern in ("circle", "tremble", "drop"):
            return label, ""
        if set(label.head) != {found.axis} or label.units or (found.pattern == "swing" and found.axis == "pitch" and label.pattern != "swing"):
            continue
        if found.pattern == "swing" or (label.directions and found.pattern == "pose"):
            same = (reach > 0) == (found.degrees > 0)
            return label, (label.directions[0 if same else 1] if label.directions else "")
        if (reach > 0) == (found.degrees > 0):
            return label, ""
    return None, ""


def gaze_event(found: GazeEvent, lexicon: Lexicon, duration_s: float) -> Event | None:
    """What the eyes do under the label that does the same; None where the lexicon has no word for it."""
    start_s, end_s = _within(found.start_s, found.end_s, duration_s)
    for label in lexicon.labels.values():
        if label.kind == "gaze" and _does(label) == found.pattern:
            full = max(v for u, v in label.units.items() if u.startswith("eyeLook"))
            return Event(
                kind="gaze", label=label.name, start_s=start_s, end_s=end_s, intensity=_share(found.reach / full) if label.graded else 1.0,
                direction=found.direction if label.directions else "", count=found.count if label.countable else 1,
            )  # type: ignore[arg-type]  # fmt: skip
    return None


def _does(label: Label) -> str:
    """The pattern of a gaze label, in the words of `gaze_glances.GazeEvent`; empty for what is told from the face."""
    simple = {"roll": "roll", "dart": "dart", "circle": "circle", "sway": "sweep", "repeat": "measure"}
    looks = {place: min(label.units.get(f"eyeLook{place}{s}", 0.0) for s in ("Left", "Right")) for place in ("In", "Out", "Up", "Down")}
    aside = min(label.units.get("eyeLookOutLeft", 0.0), label.units.get("eyeLookInRight", 0.0))
    if label.pattern in simple:
        return "" if label.pattern == "repeat" and label.directions else simple[label.pattern]
    if label.stages:
        return "read"
    if looks["In"] > 0.3 or looks["Out"] > 0.3:
        return "crossed" if looks["In"] > looks["Out"] else "diverged"
    if aside > 0.3 and max(looks["Up"], looks["Down"]) < 0.3:
        return "sidelong" if label.head else "glance"
    return "raised" if looks["Up"] > 0.5 and aside < 0.3 else ""


def lid_event(found: LidEvent, duration_s: float) -> Event:
    """Blinks, or winks of one eye."""
    start_s, end_s = _within(found.start_s, found.end_s, duration_s)
    wink = found.side != "both"
    return Event(
        kind="action" if wink else "blink", label="wink" if wink else "blink", start_s=start_s, end_s=end_s, intensity=1.0,
        side=found.side, count=found.count,
    )  # type: ignore[arg-type]  # fmt: skip


def speech_event(found: SpeechEvent, lexicon: Lexicon, duration_s: float) -> Event:
    """Speech under the lexicon's first label that speaks."""
    label = next(label for label in lexicon.labels.values() if label.pattern == "speech")
    start_s, end_s = _within(found.start_s, found.end_s, duration_s)
    return Event(kind=label.kind, label=label.name, start_s=start_s, end_s=end_s, intensity=1.0)


def _risen(onset_s: float) -> float:
    """The rise that is measured of an onset."""
    return float(np.hypot(_RISE_SHARE * max(onset_s, _QUICKEST_S), _BLUR_S))


def _nearest(value: float, expected: dict[str, float]) -> Tempo:
    if value <= 0:
        return _UNSAID
    return min(expected, key=lambda t: abs(np.log(value / expected[t])))  # type: ignore[return-value]


def _likeliest(value: float, expected: dict[str, float]) -> Tempo:
    """The tempo that a rise speaks for, the usual one where it speaks for two: actors differ in pace by nearly as much as tempi do."""
    if value <= 0:
        return _UNSAID
    return min(expected, key=lambda t: (np.log(value / expected[t]) / _OWN_PACE) ** 2 - np.log(_USUAL[t]))  # type: ignore[return-value]


def _within(start_s: float, end_s: float, duration_s: float) -> tuple[float, float]:
    """Times to the hundredth, in order and inside the clip."""
    latest = max(0.0, duration_s - _SHORTEST_S)
    start = round(min(max(float(start_s), 0.0), latest), 2)
    end = round(max(float(end_s), start + _SHORTEST_S), 2)
    return min(start, latest), min(end, duration_s)


def _share(value: float) -> float:
    return round(float(np.clip(value, 0.0, 1.0)), 2)
