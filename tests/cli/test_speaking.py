"""What `tdmm describe` prints: whose answer it is where there are several, and the conversation until an empty line."""

from __future__ import annotations

import io
import sys

import pytest

from tdmm_cli.speaking import Speaker, talk
from tdmm_core.errors import InputError


def test_one_answer_stands_alone_and_several_say_whose_they_are() -> None:
    for questions, clip, told in ((1, "", "Yes.\n"), (2, "", "Blink?\tYes.\n"), (2, "a", "a\tBlink?\tYes.\n"), (1, "a", "a\tYes.\n")):
        out = io.StringIO()
        speaker = Speaker(out, questions=questions)
        for piece in ("", "Ye", "s.", "\n"):
            speaker(clip, "Blink?", piece)
        assert out.getvalue() == told


def test_an_answer_that_comes_again_says_again_whose_it_is() -> None:
    out = io.StringIO()
    speaker = Speaker(out, questions=2)
    for _ in range(2):
        speaker("", "Blink?", "Yes.\n")
    assert out.getvalue() == "Blink?\tYes.\n" * 2


def test_a_conversation_ends_with_an_empty_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    class Talk:
        def ask(self, question: str, spoken: Speaker) -> None:
            asked.append(question)
            spoken("", question, f"About {question}\n")

    monkeypatch.setattr(sys, "stdin", io.StringIO("What?\nHow?\n\nNever?\n"))
    talk(Talk, refused={"-q": []})  # type: ignore[arg-type]
    assert asked == ["What?", "How?"] and capsys.readouterr().out == "About What?\nAbout How?\n"
    with pytest.raises(InputError, match="does not go with --json"):
        talk(Talk, refused={"-q": [], "--json": True})  # type: ignore[arg-type]
