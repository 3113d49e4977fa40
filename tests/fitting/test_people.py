"""Whose face is whose, on made sightings: faces that cross, leave, return, and come after a cut."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.errors import InputError
from tdmm_core.fitting.landmarks import SCORE_NAMES, FaceLandmarks, Sighting
from tdmm_core.fitting.people import choose_face, people_of, tracks_of
from tdmm_core.fitting.sightings import Sightings

FACE = np.random.default_rng(0).uniform(-0.5, 0.5, (478, 2)).astype(np.float32)


def face(who: int, x: float, size: float) -> Sighting:
    """A face whose first score says whose it is."""
    scores = np.zeros(52, np.float32)
    scores[0] = who
    return Sighting(points_px=FACE * size + np.array([x, 100], np.float32), scores=scores, rotation=np.eye(3, dtype=np.float32))


def sightings(frames: Iterable[list[Sighting]], shots: list[int] | None = None) -> Sightings:
    frames = list(frames)
    nothing = Sighting(points_px=np.full((478, 2), np.nan), scores=np.full(52, np.nan), rotation=np.full((3, 3), np.nan))
    first = [faces[0] if faces else nothing for faces in frames]
    return Sightings(
        first=FaceLandmarks(
            times_s=np.arange(len(frames)) / 25,
            points_px=np.stack([f.points_px for f in first]).astype(np.float32),
            scores=np.stack([f.scores for f in first]).astype(np.float32),
            score_names=SCORE_NAMES,
            rotations=np.stack([f.rotation for f in first]).astype(np.float32),
            size_px=(640, 360),
            shots=np.zeros(len(frames), int) if shots is None else np.asarray(shots),
        ),
        others=tuple((i, f) for i, faces in enumerate(frames) for f in faces[1:]),
    )


def alike(one: FaceLandmarks, other: FaceLandmarks) -> bool:
    """Tells people apart by what `face` wrote on them."""
    return float(np.median(one.scores[:, 0])) == float(np.median(other.scores[:, 0]))


def who(seen: FaceLandmarks) -> list[int]:
    """Whose face is in each frame; -1 where there is none."""
    return np.where(seen.found, np.nan_to_num(seen.scores[:, 0]), -1).astype(int).tolist()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.booleans(), min_size=30, max_size=30), st.floats(60, 140), st.integers(0, 10))
def test_two_faces_are_kept_apart_in_whatever_order_they_are_named(swapped: list[bool], size: float, start: int) -> None:
    """The network may name either face first, from frame to frame; the larger one is face 1."""
    frames = []
    for i, swap in enumerate(swapped):
        pair = [face(1, 150 + 2 * i, size)] + ([face(2, 450 - 2 * i, size * 0.6)] if i >= start else [])
        frames.append(pair[::-1] if swap else pair)
    assert who(choose_face(sightings(frames), 1, alike)) == [1] * 30
    assert who(choose_face(sightings(frames), 2, alike)) == [-1] * start + [2] * (30 - start)


def test_who_comes_back_is_the_same_and_who_comes_instead_is_not() -> None:
    frames = [[face(1, 200, 100)]] * 20 + [[]] * 40 + [[face(1, 400, 80)]] * 20 + [[]] * 40 + [[face(2, 200, 100)]] * 15
    people = people_of(sightings(frames), alike)
    assert [p.num_frames for p in people] == [40, 15] and len(people[0].tracks) == 2


def test_no_track_goes_over_a_cut_but_people_do() -> None:
    frames = [[face(1, 200, 100)]] * 12 + [[face(2, 205, 100)]] * 10 + [[face(1, 210, 60)]] * 12
    seen = sightings(frames, [0] * 12 + [1] * 10 + [2] * 12)
    assert sorted(len(t.frames) for t in tracks_of(seen)) == [10, 12, 12]
    assert who(choose_face(seen, 1, alike)) == [1] * 12 + [-1] * 10 + [1] * 12


def test_a_flicker_is_nobody_unless_it_is_all_there_is() -> None:
    steady = [[face(1, 200, 100)] + ([face(9, 500, 40)] if i in (7, 8) else []) for i in range(25)]
    assert len(people_of(sightings(steady), alike)) == 1
    assert len(people_of(sightings([[], [face(9, 500, 40)], []]), alike)) == 1


def test_what_is_asked_for_in_vain_is_said() -> None:
    two = [[face(1, 150, 100), face(2, 450, 80)]] * 10
    with pytest.raises(InputError, match="got face 3; 2 faces were seen"):
        choose_face(sightings(two), 3, alike)
    with pytest.raises(InputError, match="got face 2; one face was seen"):
        choose_face(sightings([[face(1, 150, 100)]] * 10), 2, alike)
    with pytest.raises(InputError, match="no face was found in any of 10 frames"):
        choose_face(sightings([[]] * 10), 1, alike)
