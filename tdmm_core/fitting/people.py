"""Whose face is whose: sightings become tracks, tracks become people, and one of them is chosen.

A track follows one face from frame to frame within a shot. Tracks that are never seen together and look alike are one person. Knows no face model:
whether two tracks look alike is asked of the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.fitting.landmarks import FaceLandmarks, Landmarker, Sighting
from tdmm_core.fitting.sightings import Sightings, watch

_LOST_S = 1.0
"A face that was away for longer begins a new track."
_REACH, _REACH_PER_S = 0.45, 1.2
"How far a face moves from one sighting to the next, in face sizes: at once, and more with time."
_GROWTH = 1.5
"How much larger or smaller it becomes meanwhile."
_FLEETING_S = 0.2
"A face that was seen for less is nobody's, if others were seen for longer."

Alike = Callable[[FaceLandmarks, FaceLandmarks], bool]
"Whether two tracks, given by some frames of each, show one person."
_ASKED = 24
"Frames of a track that are looked at to tell whose it is."


@dataclass(eq=False)
class Track:
    """One face followed through a shot; grows as it is followed."""

    shot: int
    frames: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    "-1 where it was the first face of the frame, else its place among the others."
    centre: np.ndarray = field(default_factory=lambda: np.zeros(2))
    size: float = 0.0
    weight: float = 0.0
    "Face sizes, summed over frames."

    def add(self, frame: int, slot: int, box: tuple[np.ndarray, float]) -> None:
        self.frames.append(frame)
        self.slots.append(slot)
        self.centre, self.size = box
        self.weight += self.size


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """The tracks of one person, in the order of time."""

    tracks: tuple[Track, ...]

    @property
    def weight(self) -> float:
        """How much there is to see of the person: pixels of face size, summed over frames."""
        return sum(t.weight for t in self.tracks)

    @property
    def num_frames(self) -> int:
        return sum(len(t.frames) for t in self.tracks)


def choose_face(seen: Sightings, face: int, alike: Alike) -> FaceLandmarks:
    """The `face`-th person of a clip, counted from 1 by how large and how long each is seen; frames without that person are NaN.

    Raises InputError, saying how many faces there are, where there is none of that number.
    """
    people = people_of(seen, alike)
    if not people:
        count = len(seen.first.times_s)
        raise InputError(f"no face was found in any of {count} frames; fitting needs a face that is turned toward the camera")
    if face > len(people):
        told = "one face was" if len(people) == 1 else f"{len(people)} faces were"
        raise InputError(f"expected a face that was seen, got face {face}; {told} seen, counted by how large and how long each is seen")
    return _only(seen, people[face - 1])


def see_clip(landmarker: Landmarker, frames: Iterable[tuple[float, np.ndarray]]) -> FaceLandmarks:
    """The landmarks of a clip of one person, from (time in seconds, picture) pairs; faces that are never seen together are taken for one."""
    return choose_face(watch(landmarker, frames), 1, lambda one, other: True)


def people_of(seen: Sightings, alike: Alike) -> list[Person]:
    """Everybody in a clip, the one of whom most is seen first."""
    tracks = sorted(tracks_of(seen), key=lambda t: -t.weight)
    groups: list[list[Track]] = []
    for track in tracks:
        home = next((g for g in groups if not _together(g, track) and _belongs(seen, g, track, alike)), None)
        if home is None:
            groups.append([track])
        else:
            home.append(track)
    people = sorted((Person(tracks=tuple(sorted(g, key=lambda t: t.frames[0]))) for g in groups), key=lambda p: -p.weight)
    return [p for p in people if not _fleeting(seen, p) or _fleeting(seen, people[0])]


def tracks_of(seen: Sightings) -> list[Track]:
    """Follow every face from frame to frame, nearest first, never over a cut."""
    times, shots = seen.first.times_s, _shots(seen.first)
    done: list[Track] = []
    live: list[Track] = []
    for frame, faces in _by_frame(seen):
        gone = [t for t in live if times[frame] - times[t.frames[-1]] > _LOST_S]
        done += gone
        live = [t for t in live if t not in gone]
        boxes = [(slot, _box(points)) for slot, points in faces]
        here = [t for t in live if t.shot == shots[frame]]
        homes = _homes([[_step(t, box, times[frame] - times[t.frames[-1]]) for _, box in boxes] for t in here])
        for j, (slot, box) in enumerate(boxes):
            if j not in homes:
                live.append(Track(shot=int(shots[frame])))
            track = here[homes[j]] if j in homes else live[-1]
            track.add(frame, slot, box)
    return done + live


def _homes(costs: list[list[float]]) -> dict[int, int]:
    """Which track each face goes on, the likeliest pairs first, from costs by track and face; faces that go on none are left out."""
    homes: dict[int, int] = {}
    for cost, i, j in sorted((cost, i, j) for i, row in enumerate(costs) for j, cost in enumerate(row)):
        if cost < 1 and j not in homes and i not in homes.values():
            homes[j] = i
    return homes


def _by_frame(seen: Sightings) -> Iterator[tuple[int, list[tuple[int, np.ndarray]]]]:
    """Every frame that shows a face, with (slot, points) of each."""
    others: dict[int, list[tuple[int, np.ndarray]]] = {}
    for slot, (frame, face) in enumerate(seen.others):
        others.setdefault(frame, []).append((slot, face.points_px))
    for frame in np.flatnonzero(seen.first.found).tolist():
        yield frame, [(-1, seen.first.points_px[frame]), *others.get(frame, [])]


def _box(points_px: np.ndarray) -> tuple[np.ndarray, float]:
    """Middle and size (root of the area) of what the landmarks span."""
    low, high = points_px.min(0), points_px.max(0)
    return (low + high) / 2, float(np.sqrt(max(np.prod(high - low), 1.0)))


def _step(track: Track, box: tuple[np.ndarray, float], seconds: float) -> float:
    """How unlikely it is that a face came from a track's end to `box`; 1 is the limit."""
    centre, size = box
    apart = float(np.linalg.norm(centre - track.centre)) / ((size + track.size) / 2)
    grown = abs(np.log(size / track.size)) / np.log(_GROWTH)
    return max(apart / (_REACH + _REACH_PER_S * seconds), grown / (1 + seconds))


