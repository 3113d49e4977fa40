"""A script: what happens in a clip, as timed events. Stored as versioned JSON; there is no second name for it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Literal, get_args

from tdmm_core.errors import InputError

SCRIPT_VERSION = 1

Kind = Literal["expression", "action", "gaze", "blink", "head"]
Side = Literal["left", "right", "both"]
Direction = Literal["", "left", "right", "up", "down"]
Tempo = Literal["slow", "medium", "fast"]
_CHOICES = tuple((name, get_args(of)) for name, of in (("kind", Kind), ("side", Side), ("direction", Direction), ("tempo", Tempo)))


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that the face does between two instants."""

    kind: Kind
    label: str
    "A label of the lexicon: `surprise`, `pout`, `nod`, `turn`, `blink`, `look` ..."
    start_s: float
    end_s: float
    intensity: float = 0.6
    "0 to 1: the share of the label's full strength."
    side: Side = "both"
    "The subject's own side."
    direction: Direction = ""
    "Subject's own direction, for gaze and head events."
    count: int = 1
    "Repetitions: two nods, three blinks."
    tempo: Tempo = "medium"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES:
            if getattr(self, name) not in choices:
                raise InputError(f"event {name}: expected one of {', '.join(map(repr, choices))}, got {getattr(self, name)!r}")
        if not self.label:
            raise InputError("event label: expected a label of the lexicon, got an empty one")
        if not 0 <= self.start_s < self.end_s:
            raise InputError(f"event times: expected 0 <= start_s < end_s, got {self.start_s} and {self.end_s}")
        if not 0 <= self.intensity <= 1:
            raise InputError(f"event intensity: expected 0 to 1, got {self.intensity}")
        if self.count < 1:
            raise InputError(f"event count: expected at least 1, got {self.count}")


@dataclass(frozen=True, kw_only=True)
class Script:
    """Timed events in order of their start, within `duration_s`."""

    events: tuple[Event, ...]
    duration_s: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "events", tuple(sorted(self.events, key=lambda e: (e.start_s, e.end_s, e.label))))
        if self.duration_s <= 0:
            raise InputError(f"script duration_s: expected a positive number, got {self.duration_s}")
        late = [e for e in self.events if e.end_s > self.duration_s + 1e-6]
        if late:
            raise InputError(f"script: event {late[0].label!r} ends at {late[0].end_s} s, after the script's {self.duration_s} s")

    def to_json(self) -> str:
        """Compact JSON with a version; equal scripts give equal text."""
        events = [asdict(e) for e in self.events]
        return json.dumps({"version": SCRIPT_VERSION, "duration_s": self.duration_s, "events": events}, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> Script:
        """Read what `to_json` wrote. Raises InputError on malformed text, an unknown key or a newer version."""
        try:
            data = json.loads(text)
            version, rows, duration_s = data["version"], data["events"], float(data["duration_s"])
        except (ValueError, KeyError, TypeError) as e:
            raise InputError(f"script: expected JSON with version, duration_s and events, got {text[:60]!r} ({e})") from e
        if version != SCRIPT_VERSION:
            raise InputError(f"script: expected version {SCRIPT_VERSION}, got {version}; a newer tdmm wrote it")
        known = {f.name for f in fields(Event)}
        for row in rows:
            unknown = set(row) - known
            if unknown:
                raise InputError(f"script event: unknown key {sorted(unknown)[0]!r}; known are {', '.join(sorted(known))}")
        return Script(events=tuple(Event(**row) for row in rows), duration_s=duration_s)
