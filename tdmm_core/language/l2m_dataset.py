"""Training batches of Language2Motion from token clips: which clips, which sentence, what is hidden or spoilt.

What happens to a clip at a step is a pure function of step, clip and seed: a resumed run needs no state of a loader, and the
number of processes changes nothing.
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
from tdmm_core.training.sampling import draw_rows

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
        self._codes = np.concatenate([e.codes for e in examples["train"]])

    def train(self, part: int) -> Batch:
        """This process's share of part `part` of the training run: each clip once an epoch, one of its sentences, spoilt at random."""
        step = part // self.config.training.gradient_accumulation
        rows = draw_rows(len(self.examples["train"]), part, config=self.config.training, seed=self.seed)
        chosen = [self.examples["train"][row] for row in rows]
        streams = [stream(self.seed, "l2m clip", step, row) for row in rows]
        vectors = self.vectors([e.sentences[rng.integers(len(e.sentences))] for e, rng in zip(chosen, streams, strict=True)])
        words = [self._spoilt_words(v, rng) for v, rng in zip(vectors, streams, strict=True)]
        told = [len(e.codes) if e.ended and rng.random() >= self.config.length_dropout else 0 for e, rng in zip(chosen, streams, strict=True)]
        read = [self._spoilt_codes(e.codes, rng) for e, rng in zip(chosen, streams, strict=True)]
        return collate(chosen, words, told, read=read, num_codes=self.num_codes)

    def validation(self, batch_size: int) -> Iterator[Batch]:
        """Held-out clips in order, see `plain_batches`."""
        return plain_batches(self.examples["validation"], self.vectors, num_codes=self.num_codes, batch_size=batch_size)

    def _spoilt_words(self, words: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() < self.config.condition_dropout:
            return words[:0]
        kept = words[rng.random(len(words)) >= self.config.word_dropout]
        spread = self.config.word_noise * words.std() if len(words) else 0.0
        return kept + spread * rng.standard_normal(kept.shape, dtype=np.float32)

    def _spoilt_codes(self, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Replace a share of the codes, from none to twice the mean, by codes from anywhere in the training clips."""
        share = 2 * self.config.code_noise * rng.random()
        others = self._codes[rng.integers(len(self._codes), size=len(codes))]
        return np.where(rng.random(len(codes)) < share, others, codes)


def plain_batches(
    examples: Sequence[Example], vectors: SentenceVectors, *, num_codes: int, batch_size: int, with_text: bool = True
) -> Iterator[Batch]:
    """Clips in order, nothing spoilt, first sentence, no length told; without text for the floor beside a score."""
    for start in range(0, len(examples), batch_size):
        chosen = examples[start : start + batch_size]
        words = vectors([e.sentences[0] for e in chosen])
        words = words if with_text else [w[:0] for w in words]
        yield collate(chosen, words, [0] * len(chosen), num_codes=num_codes)


def collate(
    examples: Sequence[Example], words: Sequence[np.ndarray], lengths: Sequence[int], *, num_codes: int, read: Sequence[np.ndarray] | None = None
) -> Batch:
    """Pad words on the left, codes on the right, and lay out the targets; see L2MNetwork.forward for the shapes.

    `read` are the codes that the network reads where they differ from those it is to predict.
    """
    read = [e.codes for e in examples] if read is None else read
    num_pieces = max(1, *(len(w) for w in words))
    num_frames = max(len(e.codes) for e in examples)
    batch = pad_words(words, num_pieces)
    codes = np.zeros((len(examples), num_frames), np.int64)
    targets = np.full((len(examples), num_frames + 1), IGNORED, np.int64)
    for row, example in enumerate(examples):
        frames = len(example.codes)
        codes[row, :frames] = read[row]
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
