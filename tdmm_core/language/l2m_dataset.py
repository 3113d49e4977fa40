"""Training batches of Language2Motion from token clips: which clips, which sentence, what is hidden or spoilt.

Every batch is a pure function of step, seed and rank, so a resumed run needs no state of a loader.
Knows neither files nor the network; word vectors come from whichever text encoder it is given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tdmm_core.domain.clip import TokenClip
from tdmm_core.domain.motion import HELD
from tdmm_core.errors import InputError
from tdmm_core.language.config import L2MConfig
from tdmm_core.language.l2m_network import IGNORED
from tdmm_core.runtime.seeding import stream
from tdmm_core.textmodels.text_encoder import TextEncoder

Batch = dict[str, torch.Tensor]
REMEMBERED_SENTENCES = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """A clip as it is trained on."""

    codes: np.ndarray
    "(T,) int64."
    scored: np.ndarray
    "(T,) bool, False where nothing was known of the face."
    ended: bool
    "Whether the last code is the clip's own end: False where it was cut."
    sentences: tuple[str, ...]


def example_of(clip: TokenClip, config: L2MConfig) -> Example | None:
    """The clip without held frames at either end, cut to `max_frames`; None where no frame or no sentence is left.

    Raises InputError for more than one code a frame.
    """
    tokens = clip.tokens
    if tokens.codes_per_frame != 1:
        raise InputError(f"clip {clip.clip.id}: expected one code a frame, got {tokens.codes_per_frame}; train a motion tokenizer with one")
    known = np.flatnonzero(tokens.status != HELD)
    sentences = tuple(s for s in (clip.clip.prompt, *clip.clip.paraphrases) if s.strip())
    if not len(known) or not sentences:
        return None
    first, stop = int(known[0]), int(known[-1]) + 1
    cut = min(stop, first + config.max_frames)
    codes = tokens.codes[first:cut, 0].astype(np.int64)
    return Example(codes=codes, scored=tokens.status[first:cut] != HELD, ended=cut == tokens.num_frames, sentences=sentences)


def split_examples(clips: Iterable[TokenClip], config: L2MConfig) -> dict[str, list[Example]]:
    """Examples of the splits train and validation. Raises InputError when there is nothing to train on."""
    examples: dict[str, list[Example]] = {"train": [], "validation": []}
    for clip in clips:
        if clip.clip.split in examples and (example := example_of(clip, config)) is not None:
            examples[clip.clip.split].append(example)
    if not examples["train"]:
        raise InputError("tokens: expected clips of split train that have a sentence and a known frame, got none; make a larger corpus")
    return examples


class SentenceVectors:
    """Vectors of sentences, the latest of them remembered, so that a large text model is not asked twice in a row."""

    def __init__(self, encoder: TextEncoder, *, max_length: int) -> None:
        self.encoder, self.max_length = encoder, max_length
        self._known: OrderedDict[str, np.ndarray] = OrderedDict()

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        """One (L, D) float32 array a sentence, cut to the longest allowed."""
        unknown = [t for t in dict.fromkeys(texts) if t not in self._known]
        if unknown:
            for text, vectors in zip(unknown, self.encoder.encode(unknown), strict=True):
                self._known[text] = vectors[: self.max_length].astype(np.float16)
        for text in texts:
            self._known.move_to_end(text)
        found = [self._known[t].astype(np.float32) for t in texts]
        while len(self._known) > REMEMBERED_SENTENCES:
            self._known.popitem(last=False)
        return found


class L2MBatches:
    """Draws training and validation batches."""

    def __init__(self, examples: dict[str, list[Example]], encoder: TextEncoder, config: L2MConfig, *, num_codes: int, seed: int) -> None:
        self.examples, self.config, self.num_codes, self.seed = examples, config, num_codes, seed
        self.vectors = SentenceVectors(encoder, max_length=config.max_text_length)
        self._order: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int64))

    def train(self, step: int, *, batch_size: int, rank: int = 0, world_size: int = 1) -> Batch:
        """This rank's batch of `batch_size` clips at `step`: each clip once an epoch, one of its sentences, spoilt at random."""
        first = (step * world_size + rank) * batch_size
        chosen = [self._clip(i) for i in range(first, first + batch_size)]
        rng = stream(self.seed, "l2m batch", step, rank)
        texts = [e.sentences[rng.integers(len(e.sentences))] for e in chosen]
        words = [self._spoil_words(v, rng) for v in self.vectors(texts)]
        told = [len(e.codes) if e.ended and rng.random() >= self.config.length_dropout else 0 for e in chosen]
        batch = collate(chosen, words, told, num_codes=self.num_codes)
        batch["codes"] = self._spoil_codes(batch["codes"], rng)
        return batch

    def validation(self, batch_size: int, *, with_text: bool = True) -> Iterator[Batch]:
        """Held-out clips in order, nothing spoilt, first sentence, no length told; without text for the floor beside the score."""
        examples = self.examples["validation"]
        for start in range(0, len(examples), batch_size):
            chosen = examples[start : start + batch_size]
            words = self.vectors([e.sentences[0] for e in chosen])
            words = words if with_text else [w[:0] for w in words]
            yield collate(chosen, words, [0] * len(chosen), num_codes=self.num_codes)

    def _clip(self, index: int) -> Example:
        train = self.examples["train"]
        epoch, place = divmod(index, len(train))
        if self._order[0] != epoch:
            self._order = (epoch, stream(self.seed, "l2m epoch", epoch).permutation(len(train)))
        return train[self._order[1][place]]

    def _spoil_words(self, words: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() < self.config.condition_dropout:
            return words[:0]
        kept = words[rng.random(len(words)) >= self.config.word_dropout]
        spread = self.config.word_noise * words.std() if len(words) else 0.0
        return kept + spread * rng.standard_normal(kept.shape, dtype=np.float32)

    def _spoil_codes(self, codes: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        """Replace codes by others of the batch; each clip has its own share, from none to twice the mean."""
        share = 2 * self.config.code_noise * rng.random((len(codes), 1))
        spoilt = torch.from_numpy(rng.random(codes.shape) < share)
        others = codes.flatten()[torch.from_numpy(rng.permutation(codes.numel()))].view_as(codes)
        return torch.where(spoilt, others, codes)


def collate(examples: Sequence[Example], words: Sequence[np.ndarray], lengths: Sequence[int], *, num_codes: int) -> Batch:
    """Pad words on the left, codes on the right, and lay out the targets; see L2MNetwork.forward for the shapes."""
    num_pieces = max(1, *(len(w) for w in words))
    num_frames = max(len(e.codes) for e in examples)
    batch = pad_words(words, num_pieces)
    codes = np.zeros((len(examples), num_frames), np.int64)
    targets = np.full((len(examples), num_frames + 1), IGNORED, np.int64)
    for row, example in enumerate(examples):
        frames = len(example.codes)
        codes[row, :frames] = example.codes
        targets[row, :frames] = np.where(example.scored, example.codes, IGNORED)
        targets[row, frames] = num_codes if example.ended else IGNORED
    return batch | {"lengths": torch.tensor(lengths), "codes": torch.from_numpy(codes), "targets": torch.from_numpy(targets)}


def pad_words(words: Sequence[np.ndarray], num_pieces: int) -> Batch:
    """`words` (B, num_pieces, D) with zeros on the left and `word_mask` (B, num_pieces), True at pieces."""
    padded = np.zeros((len(words), num_pieces, words[0].shape[1]), np.float32)
    mask = np.zeros((len(words), num_pieces), bool)
    for row, vectors in enumerate(words):
        start = num_pieces - len(vectors)
        padded[row, start:] = vectors
        mask[row, start:] = True
    return {"words": torch.from_numpy(padded), "word_mask": torch.from_numpy(mask)}
