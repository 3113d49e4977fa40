"""The reader of performances: from motion back to a script. Deterministic; knows the lexicon, but neither sentences nor who performed.

What is looked at, in this order: lids (blinks and winks, so that what is left of the lids is expression), the resting face and the units above
it, speech (so that its units say less about the face), head, eyes, and last the faces, as sparse mixtures of the lexicon's labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.face_events import FaceEvent, face_events
from tdmm_core.performance.families import faces
from tdmm_core.performance.flashes import flashes
from tdmm_core.performance.gaze_events import gaze_events
from tdmm_core.performance.gaze_glances import GazeEvent
from tdmm_core.performance.head_events import HeadEvent, head_angles, head_events, resting_pose
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.lid_events import LidEvent, read_lids
from tdmm_core.performance.naming import face_event, gaze_event, head_event, lid_event, speech_event
from tdmm_core.performance.speech_events import SpeechEvent, speech_events, speech_share
from tdmm_core.performance.unit_curves import unit_curves
from tdmm_core.performance.unit_events import UnitEvent, activity, unit_events
from tdmm_core.performance.units import INDEX

_LIDS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
_UNKNOWN_WHILE_SPEAKING = 0.85


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """All that was read of a motion, from units to the script that they add up to."""

    script: Script
    units: tuple[UnitEvent, ...]
    faces: tuple[FaceEvent, ...]
    head: tuple[HeadEvent, ...]
    gaze: tuple[GazeEvent, ...]
    lids: tuple[LidEvent, ...]
    speech: tuple[SpeechEvent, ...]
    rest: np.ndarray
    "(52,) the resting face, in the order of `units.UNITS`."


def read(motion: FaceMotion) -> Script:
    """The script that a motion performs. Raises InputError where it is not told in ARKit units."""
    return read_closely(motion).script


def read_closely(motion: FaceMotion) -> Reading:
    """The script of a motion with everything that it was concluded from. Raises InputError where it is not told in ARKit units."""
    curves, fps = unit_curves(motion), motion.fps
    lids = read_lids(curves[:, _LIDS], fps)
    curves[:, _LIDS] = lids.slow
    active = activity(curves, fps)
    speech = speech_events(curves, fps)
    angles = head_angles(motion.global_orient)
    head, gaze = head_events(angles, fps), gaze_events(curves, angles - resting_pose(angles, fps), fps)
    known, units = _known(speech, curves.shape, fps), unit_events(active)
    found = face_events(active, faces(), known)
    found = (*found, *flashes(units, found, faces(), known, fps))
    found = tuple(f for f in found if not f.label.counts_lids)  # the face that comes along with a wink
    speech = tuple(s for s in speech if not _otherwise_moved(s, found))
    return Reading(
        script=_script(motion.duration_s, found, head, gaze, lids.events, speech),
        units=units, faces=found, head=head, gaze=gaze, lids=lids.events, speech=speech, rest=active.rest,
    )  # fmt: skip


def _otherwise_moved(speech: SpeechEvent, found: tuple[FaceEvent, ...]) -> bool:
    """Whether a face that shakes or goes through stages of its own, a laugh or a sneeze, explains what looked like words."""
    length = speech.end_s - speech.start_s
    return any((f.label.stages or f.label.rhythm) and min(f.end_s, speech.end_s) - max(f.onset_s, speech.start_s) > 0.6 * length for f in found)


def _known(speech: tuple[SpeechEvent, ...], shape: tuple[int, int], fps: float) -> np.ndarray:
    """(T, 52): how far each unit tells of the face; less of the mouth's while it speaks."""
    known = np.ones(shape)
    for event in speech:
        known[int(event.start_s * fps) : int(np.ceil(event.end_s * fps))] = 1.0 - _UNKNOWN_WHILE_SPEAKING * speech_share()
    return known


def _script(duration_s: float, *found: tuple) -> Script:
    lexicon = load_lexicon()
    events: list[Event | None] = []
    for item in (x for group in found for x in group):
        match item:
            case FaceEvent():
                events.append(face_event(item, duration_s))
            case HeadEvent():
                events.append(head_event(item, lexicon, duration_s))
            case GazeEvent():
                events.append(gaze_event(item, lexicon, duration_s))
            case LidEvent():
                events.append(lid_event(item, duration_s))
            case _:
                events.append(speech_event(item, lexicon, duration_s))
    return Script(events=tuple(e for e in events if e is not None), duration_s=duration_s)
