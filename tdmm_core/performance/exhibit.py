"""A label as it is written: performed plainly, alone, for as long as it naturally takes. For contact sheets, tests and readers."""

from __future__ import annotations

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Direction, Event, Script, Side
from tdmm_core.performance.actor import PLAIN
from tdmm_core.performance.lexicon import Label
from tdmm_core.performance.perform import perform

_HELD_S = 2.0
_COUNT = 2
_LEAD_S, _REST_S = 0.2, 0.4


def exhibit(label: Label, *, side: Side = "both", direction: Direction = "", intensity: float = 1.0, fps: float = 25.0) -> FaceMotion:
    """The label's own motion at medium tempo by an actor without manner, blinks or noise; counted things are done twice.

    Side and direction are the label's first ones where none is given. After the event the face rests for a moment.
    Raises InputError for a direction that the label does not have.
    """
    event = plain_event(label, side=side, direction=direction, intensity=intensity)
    return perform(Script(events=(event,), duration_s=event.end_s + _REST_S), seed=0, actor=PLAIN, fps=fps)


def plain_event(label: Label, *, side: Side = "both", direction: Direction = "", intensity: float = 1.0) -> Event:
    """The event of a label's exhibit."""
    length_s = _COUNT / label.hz if label.countable else min(label.longest_s, _HELD_S)
    return Event(
        kind=label.kind,
        label=label.name,
        start_s=_LEAD_S,
        end_s=round(_LEAD_S + length_s, 2),
        intensity=intensity if label.graded else 1.0,
        side=side if side in label.sides else label.sides[0],
        direction=direction or (label.directions or ("",))[0],
        count=_COUNT if label.countable else 1,
    )
