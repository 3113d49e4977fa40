"""Which sentences answer a question about motion, and that nobody in them has a sex or an age."""

from __future__ import annotations

import pytest

from tdmm_core.domain.clip import Clip
from tdmm_core.language.m2l_answers import descriptions, impersonal
from tdmm_core.performance.sentences import write_sentences
from tdmm_core.synthesis.config import SynthConfig


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("She is pouting gently.", "The person is pouting gently."),
        ("The young woman nods her head twice.", "The person nods their head twice."),
        ("An old man smiles; a moment later he frowns to himself.", "The person smiles; a moment later the person frowns to themselves."),
        ("First someone blinks, then they nod.", "First the person blinks, then they nod."),
        ("the face shows surprise", "The face shows surprise."),
        ("The speaker raises their left eyebrow.", "The person raises their left eyebrow."),
    ],
)
def test_people_are_told_of_alike(said: str, told: str) -> None:
    assert impersonal(said) == told
    assert impersonal(told) == told


def test_orders_and_names_give_way_to_statements_and_the_plainest_comes_first() -> None:
    clip = Clip(
        id="a",
        prompt="The young woman became really astonished after pushing out her lip.",
        paraphrases=("Push out your lip, then look astonished.", "a pout, then an astonished look", "A man pouts and then looks astonished."),
    )
    assert descriptions(clip) == (
        "The person pouts and then looks astonished.",
        "The person became really astonished after pushing out their lip.",
    )


def test_a_clip_that_has_nothing_else_is_told_by_what_it_has() -> None:
    assert descriptions(Clip(id="a", prompt="a slow pout")) == ("A slow pout.",)
    assert descriptions(Clip(id="a", prompt=" ")) == ()


def test_of_the_projects_own_sentences_orders_are_left_out() -> None:
    """Statements survive and nothing tells a person from another, over real scripts."""
    from random import Random

    from tdmm_core.performance.lexicon import load_lexicon
    from tdmm_core.synthesis.scripts import Draw, draw_script

    lexicon = load_lexicon()
    labels = list(lexicon.labels.values())
    for i in range(40):
        script = draw_script("single", labels[i * 2 % len(labels)], Draw(lexicon=lexicon, config=SynthConfig(), rng=Random(i)))
        first, *others = write_sentences(script, count=6, seed=i)
        answers = descriptions(Clip(id="a", prompt=first, paraphrases=tuple(others)))
        assert impersonal(first) in answers
        for text in answers:
            words = text.lower().replace(".", " ").replace(",", " ").split()
            assert not {"your", "yourself", "she", "he", "woman", "man", "her", "his"} & set(words), text
