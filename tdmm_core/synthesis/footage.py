"""Videos that exist: found in a folder, told by names, a table or a data set's layout, dealt to splits. Knows no artifact and decodes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tdmm_core.domain.clip import Clip, Split
from tdmm_core.errors import InputError
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.runtime.seeding import derive_seed, stream
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.labelling import sentences_for

BACKEND = "footage"
VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg"})


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is known of a video before anyone looks at it."""

    label: str = ""
    "Of the lexicon where it knows the word; else the word itself."
    intensity: float | None = None
    "0 to 1; None where nobody says."
    talking: bool = False
    sentences: tuple[str, ...] = ()
    "Captions, where there are some; else they are written from the label."
    subject_id: str = ""
    gender: str = ""
    "female, male, or empty."
    split: Split | None = None
    licence: str = ""
    about: Mapping[str, object] = field(default_factory=dict)
    "More that the name tells: view, take, level."


@dataclass(frozen=True, kw_only=True)
class Footage:
    """A video with what is told of it."""

    path: Path
    "As it was found."
    clip: Clip
    told: Told

    @property
    def wants_words(self) -> bool:
        """Whether nobody has said what it shows."""
        return not self.clip.prompt


def find_videos(folder: Path) -> list[Path]:
    """Every video under a folder, sorted; hidden files and folders are passed over. Raises InputError where there is none."""
    if not folder.is_dir():
        raise InputError(f"--footage {folder}: expected a folder of videos, got {'a file' if folder.exists() else 'no such folder'}")
    found = [p for p in folder.rglob("*") if p.suffix.lower() in VIDEOS and not any(part.startswith(".") for part in p.relative_to(folder).parts)]
    if not found:
        raise InputError(f"--footage {folder}: expected videos ({', '.join(sorted(VIDEOS))}), got none")
    return sorted(found)


def gather(folder: Path, tell: Callable[[Path], Told], config: SynthConfig, *, seed: int, licence: str = "") -> list[Footage]:
    """All videos of a folder with their clips; `tell` is given each path below the folder.

    Subjects, and clips of nobody known, are dealt to splits; no sentence written from a label is in two splits as long as others can be written.
    """
    paths = find_videos(folder)
    names = _names([p.relative_to(folder) for p in paths])
    tales = [tell(p.relative_to(folder)) for p in paths]
    splits = _splits([t.subject_id or f"\0{name}" for t, name in zip(tales, names, strict=True)], config, seed)
    owner: dict[str, Split] = {}
    found = []
    for path, name, told in zip(paths, names, tales, strict=True):
        split = told.split or splits[told.subject_id or f"\0{name}"]
        sentences = told.sentences or sentences_for(
            told.label, told, count=config.num_paraphrases + 1, seed=derive_seed(seed, name), taken=_of_others(owner, split)
        )
        owner.update(dict.fromkeys(sentences, split))
        label = load_lexicon().labels.get(told.label)
        clip = Clip(
            id=name,
            prompt=sentences[0] if sentences else "",
            paraphrases=sentences[1:],
            label=told.label,
            category=label.category if label else "",
            subject_id=told.subject_id,
            split=split,
            licence=told.licence or licence,
        )
        found.append(Footage(path=path, clip=clip, told=told))
    return found


def described(footage: Footage, sentences: Sequence[str], label: str) -> Footage:
    """The footage with words that someone found for it by looking."""
    known = load_lexicon().labels.get(label)
    clip = replace(
        footage.clip, prompt=sentences[0], paraphrases=tuple(sentences[1:]), label=label, category=known.category if known else footage.clip.category
    )
    return replace(footage, clip=clip)


def _of_others(owner: Mapping[str, Split], split: Split) -> Callable[[str], bool]:
    return lambda sentence: owner.get(sentence, split) != split


def _names(paths: Sequence[Path]) -> list[str]:
    """A clip's name for each path: its parts joined; the second of two equal ones gets a number."""
    taken: dict[str, int] = {}
    names = []
    for path in paths:
        name = re.sub(r"[\s/\\\0]+", "-", path.with_suffix("").as_posix())
        taken[name] = taken.get(name, 0) + 1
        names.append(name if taken[name] == 1 else f"{name}~{taken[name]}")
    return names


def _splits(groups: Sequence[str], config: SynthConfig, seed: int) -> dict[str, Split]:
    """A split for each group: at least one group for every split that has a share, where there are three or more."""
    known = sorted(set(groups))
    order = [known[i] for i in stream(seed, "footage splits").permutation(len(known))]
    dealt: dict[str, Split] = {}
    names: tuple[tuple[Split, float], ...] = (("validation", config.validation_share), ("test", config.test_share))
    for split, share in names:
        count = max(1, round(share * len(known))) if share > 0 and len(known) >= 3 else 0
        dealt |= {order.pop(): split for _ in range(min(count, len(order) - 1))}
    return dealt | dict.fromkeys(order, "train")
