"""How well a reading agrees with what was performed, kind by kind: recall, precision, confusion, timing. Used by the test and the benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from reader_truth import VISIBLE, Case, shared_s, unit_truth, visible

from tdmm_core.domain.script import Event
from tdmm_core.performance.lexicon import Label, load_lexicon
from tdmm_core.performance.reading import Reading

LABELS = load_lexicon().labels


@dataclass
class Score:
    """Things asked for and found, things read and false."""

    asked: int = 0
    found: int = 0
    read: int = 0
    false: int = 0
    missed: Counter = field(default_factory=Counter)

    @property
    def recall(self) -> float:
        return self.found / max(1, self.asked)

    @property
    def spurious(self) -> float:
        return self.false / max(1, self.read)

    def __str__(self) -> str:
        return f"{self.recall:.1%} of {self.asked} found, {self.spurious:.1%} of {self.read} spurious"


def score_units(cases: Sequence[Case], readings: Sequence[Reading]) -> Score:
    """A unit of an event is found where a read event of that unit covers half of it; a read event is false where less than half of it is true."""
    score = Score()
    for case, reading in zip(cases, readings, strict=True):
        truth = unit_truth(case)
        read = [u for u in reading.units if not u.unit.startswith("eyeLook")]
        for t in (t for t in truth if t.height >= VISIBLE):
            score.asked += 1
            hit = any(u.unit == t.unit and shared_s(u.onset_s, u.end_s, t.start_s, t.end_s) >= 0.5 * (t.end_s - t.start_s) for u in read)
            score.found += hit
            score.missed[(case.events[t.event].label, t.unit)] += not hit
        for u in read:
            score.read += 1
            true_s = sum(shared_s(u.onset_s, u.end_s, t.start_s, t.end_s) for t in truth if t.unit == u.unit)
            score.false += true_s < 0.5 * (u.end_s - u.onset_s)
    return score


def is_face(label: Label) -> bool:
    """Whether a label is told from its units: no speech, no winks."""
    return label.kind in ("expression", "action") and label.pattern not in ("speech", "roll", "dart") and not (label.counts_lids or label.spoken)


def family(name: str) -> str:
    return LABELS[name].family


def overlap(a: Event, b: Event) -> float:
    """Intersection over union of two events in time."""
    return shared_s(a.start_s, a.end_s, b.start_s, b.end_s) / (max(a.end_s, b.end_s) - min(a.start_s, b.start_s))


@dataclass
class FaceScore:
    families: Score = field(default_factory=Score)
    labels: Score = field(default_factory=Score)
    confused: Counter = field(default_factory=Counter)
    pairs: list[tuple[Event, Event]] = field(default_factory=list)
    "Asked, read: of one family."


def score_faces(cases: Sequence[Case], readings: Sequence[Reading]) -> FaceScore:
    """A face is told where an event of its family overlaps it by 0.3 (intersection over union); one is false where none of its family was asked."""
    score = FaceScore()
    for case, reading in zip(cases, readings, strict=True):
        read = [e for e in reading.script.events if is_face(LABELS[e.label])]
        asked = [e for e, v in zip(case.events, visible(case), strict=True) if is_face(LABELS[e.label]) and v.max() >= VISIBLE]
        for event in asked:
            near = [r for r in read if overlap(event, r) > 0.3]
            same = [r for r in near if family(r.label) == family(event.label)]
            score.families.asked += 1
            score.families.found += bool(same)
            score.labels.asked += 1
            score.labels.found += any(r.label == event.label for r in same)
            if same:
                score.pairs.append((event, max(same, key=lambda r: overlap(event, r))))
            else:
                best = max(near, key=lambda r: overlap(event, r), default=None)
                score.confused[(family(event.label), family(best.label) if best else "nothing")] += 1
        for r in read:
            score.families.read += 1
            true = any((family(e.label) == family(r.label) or comes_with(e, r)) and overlap(e, r) > 0 for e in case.events)
            score.families.false += not true
    return score


def comes_with(asked: Event, read: Event) -> bool:
    """Whether what was asked for (a gaze, a head motion, a manner of speaking) brings along most of what the read face shows: lids, brows."""
    mine, its = LABELS[asked.label], LABELS[read.label]
    brought = mine.speech.held if mine.speech else mine.units if mine.kind in ("gaze", "head") else {}
    return sum(v for u, v in its.units.items() if u in brought) > 0.5 * sum(its.units.values())


def score_events(
    cases: Sequence[Case], readings: Sequence[Reading], wanted: Callable[[Event], bool], *, count: bool = False, pose: Callable | None = None
) -> Score:
    """Events of other kinds: found where one of the same label, side and direction (and count) overlaps it for a third of its time.

    `pose(case, first, last, event)` says whether a read event that was not asked for was truly there, as part of an expression.
    """
    score = Score()
    for case, reading in zip(cases, readings, strict=True):
        read, asked = ([e for e in events if wanted(e)] for events in (reading.script.events, case.events))
        for event in asked:
            third = (event.end_s - event.start_s) / 3
            near = [r for r in read if same(event, r) and shared_s(event.start_s, event.end_s, r.start_s, r.end_s) > third]
            good = any(r.count == event.count for r in near) if count else bool(near)
            score.asked += 1
            score.found += good
            score.missed[event.label] += not good
        for r in read:
            score.read += 1
            true = any(same(e, r) and overlap(e, r) > 0 for e in asked)
            if not true and pose is not None:
                rate = case.motion.fps
                true = pose(case, max(0, int(r.start_s * rate) - 3), int(np.ceil(r.end_s * rate)) + 3, r)
            score.false += not true
    return score


def same(a: Event, b: Event) -> bool:
    return (family(a.label), a.side, a.direction) == (family(b.label), b.side, b.direction)


def head_moved(case: Case, first: int, last: int, event: Event) -> bool:
    """Whether an event of the script moves the head about that event's axis by 2 degrees or more meanwhile."""
    axis = ("pitch", "yaw", "roll").index(max(LABELS[event.label].head, key=lambda a: abs(LABELS[event.label].head[a])))
    return any(np.ptp(g.head[first:last, axis]) > 2.0 for g in case.gestures)


def eyes_moved(case: Case, first: int, last: int, event: Event) -> bool:
    """Whether the eyes truly go there: of the performance itself, small shifts of the face's own included."""
    from tdmm_core.performance.gaze_glances import gaze_curves
    from tdmm_core.performance.unit_curves import unit_curves

    return bool(np.abs(gaze_curves(unit_curves(case.motion))[first:last]).max() > 0.15)


def lid_counts(case: Case, reading: Reading) -> list[tuple[str, int, int]]:
    """(side, asked, read) closures of the lids in a clip whose script counts them."""
    rows = []
    for label, side in (("blink", "both"), ("wink", "left"), ("wink", "right")):
        asked, read = (sum(e.count for e in events if (e.label, e.side) == (label, side)) for events in (case.events, reading.script.events))
        if asked:
            rows.append((side, asked, read))
    return rows
