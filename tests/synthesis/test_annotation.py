"""What counts as an answer of a model that looks at videos."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from tdmm_core.errors import InputError
from tdmm_core.synthesis.annotation import NUM_FRAMES, Seer, annotate, show, understood
from tdmm_core.video.writer import write_video


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("v") / "v.mp4"
    write_video(path, (np.full((700, 1300, 3), i * 3, np.uint8) for i in range(72)), fps=24)
    return path


def test_frames_are_spread_over_the_video_and_small(video):
    frames, seconds = show(video)
    pictures = [Image.open(io.BytesIO(f)) for f in frames]
    assert len(frames) == NUM_FRAMES and seconds == pytest.approx(3.0) and all(p.format == "JPEG" and max(p.size) == 512 for p in pictures)
    greys = [np.asarray(p).mean() for p in pictures]
    assert greys[0] < 12 and greys[-1] > 170 and greys == sorted(greys)


@pytest.mark.parametrize(
    ("answer", "label", "sentences"),
    [
        ('{"face": true, "label": "happiness", "sentences": ["She smiles broadly.", "A smile appears.", "She smiles broadly."]}', "happiness", 2),
        ('Sure!\n```json\n{"label": "Happy", "sentences": ["The person smiles warmly."]}\n```', "happiness", 1),
        ('{"label": "melon", "sentences": "The face stays calm."}', "", 1),
        ("1. The woman nods slowly.\n2) She is nodding slowly.", "nod", 2),
        ("- \"The man looks really angry.\"", "anger", 1),
    ],
)  # fmt: skip
def test_answers_that_are_understood(answer, label, sentences):
    found = understood(answer, 5)
    assert (found.label, len(found.sentences)) == (label, sentences) and all(s[0].isalpha() for s in found.sentences)


@pytest.mark.parametrize(
    "answer", ["", "yes", '{"sentences": []}', '{"sentences": ["ok"]}', '{"sentences": ["A cut answ', "word " * 80, '{"label": 3}']
)
def test_answers_of_no_use(answer):
    assert understood(answer, 5) is None


def test_no_more_sentences_than_wanted():
    many = json.dumps({"label": "joy", "sentences": [f"The face smiles number {i} today." for i in range(20)]})
    assert len(understood(many, 6).sentences) == 6


def test_an_answer_of_no_use_is_asked_for_once_more(video):
    asked = []

    def model(text, *, jpegs, seed):
        asked.append((seed, len(jpegs), text))
        return "hm" if seed == 0 else '{"label": "pout", "sentences": ["She pouts for a moment."]}'

    found = annotate(video, Seer(name="m", model=model), num_sentences=2)
    assert found.label == "pout" and [a[:2] for a in asked] == [(0, NUM_FRAMES), (1, NUM_FRAMES)]
    assert "list of 2 different" in asked[0][2] and "happiness" in asked[0][2]
    with pytest.raises(InputError, match=r"m gave no description: 'hm'"):
        annotate(video, Seer(name="m", model=lambda *a, **k: "hm"), num_sentences=2)
    with pytest.raises(InputError, match="no face"):
        annotate(video, Seer(name="m", model=lambda *a, **k: '{"face": false}'), num_sentences=2)
