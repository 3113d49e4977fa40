"""Several artifacts of one kind read as one: corpora are made by many generators, in many places, and trained on together.

Clips that share a name are told apart; what is held out in one artifact is not trained on in another.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from types import TracebackType

from tdmm_core.artifacts.header import Parent
from tdmm_core.artifacts.tokens import TokensFile, open_tokens
from tdmm_core.domain.clip import Clip, TokenClip
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.pipelines.adherence import left_out_of_tokens

Paths = Path | Sequence[Path]
_AGREED = ("tokenizer_digest", "num_codes", "codes_per_frame", "fps")


def listed(paths: Paths) -> tuple[Path, ...]:
    """One path or several, as several. Raises InputError for none, and for one that is given twice."""
    found = (paths,) if isinstance(paths, str | Path) else tuple(paths)
    if not found:
        raise InputError("expected at least one file, got none")
    twice = next((p for p in found if found.count(p) > 1), None)
    if twice is not None:
        raise InputError(f"{twice}: is given twice; each file counts once")
    return tuple(Path(p) for p in found)


def named_apart(names: Sequence[str]) -> list[str]:
    """The names, each once: of two equal ones the second becomes NAME-2."""
    taken: set[str] = set()
    found = []
    for name in names:
        free, count = name, 1
        while free in taken:
            count += 1
            free = f"{name}-{count}"
        taken.add(free)
        found.append(free)
    return found


class Places:
    """Where item number so-and-so of all parts lies: which part, and which of its own."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._starts = [0, *accumulate(sizes)]

    def __len__(self) -> int:
        return self._starts[-1]

    def __call__(self, index: int) -> tuple[int, int]:
        if not 0 <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        part = bisect_right(self._starts, index) - 1
        return part, index - self._starts[part]


class JoinedTokens:
    """Open tokens artifacts of one motion tokenizer as one ClipSource."""

    def __init__(self, files: Sequence[TokensFile], left_out: Sequence[frozenset[str]] = ()) -> None:
        """`left_out`: names of the clips of each file that are passed over. Raises InputError for tokens of different motion tokenizers."""
        self._files, self._first = files, files[0]
        self._left_out = left_out or [frozenset()] * len(files)
        self._places = Places([len(f) for f in files])
        filled = [f for f in files if len(f)] or [files[0]]
        for file in filled[1:]:
            for name in _AGREED:
                mine, its = getattr(filled[0], name), getattr(file, name)
                if mine != its:
                    raise InputError(
                        f"{file.path}: expected tokens of the same motion tokenizer as {filled[0].path}, but their {name} differs "
                        f"({str(its)[:12]}, not {str(mine)[:12]}); tokenize both with one"
                    )
        self._filled = filled[0]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> TokenClip:
        part, own = self._places(index)
        return self._files[part][own]

    def __iter__(self) -> Iterator[TokenClip]:
        """Every clip that is not left out; of several artifacts, train clips without the sentences that any of them holds out."""
        held_out = self._held_out() if len(self._files) > 1 else frozenset()
        for file, left_out in zip(self._files, self._left_out, strict=True):
            for item in file:
                if item.clip.id in left_out:
                    continue
                yield item if item.clip.split != "train" or not held_out else replace(item, clip=_without(item.clip, held_out))

    def tokens(self, index: int) -> MotionTokens:
        """The codes of a clip."""
        part, own = self._places(index)
        return self._files[part].tokens(own)

    @property
    def num_codes(self) -> int:
        return self._filled.num_codes

    @property
    def codes_per_frame(self) -> int:
        return self._filled.codes_per_frame

    @property
    def fps(self) -> float:
        return self._filled.fps

    @property
    def tokenizer_digest(self) -> str:
        return self._filled.tokenizer_digest

    @property
    def parents(self) -> tuple[Parent, ...]:
        """What the artifacts were made from, each once."""
        return tuple(dict.fromkeys(p for f in self._files for p in f.header.parents))

    def __enter__(self) -> JoinedTokens:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for file in self._files:
            file.close()

    def _held_out(self) -> frozenset[str]:
        clips = (file.clip(i) for file in self._files for i, split in enumerate(file.splits) if split != "train")
        return frozenset(s for clip in clips for s in (clip.prompt, *clip.paraphrases))


def _without(clip: Clip, held_out: frozenset[str]) -> Clip:
    """The clip with the sentences that nobody holds out; with none where all are."""
    kept = [s for s in (clip.prompt, *clip.paraphrases) if s not in held_out]
    return replace(clip, prompt=kept[0] if kept else "", paraphrases=tuple(kept[1:]))


def open_all_tokens(paths: Paths, *, all_clips: bool = False) -> JoinedTokens:
    """Open one tokens artifact or several to read, without the clips that ignored their prompt (see `adherence`) unless `all_clips`.

    Raises InputError with what a file is instead.
    """
    found = listed(paths)
    return JoinedTokens([open_tokens(path) for path in found], [left_out_of_tokens(path, all_clips=all_clips).ids for path in found])
