"""Asking a Motion2Language model: codes and a question in, an answer out; long motion is read in windows. Knows no file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.language.m2l_model import M2LModel
from tdmm_core.language.m2l_prompting import Prompt, PromptWriter
from tdmm_core.textmodels.causal import continue_rows

Told = Callable[[int], None]


def answer(
    model: M2LModel, motions: Sequence[np.ndarray], question: str, config: DescribeConfig, *, seed: int = 0, told: Told | None = None
) -> list[str]:
    """One answer for each motion's codes (T, Q). `told` hears after each batch how many windows were read.

    A motion longer than the model reads at once is answered window by window, each answer with its time. Always the likeliest words
    unless a temperature is set. Motions of like length are read together, so that little is padded.
    """
    about = model.about
    writer = PromptWriter(model.model, about.vocabulary, prompting=about.prompting, stride=about.frame_stride)
    windows = [windows_of(len(codes), about.max_frames) for codes in motions]
    places = [(i, span) for i, spans in enumerate(windows) for span in spans]
    rows = [_ids(writer.prompt(motions[i][start:stop], question), model) for i, (start, stop) in places]
    answers = [""] * len(rows)
    order = sorted(range(len(rows)), key=lambda r: len(rows[r]))
    for start in range(0, len(order), config.batch_size):
        batch = order[start : start + config.batch_size]
        chosen = [rows[r] for r in batch]
        found = continue_rows(
            model.model, chosen, longest=config.max_words, temperature=config.temperature, seed=seed + start, forbidden=model.word_ids
        )
        for r, text in zip(batch, found, strict=True):
            answers[r] = text
        if told is not None:
            told(len(batch))
    parts: list[list[str]] = [[] for _ in motions]
    for (i, span), text in zip(places, answers, strict=True):
        parts[i].append(text if len(windows[i]) == 1 else f"{timed(span, about.fps)} {text}")
    return [" ".join(p) for p in parts]


def windows_of(num_frames: int, longest: int) -> list[tuple[int, int]]:
    """The fewest windows of about equal length, none longer than `longest`, that cover the frames once: (start, stop)."""
    count = max(1, -(-num_frames // longest))
    cuts = np.linspace(0, num_frames, count + 1).round().astype(int)
    return [(int(a), int(b)) for a, b in pairwise(cuts)]


def timed(span: tuple[int, int], fps: float) -> str:
    """How an answer about a window begins."""
    return f"From {span[0] / fps:.0f} to {span[1] / fps:.0f} s:"


def _ids(prompt: Prompt, model: M2LModel) -> list[int]:
    table = np.asarray(model.word_ids)
    return np.where(prompt.motion >= 0, table[np.maximum(prompt.motion, 0)], prompt.text).tolist()
