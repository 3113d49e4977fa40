"""Subjects: the people of a corpus, with attributes in words and a shape; each belongs to one split. Knows no script."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

from tdmm_core.domain.clip import Split
from tdmm_core.runtime.seeding import stream
from tdmm_core.synthesis.config import SynthConfig

AGES = ("child", "young adult", "middle-aged adult", "older adult")
GENDERS = ("female", "male")
COMPLEXIONS = ("very light", "light", "medium", "tan", "brown", "dark")
_CLIPS_PER_SUBJECT = 30
_FEWEST = 12


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One person. What is seen and how the person acts follow from `seed`."""

    id: str
    split: Split
    age: str
    gender: str
    complexion: str
    seed: int

    def to_json(self) -> str:
        """The attributes that a generator is given."""
        kept = {k: v for k, v in asdict(self).items() if k in ("age", "gender", "complexion")}
        return json.dumps(kept, sort_keys=True, separators=(",", ":"))

    def shape(self, num_shape: int, spread: float) -> np.ndarray:
        """(num_shape,) float32 identity coefficients, within 2.2 standard deviations."""
        drawn = np.clip(stream(self.seed, "shape").normal(0.0, 1.0, num_shape), -2.2, 2.2)
        return (drawn * spread).astype(np.float32)


def draw_subjects(config: SynthConfig, seed: int) -> tuple[Subject, ...]:
    """The subjects of a corpus: attributes evenly spread, each split with at least one subject where it has a share."""
    count = config.num_subjects or max(_FEWEST, round(config.num_clips / _CLIPS_PER_SUBJECT))
    rng = stream(seed, "subjects")
    kinds = [(a, g, c) for a in AGES for g in GENDERS for c in COMPLEXIONS]
    rounds = [kinds[i] for _ in range(-(-count // len(kinds))) for i in rng.permutation(len(kinds))]
    splits = _splits(config, count)
    order = rng.permutation(count)
    return tuple(
        Subject(
            id=f"subject-{i:05d}", split=splits[order[i]], age=age, gender=gender, complexion=complexion, seed=int(rng.integers(2**62))
        )
        for i, (age, gender, complexion) in enumerate(rounds[:count])
    )  # fmt: skip


def _splits(config: SynthConfig, count: int) -> list[Split]:
    held: list[Split] = []
    for name, share in (("validation", config.validation_share), ("test", config.test_share)):
        if share > 0 and len(held) + 1 < count:
            held += [name] * min(max(1, round(share * count)), count - len(held) - 1)
    return [*held, *["train"] * (count - len(held))]
