"""What names, tables and layouts tell of videos, and which split each goes to."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tdmm_core.errors import InputError
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.footage import find_videos, gather
from tdmm_core.synthesis.label_table import read_labels
from tdmm_core.synthesis.labelling import intensity_from, label_from, sentences_for
from tdmm_core.synthesis.layouts import by_mead, by_name, by_tdmm

CONFIG = SynthConfig(num_paraphrases=3)


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    ("words", "label"),
    [
        ("happy", "happiness"), ("Angry", "anger"), ("surprised_look", "surprise"), ("head-shake", "head shake"), ("neutral", "neutral"),
        ("disgusted", "disgust"), ("raised eyebrows", "raised eyebrows"), ("clip", ""), ("IMG", ""),
    ],
)  # fmt: skip
def test_words_become_labels_of_the_lexicon(words, label):
    assert label_from(words) == label
    assert label in ("", "neutral") or label in load_lexicon().labels


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.7", 0.7), ("70%", 0.7), ("7", 0.7), ("70", 0.7), ("1", 1.0), ("level_1", 0.3), ("level_3", 0.95), ("strong", 0.77), ("loud", None),
        ("", None), ("900", None),
    ],
)  # fmt: skip
def test_intensities(text, value):
    assert intensity_from(text) == value


def test_names_of_files_and_folders():
    assert (by_name(Path("x/happy_012.mp4")).label, by_name(Path("happy_012.mp4")).intensity) == ("happiness", None)
    assert by_name(Path("strong_anger_3.mov")).label == "anger" and by_name(Path("strong_anger_3.mov")).intensity == pytest.approx(0.77)
    assert by_name(Path("sad/007.mp4")).label == "sadness"
    assert by_name(Path("holiday/IMG_2031.mp4")).label == ""


def test_mead():
    told = by_mead(Path("part0/W009/video/left_30/surprised/level_2/014.mp4"))
    assert (told.label, told.intensity, told.talking, told.subject_id, told.gender) == ("surprise", 0.6, True, "mead-W009", "female")
    assert told.about == {"view": "left_30", "emotion": "surprised", "level": 2, "take": "014"} and "research" in told.licence
    assert by_mead(Path("M003/video/front/neutral/level_1/001.mp4")).intensity is None
    for emotion in ("angry", "contempt", "disgusted", "fear", "happy", "sad", "surprised"):
        assert by_mead(Path(f"M003/video/front/{emotion}/level_1/001.mp4")).label in load_lexicon().labels
    for wrong in (
        "M003/video/front/bored/level_1/001.mp4",
        "M003/front/happy/level_1/001.mp4",
        "happy.mp4",
        "M003/video/front/happy/level_4/001.mp4",
    ):
        with pytest.raises(InputError, match="M003/video/front/happy"):
            by_mead(Path(wrong))


def test_the_authors_layout():
    told = by_tdmm(Path("prompt_0012/0034_wide_eyes_strong.mp4"))
    assert (told.label, told.intensity, told.about) == ("wide eyes", pytest.approx(0.77), {"group": "prompt_0012", "number": "0034"})
    assert by_tdmm(Path("prompt_a/0001_happy_0.8.mp4")).intensity == 0.8
    assert by_tdmm(Path("prompt_a/0001_flibbertigibbet_low.mp4")).label == "flibbertigibbet"
    with pytest.raises(InputError, match=r"prompt_0012/0034_pout_strong\.mp4"):
        by_tdmm(Path("0001_happy_0.8.mp4"))


def test_sentences_say_what_a_label_tells_and_no_more():
    class Told:
        intensity, talking, gender = 0.95, True, "male"

    class Unknown:
        intensity, talking, gender = None, False, ""

    told = [s for seed in range(20) for s in sentences_for("anger", Told(), count=4, seed=seed, taken=lambda s: False)]
    assert not any(re.search(r"\b(she|her|woman|seconds?)\b", s, re.IGNORECASE) for s in told)
    assert all(label_from(s) in ("anger", "talking") for s in told) and len(set(told)) > 20
    plain = [s for seed in range(20) for s in sentences_for("happiness", Unknown(), count=4, seed=seed, taken=lambda s: False)]
    assert not any(re.search(r"\b(she|he|her|his|woman|man|seconds?)\b", s, re.IGNORECASE) for s in plain)
    assert sentences_for("", Told(), count=4, seed=0, taken=lambda s: False) == ()
    odd = sentences_for("flibbertigibbet", Unknown(), count=2, seed=0, taken=lambda s: False)
    assert len(odd) == 2 and all("flibbertigibbet" in s for s in odd)


@pytest.mark.parametrize("label", sorted(load_lexicon().labels))
def test_every_label_can_be_written(label):
    class Told:
        intensity, talking, gender = 0.5, False, "female"

    assert sentences_for(label, Told(), count=3, seed=1, taken=lambda s: False)


def test_subjects_and_sentences_stay_in_one_split(tmp_path):
    names = [
        f"{a}/video/front/{e}/level_{i}/{t:03d}.mp4"
        for a in ("M003", "M005", "W009", "W011")
        for e in ("happy", "sad")
        for i in (1, 3)
        for t in (1, 2)
    ]
    found = gather(touched(tmp_path, *names), by_mead, CONFIG, seed=0, licence="mine")
    assert len(found) == 32 and len({f.clip.id for f in found}) == 32
    assert {f.clip.id for f in found} >= {"M003-video-front-happy-level_1-001"}
    assert len({(f.clip.subject_id, f.clip.split) for f in found}) == 4 and {f.clip.split for f in found} == {"train", "validation", "test"}
    sentences: dict[str, set[str]] = {}
    for f in found:
        for s in (f.clip.prompt, *f.clip.paraphrases):
            sentences.setdefault(s, set()).add(f.clip.split)
    assert all(len(splits) == 1 for splits in sentences.values())
    assert all(f.clip.licence == "MEAD terms of use (research only)" and f.clip.category for f in found)
    assert [f.clip for f in found] == [f.clip for f in gather(tmp_path, by_mead, CONFIG, seed=0, licence="mine")]


def test_finding_videos(tmp_path):
    touched(tmp_path, "b/x.MP4", "a.mov", "notes.txt", ".hidden/y.mp4", "a.mp4")
    assert [p.name for p in find_videos(tmp_path)] == ["a.mov", "a.mp4", "x.MP4"]
    assert [f.clip.id for f in gather(tmp_path, by_name, CONFIG, seed=0)] == ["a", "a~2", "b-x"]
    with pytest.raises(InputError, match="no such folder"):
        find_videos(tmp_path / "nowhere")
    with pytest.raises(InputError, match="got none"):
        find_videos(touched(tmp_path / "empty", "z.txt"))


def test_a_table_of_labels(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text(
        "File;Label;Caption;Paraphrases;Intensity;Subject;Gender;Split;Mood\n"
        'a.mp4;happy;"A smile; wide.";She beams.|She grins.;0.9;s1;F;test;x\n'
        "b/c;;;;;s2;;;\n",
        encoding="utf-8-sig",
    )
    found = read_labels(table)
    told = found.rows["a.mp4"]
    assert told.sentences == ("A smile; wide.", "She beams.", "She grins.") and (told.label, told.intensity, told.gender) == (
        "happiness",
        0.9,
        "female",
    )
    assert (told.subject_id, told.split, found.passed_over) == ("s1", "test", ("mood",))
    tell = found.teller(by_name)
    assert tell(Path("x/a.mp4")) is told and tell(Path("sad.mp4")).label == "sadness" and tell(Path("b/c.mp4")).subject_id == "s2"
    assert found.absent([Path("x/a.mp4"), Path("b/c.mov")]) == [] and found.absent([Path("a.mp4"), Path("c.mp4")]) == ["b/c"]
    clips = gather(touched(tmp_path / "v", "a.mp4", "sad.mp4"), tell, CONFIG, seed=0)
    assert clips[0].clip.prompt == "A smile; wide." and clips[0].clip.split == "test"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a header"), ("name,age\n", "expected a header"), ("file,label,intensity\na,happy,loud\n", "line 2: expected an intensity"),
        ("file,label,gender\na,happy,x\n", "line 2: expected gender"), ("file,label,split\na,happy,dev\n", "line 2: expected split"),
        ("file,label\na,happy\na,sad\n", "line 3 names 'a' a second time"),
    ],
)  # fmt: skip
def test_tables_that_are_refused(tmp_path, text, told):
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(InputError, match=told):
        read_labels(tmp_path / "l.csv")
    with pytest.raises(InputError, match="no such file"):
        read_labels(tmp_path / "none.csv")
