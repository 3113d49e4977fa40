"""Training batches of Motion2Language from token clips: which clip, which question, which of its sentences, what is spoilt.

Every batch is a pure function of step, seed and rank, so a resumed run needs no state of a loader. Knows neither files nor the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tdmm_core.domain.clip import TokenClip
from tdmm_core.errors import InputError
from tdmm_core.language.m2l_answers import descriptions
from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.language.m2l_prompting import DESCRIBE, NAME, Prompt, PromptWriter
from tdmm_core.language.motion_words import known_codes
from tdmm_core.runtime.seeding import stream

Batch = dict[str, torch.Tensor]
IGNORED = -100
_POOL = 16
"Batches that are sorted by length together."
_NEAR = 8
"Near codes that stand in for one another."


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """A clip as it is trained on."""

    codes: np.ndarray
    "(T, Q) uint16, T at most `max_frames`."
    answers: tuple[str, ...]
    "Descriptions, plainest first."
    label: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """A prompt with its answer."""

    prompt: Prompt
    answer: np.ndarray
    "(A,) int64 text ids."


def split_examples(clips: Iterable[TokenClip], config: M2LConfig) -> dict[str, list[Example]]:
    """Examples of the splits train and validation. Raises InputError when there is nothing to train on."""
    examples: dict[str, list[Example]] = {"train": [], "validation": []}
    for item in clips:
        answers = descriptions(item.clip)
        if item.clip.split in examples and answers and item.tokens.num_frames:
            codes = known_codes(item.tokens)[: config.max_frames]
            examples[item.clip.split].append(Example(codes=codes, answers=answers, label=item.clip.label.replace("_", " ")))
    if not examples["train"]:
        raise InputError("tokens: expected clips of split train that have a sentence and a frame, got none; make a larger corpus")
    return examples


class M2LBatches:
    """Draws training and validation batches."""

    def __init__(self, examples: dict[str, list[Example]], writer: PromptWriter, config: M2LConfig, *, near: np.ndarray, seed: int) -> None:
        self.examples, self.writer, self.config, self.near, self.seed = examples, writer, config, near[:, :_NEAR], seed
        self._lengths = np.array([len(e.codes) for e in examples["train"]])
        self._epoch: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))
        self._pool: tuple[tuple[int, int], np.ndarray] = ((-1, 0), np.zeros((0, 0), np.int64))

    def train(self, part: int, *, batch_size: int, rank: int = 0, world_size: int = 1) -> Batch:
        """This process's `batch_size` rows of a part of the run (see `TrainingTask`); the clips of a part are of like length."""
        chosen = self._clips(part, batch_size * world_size)[rank::world_size]
        rng = stream(self.seed, "m2l batch", part, rank)
        return collate([self._row(self.examples["train"][i], rng) for i in chosen], self.writer.model.end_id)

    def validation(self, batch_size: int, *, mismatched: bool = False) -> Iterator[Batch]:
        """Held-out clips in order of length: the first question, the plainest description, nothing spoilt.

        `mismatched` asks about the next clip's motion instead, for the floor beside the score: what sentences alone tell.
        """
        held_out = self._held_out()
        shown = held_out[1:] + held_out[:1] if mismatched else held_out
        return self._plain(batch_size, DESCRIBE[0], [(a.codes, b.answers[0]) for a, b in zip(shown, held_out, strict=True)])

    def naming(self, batch_size: int) -> Iterator[Batch]:
        """Held-out clips that have a label, asked for it."""
        return self._plain(batch_size, NAME[0], [(e.codes, e.label) for e in self._held_out() if e.label])

    def _held_out(self) -> list[Example]:
        return sorted(self.examples["validation"], key=lambda e: len(e.codes))

    def _plain(self, batch_size: int, question: str, pairs: Sequence[tuple[np.ndarray, str]]) -> Iterator[Batch]:
        longest = self.config.max_answer_length
        rows = [Row(prompt=self.writer.prompt(codes, question), answer=self.writer.answer(text, longest=longest)) for codes, text in pairs]
        for start in range(0, len(rows), batch_size):
            yield collate(rows[start : start + batch_size], self.writer.model.end_id)

    def _clips(self, part: int, count: int) -> np.ndarray:
        """Clips of a part: each once an epoch, sorted by length within a pool of parts, the parts in any order."""
        pool, place = divmod(part, _POOL)
        if self._pool[0] != (pool, count):
            drawn = np.array([self._draw(i) for i in range(pool * _POOL * count, (pool + 1) * _POOL * count)])
            parts = drawn[np.argsort(self._lengths[drawn], kind="stable")].reshape(_POOL, count)
            self._pool = ((pool, count), parts[stream(self.seed, "m2l pool", pool).permutation(_POOL)])
        return self._pool[1][place]

    def _draw(self, index: int) -> int:
        """The clip at a place of the endless row of shuffled epochs."""
        size = len(self.examples["train"])
        epoch, place = divmod(index, size)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, stream(self.seed, "m2l epoch", epoch).permutation(size))
        return int(self._epoch[1][place])

    def _row(self, example: Example, rng: np.random.Generator) -> Row:
        naming = bool(example.label) and rng.random() < self.config.naming_share
        questions = NAME if naming else DESCRIBE
        question = questions[0] if rng.random() < 0.5 else questions[rng.integers(len(questions))]
        text = example.label if naming else self._choose(example.answers, rng)
        prompt = self.writer.prompt(example.codes, question, first=int(rng.integers(self.config.frame_stride)))
        prompt = Prompt(text=prompt.text, motion=self._spoilt(prompt.motion, rng))
        return Row(prompt=prompt, answer=self.writer.answer(text, longest=self.config.max_answer_length))

    def _choose(self, answers: Sequence[str], rng: np.random.Generator) -> str:
        return answers[0] if self.config.answers == "plainest" else answers[rng.integers(len(answers))]

    def _spoilt(self, motion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Codes replaced by near ones; each clip has its own share, from none to twice the mean."""
        share = 2 * self.config.code_noise * rng.random()
        struck = (motion >= 0) & (motion < self.writer.vocabulary.num_codewords) & (rng.random(motion.shape) < share)
        others = self.near[np.maximum(motion, 0), rng.integers(self.near.shape[1], size=motion.shape)]
        return np.where(struck, others, motion)


def collate(rows: Sequence[Row], pad_id: int) -> Batch:
    """Rows padded on the left, so that all answers end together.

    `text` and `motion` (B, L) as in Prompt, `mask` (B, L) 1 at words, `targets` (B, A): what each of the last A positions is to
    say next, IGNORED where its row is still asking.
    """
    longest = max(len(r.prompt.text) + len(r.answer) - 1 for r in rows)
    num_last = max(len(r.answer) for r in rows)
    text = np.full((len(rows), longest), pad_id, np.int64)
    motion = np.full((len(rows), longest), -1, np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    targets = np.full((len(rows), num_last), IGNORED, np.int64)
    for i, row in enumerate(rows):
        words = np.concatenate([row.prompt.text, row.answer[:-1]])
        start = longest - len(words)
        text[i, start:], mask[i, start:] = words, 1
        motion[i, start : start + len(row.prompt.motion)] = row.prompt.motion
        targets[i, num_last - len(row.answer) :] = row.answer
    return {name: torch.from_numpy(value) for name, value in (("text", text), ("motion", motion), ("mask", mask), ("targets", targets))}
