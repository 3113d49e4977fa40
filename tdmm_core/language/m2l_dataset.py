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
SCORED = 256
"Held-out clips that are scored at most: on a CPU a thousand would take as long as the training between two validations."
_POOL = 16
"Parts whose rows are drawn and sorted by length together."


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
        """`near` (W, n): for each code's word those of near codes, which stand in for it in training."""
        self.examples, self.writer, self.config, self.near, self.seed = examples, writer, config, near, seed
        self._epoch: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))
        self._pool: tuple[tuple[int, int], list[list[Row]]] = ((-1, 0), [])

    def train(self, part: int, *, batch_size: int, rank: int = 0, world_size: int = 1) -> Batch:
        """This process's `batch_size` rows of a part of the run (see `TrainingTask`); the rows of a part are of like length."""
        return collate(self._part(part, batch_size * world_size)[rank::world_size], self.writer.model.end_id)

    def validation(self, batch_size: int, *, mismatched: bool = False) -> Iterator[Batch]:
        """Held-out clips in order of length: the first question, the plainest description, nothing spoilt.

        `mismatched` asks about the next clip's motion instead, for the floor beside the score: what sentences alone tell.
        """
        held_out = self.held_out()
        shown = held_out[1:] + held_out[:1] if mismatched else held_out
        return self._plain(batch_size, DESCRIBE[0], [(a.codes, b.answers[0]) for a, b in zip(shown, held_out, strict=True)])

    def naming(self, batch_size: int) -> Iterator[Batch]:
        """Held-out clips that have a label, asked for it."""
        return self._plain(batch_size, NAME[0], [(e.codes, e.label) for e in self.held_out() if e.label])

    def held_out(self) -> list[Example]:
        """The held-out clips that are scored, by length: all of them, or `SCORED` spread evenly over the split."""
        found = self.examples["validation"]
        count = min(len(found), SCORED)
        return sorted((found[i * len(found) // count] for i in range(count)), key=lambda e: len(e.codes))

    def _plain(self, batch_size: int, question: str, pairs: Sequence[tuple[np.ndarray, str]]) -> Iterator[Batch]:
        longest = self.config.max_answer_length
        rows = [Row(prompt=self.writer.prompt(codes, question), answer=self.writer.answer(text, longest=longest)) for codes, text in pairs]
        for start in range(0, len(rows), batch_size):
            yield collate(rows[start : start + batch_size], self.writer.model.end_id)

    def _part(self, part: int, count: int) -> list[Row]:
        """The rows of a part: drawn for a pool of parts together, sorted by length there, the parts in any order."""
        pool, place = divmod(part, _POOL)
        if self._pool[0] != (pool, count):
            first = pool * _POOL * count
            rows = sorted((self._row(i) for i in range(first, first + _POOL * count)), key=lambda r: len(r.prompt.text) + len(r.answer))
            order = stream(self.seed, "m2l pool", pool).permutation(_POOL)
            self._pool = ((pool, count), [rows[i * count : (i + 1) * count] for i in order])
        return self._pool[1][place]

    def _clip(self, index: int) -> Example:
        """The clip at a place of the endless row of shuffled epochs."""
        train = self.examples["train"]
        epoch, place = divmod(index, len(train))
        if self._epoch[0] != epoch:
            self._epoch = (epoch, stream(self.seed, "m2l epoch", epoch).permutation(len(train)))
        return train[self._epoch[1][place]]

    def _row(self, index: int) -> Row:
        """Row `index` of the whole run, its question, answer and noise drawn from a stream of its own."""
        example, rng = self._clip(index), stream(self.seed, "m2l row", index)
        naming = bool(example.label) and rng.random() < self.config.naming_share
        questions = NAME if naming else DESCRIBE
        question = questions[0] if rng.random() < 0.5 else questions[rng.integers(len(questions))]
        any_answer = example.answers[rng.integers(len(example.answers))]
        text = example.label if naming else example.answers[0] if self.config.answers == "plainest" else any_answer
        prompt = self.writer.prompt(example.codes, question, first=int(rng.integers(self.config.frame_stride)))
        prompt = Prompt(text=prompt.text, motion=self._spoilt(prompt.motion, rng))
        return Row(prompt=prompt, answer=self.writer.answer(text, longest=self.config.max_answer_length))

    def _spoilt(self, motion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Codes replaced by near ones; each clip has its own share, from none to twice the mean."""
        share = 2 * self.config.code_noise * rng.random()
        struck = (motion >= 0) & (motion < self.writer.vocabulary.num_codewords) & (rng.random(motion.shape) < share)
        others = self.near[motion.clip(0, len(self.near) - 1), rng.integers(self.near.shape[1], size=motion.shape)]
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
