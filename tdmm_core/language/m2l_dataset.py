"""Training batches of Motion2Language: which clip, which question with its answer, what is spoilt.

Every batch is a pure function of step, seed and rank, so a resumed run needs no state of a loader. Knows neither files nor the network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.language.m2l_examples import Example
from tdmm_core.language.m2l_prompting import DESCRIBE, NAME, Prompt, PromptWriter
from tdmm_core.runtime.seeding import stream

Batch = dict[str, torch.Tensor]
IGNORED = -100
SCORED = 256
"Held-out clips that are scored at most: on a CPU a thousand would take as long as the training between two validations."
_POOL = 16
"Parts whose rows are drawn and sorted by length together."


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """A prompt with its answer."""

    prompt: Prompt
    answer: np.ndarray
    "(A,) int64 text ids."


class M2LBatches:
    """Draws training and validation batches."""

    def __init__(self, examples: dict[str, list[Example]], writer: PromptWriter, config: M2LConfig, *, near: np.ndarray, seed: int) -> None:
        """`near` (W, n): for each code's word those of near codes, which stand in for it in training."""
        self.examples, self.writer, self.config, self.near, self.seed = examples, writer, config, near, seed
        self._still = [e for e in examples["train"] if e.still]
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
        return self._plain(batch_size, [(a.codes, DESCRIBE[0], b.description) for a, b in zip(shown, held_out, strict=True)])

    def naming(self, batch_size: int) -> Iterator[Batch]:
        """Held-out clips that have a label, asked for it."""
        return self._plain(batch_size, [(e.codes, NAME[0], e.label) for e in self.held_out() if e.label])

    def everything(self, batch_size: int) -> Iterator[Batch]:
        """Held-out clips, each asked one question of the many, the kinds in turn: what the apprentice is measured by."""
        pairs = []
        for i, e in enumerate(self.held_out()):
            kinds = sorted(e.kinds)
            one = e.kinds[kinds[i % len(kinds)]][0]
            pairs.append((e.codes, one.question, one.answer))
        return self._plain(batch_size, pairs)

    def held_out(self) -> list[Example]:
        """The held-out clips that are scored, by length: all of them, or `SCORED` spread evenly over the split."""
        found = self.examples["validation"]
        count = min(len(found), SCORED)
        return sorted((found[i * len(found) // count] for i in range(count)), key=lambda e: len(e.codes))

    def _plain(self, batch_size: int, asked: Sequence[tuple[np.ndarray, str, str]]) -> Iterator[Batch]:
        longest = self.config.max_answer_length
        rows = [Row(prompt=self.writer.prompt(c, question), answer=self.writer.answer(text, longest=longest)) for c, question, text in asked]
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
        """Row `index` of the whole run, its clip, question and noise drawn from a stream of its own."""
        example, rng = self._clip(index), stream(self.seed, "m2l row", index)
        if self._still and rng.random() < self.config.still_share:
            example = self._still[rng.integers(len(self._still))]
        others = [k for k in example.kinds if k != "describe"]
        kind = "describe" if not others or rng.random() < self.config.description_share else others[rng.integers(len(others))]
        asked = example.kinds[kind][rng.integers(len(example.kinds[kind]))]
        codes = self._spoilt(example.codes, rng)
        prompt = self.writer.prompt(codes, asked.question, first=int(rng.integers(self.config.frame_stride)))
        return Row(prompt=prompt, answer=self.writer.answer(asked.answer, longest=self.config.max_answer_length))

    def _spoilt(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Codes replaced by near ones; each clip has its own share, from none to twice the mean."""
        share = 2 * self.config.code_noise * rng.random()
        numbers = self.writer.vocabulary.numbers(codes).reshape(codes.shape)
        struck = rng.random(codes.shape) < share
        others = self.near[numbers, rng.integers(self.near.shape[1], size=codes.shape)] % self.writer.vocabulary.num_codes
        return np.where(struck, others, codes)


def collate(rows: Sequence[Row], pad_id: int) -> Batch:
    """Rows padded on the left, so that all answers end together.

    `text` and `motion` (B, L) as in Prompt, `mask` (B, L) 1 at words, `targets` (B, A): what each of the last A positions is to
    say next, IGNORED where its row is still asking; `codes` (B, T, Q) word numbers for the gist, -1 after a row's end.
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
    tensors = {name: torch.from_numpy(value) for name, value in (("text", text), ("motion", motion), ("mask", mask), ("targets", targets))}
    if all(r.prompt.codes is not None for r in rows):
        tensors["codes"] = side_by_side([r.prompt.codes for r in rows if r.prompt.codes is not None])
    return tensors


def side_by_side(codes: Sequence[np.ndarray]) -> torch.Tensor:
    """Word numbers (B, T, Q) of motions of any length, -1 after each one's end."""
    longest = max(map(len, codes))
    table = np.full((len(codes), longest, codes[0].shape[1]), -1, np.int64)
    for i, one in enumerate(codes):
        table[i, : len(one)] = one
    return torch.from_numpy(table)
