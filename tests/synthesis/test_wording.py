"""Prompts of the backends: the facial sentence is standard, the clauses around it are each backend's own."""

from __future__ import annotations

import pytest

from tdmm_core.synthesis.generator_config import GeneratorConfig
from tdmm_core.synthesis.known import BACKENDS, NEGATIVE, SCRIPTED, resolve
from tdmm_core.synthesis.subjects import AGES, COMPLEXIONS, GENDERS, Subject
from tdmm_core.synthesis.wording import described, video_prompt

SENTENCE = "the woman pouts softly, then smiles"
WHO = Subject(id="s", split="train", age="older adult", gender="female", complexion="tan", seed=1)
GENERATORS = [b for b in BACKENDS if b != SCRIPTED]


@pytest.mark.parametrize("backend", GENERATORS)
def test_the_facial_sentence_stands_whole_in_every_prompt(backend):
    prompt = video_prompt(SENTENCE, WHO, backend)
    assert "The woman pouts softly, then smiles. The frame remains steady, with the head and shoulders centred." in prompt
    assert "n elderly woman with tan skin" in prompt and prompt[0].isupper() and prompt.endswith(".") and ".." not in prompt
    assert video_prompt("Does she smile?", WHO, backend).count("Does she smile? The frame") == 1


def test_clauses_differ_between_families_and_agree_within():
    prompts = {b: video_prompt(SENTENCE, WHO, b) for b in GENERATORS}
    assert len({prompts[b] for b in GENERATORS if b.startswith("wan")}) == 1
    assert len(set(prompts.values())) == 5
    assert "dialogue" in prompts["veo"] and "dialogue" not in prompts["wan2.1"]


def test_every_subject_has_words_of_its_own():
    everyone = [Subject(id="s", split="train", age=a, gender=g, complexion=c, seed=0) for a in AGES for g in GENDERS for c in COMPLEXIONS]
    assert len({described(s) for s in everyone}) == len(everyone)


@pytest.mark.parametrize(
    ("backend", "size", "frames", "fps", "steps", "guidance", "low", "shift"),
    [
        ("wan2.1", (832, 480), 81, 16, 50, 5.0, None, 3.0),
        ("wan2.1-14b", (1280, 720), 81, 16, 50, 5.0, None, 5.0),
        ("wan2.2", (1280, 704), 121, 24, 50, 5.0, None, None),
        ("wan2.2-14b", (1280, 720), 81, 16, 40, 4.0, 3.0, None),
    ],
)
def test_settings_are_those_that_the_authors_show(backend, size, frames, fps, steps, guidance, low, shift):
    found = resolve(backend, GeneratorConfig())
    assert (found.width_px, found.height_px) == size and (found.num_frames, found.fps, found.steps) == (frames, fps, steps)
    assert (found.guidance, found.low_noise_guidance, found.flow_shift, found.negative_prompt) == (guidance, low, shift, NEGATIVE)
