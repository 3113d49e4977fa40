"""The reader finds again what performers were asked for, whoever they are; and where nothing happens it reads nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reader_scores import eyes_moved, head_moved, lid_counts, score_events, score_faces, score_units
from reader_truth import cases
from script_cases import script_of

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.errors import InputError
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.perform import perform
from tdmm_core.performance.reading import read, read_closely
from tdmm_core.performance.units import UNITS, mirrored


@pytest.fixture(scope="module")
def clips():
    return cases(150, seed=4242)


@pytest.fixture(scope="module")
def readings(clips):
    return [read_closely(c.motion) for c in clips]


def labels(script: Script) -> set[str]:
    return {e.label for e in script.events}


def test_units_are_found_and_few_are_made_up(clips, readings):
    score, floor = score_units(clips, readings), score_units(clips, [*readings[1:], readings[0]])
    assert score.recall >= 0.94 and score.spurious <= 0.06, str(score)
    assert floor.recall < 0.3 and floor.spurious > 0.6, "another clip's reading must not do"


def test_faces_are_told_apart_with_their_strength_and_time(clips, readings):
    score = score_faces(clips, readings)
    assert score.families.recall >= 0.9, (str(score.families), score.confused)
    assert score.families.spurious <= 0.15, str(score.families)
    assert np.median([abs(r.start_s - e.start_s) for e, r in score.pairs]) < 0.12
    assert np.corrcoef(np.array([(e.intensity, r.intensity) for e, r in score.pairs if e.intensity < 1]).T)[0, 1] > 0.75
    assert score_faces(clips, [*readings[1:], readings[0]]).families.recall < 0.2


def test_heads_are_read_with_direction_and_count(clips, readings):
    score = score_events(clips, readings, lambda e: e.kind == "head", pose=head_moved)
    counted = score_events(clips, readings, lambda e: e.kind == "head", count=True)
    assert score.asked > 15 and score.recall >= 0.8 and score.spurious <= 0.12, (str(score), score.missed)
    assert counted.recall >= 0.75 and counted.asked == score.asked, (str(counted), counted.missed)


def test_gazes_are_read_with_direction(clips, readings):
    score = score_events(clips, readings, lambda e: e.kind == "gaze", pose=eyes_moved)
    assert score.asked > 15 and score.recall >= 0.8 and score.spurious <= 0.1, (str(score), score.missed)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize(("name", "given"), [
    ("nod", {}), ("head shake", {}), ("swaying head", {}), ("blink", {}), ("wink", {"side": "left"}), ("wink", {"side": "right"}),
])  # fmt: skip
def test_repetitions_are_counted(name, given, count):
    right = 0
    for seed in range(6):
        period = 1.2 if name == "swaying head" else 0.7
        script = script_of(name, count=count, end_s=0.6 + period * count, start_s=0.6, duration_s=6.0, **given)
        found = [e for e in read(perform(script, seed=seed)).events if e.label == name and e.side == script.events[0].side]
        right += sum(e.count for e in found) == count
    assert right >= 5


@pytest.mark.parametrize("direction", ["left", "right"])
@pytest.mark.parametrize("name", ["turn", "tilt", "look"])
def test_directions_are_those_of_the_subject(name, direction):
    for seed in range(5):
        found = [e for e in read(perform(script_of(name, direction=direction), seed=seed)).events if e.label == name]
        assert {e.direction for e in found if e.intensity > 0.4} == {direction}, seed  # smaller shifts are the face's own


def test_flashes_are_seen_beside_what_lasts():
    seen = 0
    for seed in range(8):
        smile, flash = script_of("smile", end_s=3.6).events[0], script_of("flicker of anger", start_s=2.0, end_s=2.4, intensity=0.9).events[0]
        events = read(perform(Script(events=(smile, flash), duration_s=4.0), seed=seed)).events
        seen += any(load_lexicon().label(e.label).family == "anger" and e.end_s - e.start_s < 0.9 for e in events)
    assert seen >= 6


def test_counted_lids_are_counted(clips, readings):
    rows = [row for c, r in zip(clips, readings, strict=True) for row in lid_counts(c, r)]
    assert rows and np.mean([asked == got for _, asked, got in rows]) >= 0.9, rows


def test_only_what_is_counted_has_a_count(readings):
    counted = [e for r in readings for e in r.script.events if e.count > 1]
    assert counted and all(load_lexicon().label(e.label).countable for e in counted)


def test_idle_faces_show_nothing():
    read_faces = [read_closely(perform(Script(events=(), duration_s=5.0), seed=900 + s)) for s in range(30)]
    assert sum(len(r.faces) for r in read_faces) <= 2
    assert sum(len(r.speech) for r in read_faces) == 0
    assert np.mean([len(r.head) for r in read_faces]) < 0.3


def test_talking_is_speech_and_laughter_is_not():
    for seed in range(5):
        assert "talking" in labels(read(perform(script_of("talking"), seed=seed)))
        assert "talking" not in labels(read(perform(script_of("laughter"), seed=seed)))


def mirror_image(motion: FaceMotion) -> FaceMotion:
    names = motion.expression_names
    order = [names.index(mirrored(n)) for n in names]
    return replace(motion, expression=motion.expression[:, order], global_orient=motion.global_orient * np.float32([1, -1, -1]))


def test_a_mirrored_face_gives_the_mirrored_script(clips):
    other = {"left": "right", "right": "left", "both": "both", "up": "up", "down": "down", "": ""}
    equal = 0
    for case in clips[:25]:
        plain, turned = read(case.motion), read(mirror_image(case.motion))
        equal += sorted((e.label, other[e.side], other[e.direction], e.count) for e in plain.events) == sorted(
            (e.label, e.side, e.direction, e.count) for e in turned.events
        )
    assert equal >= 23, "but for ties between labels that fit equally well"


def test_the_order_of_units_and_the_rate_do_not_matter(clips):
    case = clips[3]
    order = np.random.default_rng(0).permutation(len(UNITS))
    names = case.motion.expression_names
    shuffled = replace(case.motion, expression=case.motion.expression[:, order], expression_names=tuple(names[i] for i in order))
    assert read(shuffled) == read(case.motion)
    for name in ("surprise", "nod", "wink"):
        script = script_of(name, side="left") if name == "wink" else script_of(name, count=2 if name == "nod" else 1)
        for fps in (15.0, 25.0, 60.0):
            assert name in labels(read(perform(script, seed=2, fps=fps))), (name, fps)


def test_reading_is_deterministic_and_takes_any_length(clips):
    assert read(clips[0].motion) == read(clips[0].motion)
    for frames in (1, 2, 5, 12):
        assert read(clips[0].motion[:frames]).duration_s == pytest.approx(frames / 25)
    long = perform(Script(events=script_of("smile").events, duration_s=60.0), seed=1)
    assert "smile" in labels(read(long))


def test_motion_without_units_is_refused():
    motion = FaceMotion(
        expression=np.zeros((3, 2)), expression_names=("a", "b"), global_orient=np.zeros((3, 3)), transl=np.zeros((3, 3)), face_model="flame-2020"
    )
    with pytest.raises(InputError, match="expected the 52 ARKit units"):
        read(motion)
