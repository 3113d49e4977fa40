"""The hand-written prompts stay what they are for: words that the suite does not use."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from hand_prompts import hand_prompts

from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.sentence_reader import read_sentence


def test_there_are_sixty_and_each_is_asked_once():
    prompts = hand_prompts()
    assert len(prompts) == len({p.prompt for p in prompts}) == 60
    assert sum(not p.script.events for p in prompts) == 3
    assert {kind for p in prompts for kind, _ in p.said} == {"side", "direction", "count", "tempo", "strength"}


def test_no_prompt_names_what_it_asks_for_in_the_words_of_the_suite():
    lexicon = load_lexicon()
    for one in hand_prompts():
        asked = {lexicon.label(e.label).family for e in one.script.events}
        named = {lexicon.label(n.pattern.label).family for n in read_sentence(one.prompt)}
        assert not asked & named, one.prompt
