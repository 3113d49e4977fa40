"""Asking a Motion2Language model: codes and a question in, an answer out; long motion is read in windows. Knows no file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.language.m2l_model import M2LModel
from tdmm_core.language.m2l_prompting import Prompt
from tdmm_core.textmodels.causal import continue_shown

Told = Callable[[int], None]
Heard = Callable[[str], None]
_SUMMED = 3


def answer(
    model: M2LModel, motions: Sequence[np.ndarray], question: str | Sequence[str], config: DescribeConfig, *, seed: int = 0, told: Told | None = None
) -> list[str]:
    """One answer for each motion's codes (T, Q), to one question or each to its own. `told` hears after each batch how many windows were read.

    A motion longer than the model reads at once is answered window by window, each answer with its time. Always the likeliest words
    unless a temperature is set. Motions of like length are read together, so that little is padded.
    """
    about, writer = model.about, model.writer
    windows = [windows_of(len(codes), about.max_frames) for codes in motions]
    places = [(i, span) for i, spans in enumerate(windows) for span in spans]
    questions = [question] * len(motions) if isinstance(question, str) else question
    rows = [writer.prompt(motions[i][start:stop], questions[i]) for i, (start, stop) in places]
    answers = [""] * len(rows)
    order = sorted(range(len(rows)), key=lambda r: len(rows[r].text))
    for start in range(0, len(order), config.batch_size):
        batch = order[start : start + config.batch_size]
        for r, text in zip(batch, _said(model, [rows[r] for r in batch], config, seed=seed + start), strict=True):
            answers[r] = text
        if told is not None:
            told(len(batch))
    parts: list[list[str]] = [[] for _ in motions]
    for (i, _), text in zip(places, answers, strict=True):
        parts[i].append(text)
    return [_joined(texts, spans, about.fps) for texts, spans in zip(parts, windows, strict=True)]


def spoken_answer(model: M2LModel, codes: np.ndarray, question: str, config: DescribeConfig, heard: Heard, *, seed: int = 0) -> str:
    """The answer to one motion as `answer` gives it; `heard` is told the words as they come."""
    about, writer = model.about, model.writer
    spans = windows_of(len(codes), about.max_frames)
    found = []
    for number, (start, stop) in enumerate(spans):
        if len(spans) > 1:
            heard(f"{' ' if number else ''}{timed((start, stop), about.fps)} ")
        found.append(_said(model, [writer.prompt(codes[start:stop], question)], config, seed=seed + number, heard=heard)[0])
    if len(spans) > 1:
        heard(f" {summed_up(found)}")
    return _joined(found, spans, about.fps)


def _joined(texts: Sequence[str], spans: Sequence[tuple[int, int]], fps: float) -> str:
    """The windows' answers with their times, and what they come to; a single one as it is."""
    if len(texts) == 1:
        return texts[0]
    return " ".join([*(f"{timed(span, fps)} {text}" for span, text in zip(spans, texts, strict=True)), summed_up(texts)])


def summed_up(answers: Sequence[str]) -> str:
    """What the answers to a long motion's windows come to: the commonest of them, in the windows' own words, and how many windows gave each."""
    counts = Counter(a.rstrip(".") for a in answers).most_common()
    said = [f"{text} ({count} of {len(answers)})" for text, count in counts[:_SUMMED]]
    rest = len(counts) - len(said)
    more = f"; {rest} other answer{'s' if rest > 1 else ''}" if rest else ""
    return f"In all: {'; '.join(said)}{more}."


def _said(model: M2LModel, prompts: Sequence[Prompt], config: DescribeConfig, *, seed: int, heard: Heard | None = None) -> list[str]:
    shown = model.embedded(prompts)
    return continue_shown(
        model.model, shown, longest=config.max_words, temperature=config.temperature, seed=seed, forbidden=model.word_ids, heard=heard
    )


def windows_of(num_frames: int, longest: int) -> list[tuple[int, int]]:
    """The fewest windows of about equal length, none longer than `longest`, that cover the frames once: (start, stop)."""
    count = max(1, -(-num_frames // longest))
    cuts = np.linspace(0, num_frames, count + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in pairwise(cuts)]


def timed(span: tuple[int, int], fps: float) -> str:
    """How an answer about a window begins."""
    return f"From {span[0] / fps:.0f} to {span[1] / fps:.0f} s:"