def _shots(seen: FaceLandmarks) -> np.ndarray:
    return seen.shots if seen.shots is not None else np.zeros(len(seen.times_s), np.int64)


def _together(group: list[Track], track: Track) -> bool:
    frames = set(track.frames)
    return any(not frames.isdisjoint(t.frames) for t in group)


def _belongs(seen: Sightings, group: list[Track], track: Track, alike: Alike) -> bool:
    """Whether a track is of the group's person; the group's greatest track speaks for it."""
    return alike(some_frames(seen, group[0]), some_frames(seen, track))


def _fleeting(seen: Sightings, person: Person) -> bool:
    return sum(seen.first.times_s[t.frames[-1]] - seen.first.times_s[t.frames[0]] for t in person.tracks) < _FLEETING_S


def some_frames(seen: Sightings, track: Track) -> FaceLandmarks:
    """Up to a few dozen frames of a track, evenly spread, on their own."""
    which = np.unique(np.linspace(0, len(track.frames) - 1, _ASKED).round().astype(int))
    faces = [_face(seen, track.frames[i], track.slots[i]) for i in which]
    return replace(
        seen.first,
        times_s=seen.first.times_s[np.asarray(track.frames)[which]],
        points_px=np.stack([f.points_px for f in faces]),
        scores=np.stack([f.scores for f in faces]),
        rotations=np.stack([f.rotation for f in faces]),
        shots=None,
    )


def _face(seen: Sightings, frame: int, slot: int) -> Sighting:
    if slot >= 0:
        return seen.others[slot][1]
    first = seen.first
    return Sighting(points_px=first.points_px[frame], scores=first.scores[frame], rotation=first.rotations[frame])


def _only(seen: Sightings, person: Person) -> FaceLandmarks:
    """One person's landmarks, laid over the first faces' in place: the clip's memory is not doubled."""
    first, keep = seen.first, np.zeros(len(seen.first.times_s), bool)
    for track in person.tracks:
        for frame, slot in zip(track.frames, track.slots, strict=True):
            keep[frame] = True
            if slot >= 0:
                face = seen.others[slot][1]
                first.points_px[frame], first.scores[frame], first.rotations[frame] = face.points_px, face.scores, face.rotation
    for column in (first.points_px, first.scores, first.rotations):
        column[~keep] = np.nan
    return first
