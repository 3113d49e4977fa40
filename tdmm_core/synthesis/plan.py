"""The plan of a corpus: which clip shows what, in whose face, told how, in which split. Performs and renders nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from tdmm_core.domain.clip import Clip, Split
from tdmm_core.domain.script import Script
from tdmm_core.errors import InputError, TdmmError
from tdmm_core.performance.lexicon import Label, load_lexicon
from tdmm_core.performance.sentences import write_sentences
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.scripts import FORMS, Draw, draw_script, signature
from tdmm_core.synthesis.subjects import Subject, draw_subjects

NEUTRAL = "neutral"
"Label of a clip in which nothing happens."
_TRIES = 400


@dataclass(frozen=True, kw_only=True)
class PlannedClip:
    """A clip that is still to be performed."""

    clip: Clip
    subject: Subject
    seed: int
    "Decides the performance and the picture."


def plan_clips(config: SynthConfig, *, seed: int) -> tuple[PlannedClip, ...]:
    """All clips of a corpus, in order.

    Labels differ by at most one clip in how often they lead, categories by as little as their sizes let them; no subject, no script and no
    sentence is in two splits.
    """
    return tuple(_Planner(config, seed).clips())


class _Planner:
    """Carries what clips must agree on: whose sentence is whose, which subject is next."""

    def __init__(self, config: SynthConfig, seed: int) -> None:
        self.config, self.seed = config, seed
        self.lexicon = load_lexicon()
        self.subjects = draw_subjects(config, seed)
        self.owner: dict[str, Split] = {}
        self.turns: Counter[str] = Counter()
        self.rng = Random(derive_seed(seed, "plan"))

    def clips(self) -> Iterator[PlannedClip]:
        forms = _forms(self.config, self.rng)
        labels = _round_robin(list(self.lexicon.labels.values()), sum(f != "still" for f in forms), self.rng)
        splits = _splits(self.config, self.rng)
        decks = {s: _deck([x for x in self.subjects if x.split == s], self.rng) for s in ("train", "validation", "test")}
        for index, form in enumerate(forms):
            main = None if form == "still" else next(labels)
            split: Split = "train" if form == "still" else splits[index]
            yield self._clip(index, form, main, split, next(decks[split]))

    def _clip(self, index: int, form: str, main: Label | None, split: Split, subject: Subject) -> PlannedClip:
        seed = derive_seed(self.seed, "clip", index)
        name = main.name if main else ""
        self.turns[name] += 1
        draw = Draw(lexicon=self.lexicon, config=self.config, rng=Random(seed), main=name, turn=self.turns[name])
        script, sentences = self._told(form, main, split, draw, subject)
        self.owner.update(dict.fromkeys(sentences, split))
        clip = Clip(
            id=f"{index:06d}",
            script=script,
            prompt=sentences[0],
            paraphrases=sentences[1:],
            label=main.name if main else NEUTRAL,
            category=main.category if main else NEUTRAL,
            subject_id=subject.id,
            split=split,
            licence="CC0-1.0",
        )
        return PlannedClip(clip=clip, subject=subject, seed=seed)

    def _told(self, form: str, main: Label | None, split: Split, draw: Draw, subject: Subject) -> tuple[Script, tuple[str, ...]]:
        """A script of this split and sentences that no other split has."""
        wanted = self.config.num_paraphrases + 1
        for turn in range(_TRIES):
            # A label that is hardly graded has few scripts of one event: after some tries it comes with another.
            script = draw_script("sequence" if turn > 60 and form == "single" else form, main, draw)
            if script.events and self._split_of(script) != split:
                continue
            told = write_sentences(
                script, count=wanted + 3 * (split != "train" or form == "still"), seed=draw.rng.getrandbits(60),
                gender=subject.gender, age=subject.age,
            )
            free = [s for s in told if self.owner.get(s, split) == split]
            if len(free) >= wanted:
                return script, tuple(free[:wanted])
        raise TdmmError(f"plan: found no script of split {split} for label {main.name if main else NEUTRAL!r}; try another seed")

    def _split_of(self, script: Script) -> Split:
        place = derive_seed(self.seed, "split", signature(script, self.lexicon)) / 2.0**63
        if place < self.config.validation_share:
            return "validation"
        return "test" if place < self.config.validation_share + self.config.test_share else "train"


def _forms(config: SynthConfig, rng: Random) -> list[str]:
    shares = [config.single_share, config.sequence_share, config.combination_share, config.mixture_share, config.still_share]
    forms = [form for form, count in zip(FORMS, apportion(config.num_clips, shares), strict=True) for _ in range(count)]
    rng.shuffle(forms)
    return forms


def _splits(config: SynthConfig, rng: Random) -> list[Split]:
    """A split for each clip: every split that has a share gets at least one clip where there are three or more."""
    held = [config.validation_share, config.test_share]
    counts = apportion(config.num_clips, [*held, 1.0 - sum(held)])
    for i, share in enumerate(held):
        if share > 0 and counts[i] == 0 and counts[2] > 1:
            counts[i], counts[2] = 1, counts[2] - 1
    splits: list[Split] = [*["validation"] * counts[0], *["test"] * counts[1], *["train"] * counts[2]]  # type: ignore[list-item]
    rng.shuffle(splits)
    return splits


def apportion(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers that add up to `total`, by largest remainder."""
    exact = [total * s for s in shares]
    counts = [int(x + 1e-9) for x in exact]
    for i in sorted(range(len(shares)), key=lambda i: counts[i] - exact[i])[: total - sum(counts)]:
        counts[i] += 1
    return counts


def _round_robin(labels: list[Label], count: int, rng: Random) -> Iterator[Label]:
    """Each label once a round, in a new order every round that gives every category its share at every moment."""
    categories = [[x for x in labels if x.category == c] for c in dict.fromkeys(x.category for x in labels)]
    for _ in range(-(-count // len(labels))):
        placed: list[tuple[float, Label]] = []
        for members in categories:
            rng.shuffle(members)
            placed += [((i + rng.random()) / len(members), x) for i, x in enumerate(members)]
        yield from (x for _, x in sorted(placed, key=lambda p: p[0]))


def _deck(subjects: list[Subject], rng: Random) -> Iterator[Subject]:
    """Subjects without end, each once a round."""
    if not subjects:
        raise InputError("synth num_subjects: expected enough subjects for every split that has a share; give more, or 0 to let it choose")
    while True:
        rng.shuffle(subjects)
        yield from list(subjects)
