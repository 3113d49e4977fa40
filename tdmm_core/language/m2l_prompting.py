"""Task templates: how motion, question and answer are laid out for a language model. Knows word ids, not files and not networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import Prompting
from tdmm_core.language.motion_words import MotionVocabulary
from tdmm_core.textmodels.causal import CausalModel

DESCRIBE = (
    "Describe the facial motion.",
    "What does the face do?",
    "What expression and movement can be seen?",
    "Tell what happens in this face, in order.",
)
"Questions answered by a description; the first is asked unless the user asks another."
NAME = ("Name the main expression or movement.", "What is this called, in a word or two?")
"Questions answered by a label."


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompt:
    """A motion and a question as one row of words; motion words and text words have numbers of their own."""

    text: np.ndarray
    "(L,) int64 ids of text words, 0 where a motion word stands."
    motion: np.ndarray
    "(L,) int64 numbers of motion words, or places of gist words; -1 where a text word stands."
    codes: np.ndarray | None = None
    "(T, Q) int64 numbers of every code's word, of which the gist is made; None where motion words are shown themselves."


class PromptWriter:
    """Lays out prompts and answers in the words of one language model."""

    def __init__(self, model: CausalModel, vocabulary: MotionVocabulary, *, prompting: Prompting, stride: int, gist_frames: int = 0) -> None:
        self.model, self.vocabulary, self.prompting, self.stride, self.gist_frames = model, vocabulary, prompting, stride, gist_frames
        self._frames: dict[str, tuple[list[int], list[int]]] = {}

    def prompt(self, codes: np.ndarray, question: str, *, first: int = 0) -> Prompt:
        """The prompt for codes (T, Q): gist words for every `gist_frames`, or a word for each code of every `stride`-th frame from `first` on."""
        before, after = self._frame(question)
        numbers = None
        if self.gist_frames:
            numbers = self.vocabulary.numbers(codes).reshape(codes.shape)
            words = np.arange(-(-len(codes) // self.gist_frames))
        else:
            read = codes[min(first, len(codes) - 1) :: self.stride]
            words = np.concatenate([[self.vocabulary.start], self.vocabulary.numbers(read), [self.vocabulary.end]])
        text = np.concatenate([before, np.zeros(len(words)), after]).astype(np.int64)
        motion = np.concatenate([np.full(len(before), -1), words, np.full(len(after), -1)]).astype(np.int64)
        return Prompt(text=text, motion=motion, codes=numbers)

    def answer(self, text: str, *, longest: int) -> np.ndarray:
        """Ids (A,) int64 of an answer with the word that ends it, cut to `longest`."""
        lead = "" if self.prompting == "chat" else " "
        return np.array([*self.model.ids(lead + text), self.model.end_id][:longest], np.int64)

    def _frame(self, question: str) -> tuple[list[int], list[int]]:
        """Ids before and after the motion."""
        if question not in self._frames:
            before, after = self._chat(question) if self.prompting == "chat" else ("", f" {question}")
            start = self.model.start_ids if self.prompting == "plain" else []
            self._frames[question] = (start + self.model.ids(before), self.model.ids(after))
        return self._frames[question]

    def _chat(self, question: str) -> tuple[str, str]:
        mark = "\N{OBJECT REPLACEMENT CHARACTER}"
        try:
            laid_out = self.model.chat(f"{mark}\n{question}")
        except ValueError as e:
            raise InputError(f"prompting chat: language model {self.model.name} has no chat template; set m2l.prompting=plain") from e
        before, _, after = laid_out.partition(mark)
        return before, after
