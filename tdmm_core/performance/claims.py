"""What a script claims, each thing checked against what was read: the basis of scores of both language directions and of adherence.

Every event that is asked for is matched to one that was read, each read event once, and its claims are judged one by one. Times are no claim
unless `timed`: a sentence tells what happens and in which order, not at which second. Chance is measured, not assumed: the same asked scripts
against other clips' readings (`chance`), since it depends on how many things a reading holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.reading import read as read_motion

ClaimKind = Literal["face", "speech", "head", "gaze", "blink", "stillness", "strength", "side", "direction", "count", "tempo", "duration", "order"]
WHAT: tuple[ClaimKind, ...] = ("face", "speech", "head", "gaze", "blink", "stillness")
"Claims that something happens at all; the others say how."
_STRENGTH = 0.25
"Intensities that differ by no more are the same to the eye: about one word of degree."
_FACTOR = 1.8
"Durations within this factor of one another are alike."
_AT_ONCE_S = 0.25
"Events that start closer together claim no order."
_STILL = 0.3
"Nothing happens where no face is stronger than this and no head or eye moves on purpose."


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One thing that a script says, and whether it was seen."""

    kind: ClaimKind
    label: str
    "Of the event that it is about; two labels for an order."
    asked: str
    read: str
    "What was seen instead or as well; empty where nothing was."
    kept: bool


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many claims of a kind there were, and how many were kept."""

    asked: int = 0
    kept: int = 0

    @property
    def share(self) -> float:
        """NaN where nothing was asked."""
        return self.kept / self.asked if self.asked else float("nan")


def claims(asked: Script, read: Script | FaceMotion, *, timed: bool = False) -> tuple[Claim, ...]:
    """Every claim of `asked` with its verdict. With `timed` an event counts only where it overlaps the time that was asked for.

    Raises InputError for a label that the lexicon does not have, and for motion that is not told in ARKit units.
    """
    seen = read if isinstance(read, Script) else read_motion(read)
    if not asked.events:
        return (_stillness(seen),)
    matches = matched(asked.events, seen.events, timed=timed)
    verdicts = [claim for event, match in zip(asked.events, matches, strict=True) for claim in judged(event, match)]
    return (*verdicts, *_orders(asked.events, matches))


def tally(claims: Sequence[Claim]) -> dict[ClaimKind, Tally]:
    """Claims by kind, in the order in which kinds first come."""
    counts: dict[ClaimKind, Tally] = {}
    for claim in claims:
        before = counts.get(claim.kind, Tally())
        counts[claim.kind] = Tally(asked=before.asked + 1, kept=before.kept + claim.kept)
    return counts


def chance(asked: Sequence[Script], read: Sequence[Script], *, timed: bool = False) -> dict[ClaimKind, Tally]:
    """The floor: every asked script against another clip's reading, half the corpus away."""
    shift = max(1, len(read) // 2)
    others = [read[(i + shift) % len(read)] for i in range(len(asked))]
    return tally([c for a, r in zip(asked, others, strict=True) for c in claims(a, r, timed=timed)])


def family_of(event: Event) -> str:
    """What its label cannot be told from: the family that the lexicon gives it."""
    return load_lexicon().label(event.label).family


def kind_of(event: Event) -> ClaimKind:
    """The kind of claim that an event is."""
    label = load_lexicon().label(event.label)
    if label.pattern == "speech":
        return "speech"
    return "face" if event.kind in ("expression", "action") else event.kind  # type: ignore[return-value]


def _stillness(seen: Script) -> Claim:
    moves = [e for e in seen.events if e.kind != "blink" and e.intensity > _STILL]
    return Claim(kind="stillness", label="", asked="nothing", read=", ".join(e.label for e in moves), kept=not moves)


def matched(asked: Sequence[Event], seen: Sequence[Event], *, timed: bool) -> list[Event | None]:
    """For each asked event the read one that is most like it, the surest pairs first, no read event twice."""
    pairs = [(_likeness(a, s, timed=timed), -i, -k) for i, a in enumerate(asked) for k, s in enumerate(seen)]
    matches: list[Event | None] = [None] * len(asked)
    taken: set[int] = set()
    for likeness, i, k in sorted(pairs, reverse=True):
        if likeness > 0 and matches[-i] is None and -k not in taken:
            matches[-i] = seen[-k]
            taken.add(-k)
    return matches


def _likeness(asked: Event, seen: Event, *, timed: bool) -> float:
    """0 where they are not of one family or, `timed`, do not meet; else more for the same label, direction, side, time and strength."""
    if family_of(asked) != family_of(seen):
        return 0.0
    shared_s = max(0.0, min(asked.end_s, seen.end_s) - max(asked.start_s, seen.start_s))
    overlap = shared_s / max(max(asked.end_s, seen.end_s) - min(asked.start_s, seen.start_s), 1e-6)
    if timed and overlap == 0.0:
        return 0.0
    alike = 4.0 * (asked.label == seen.label) + 4.0 * (asked.direction == seen.direction) + 4.0 * (asked.side == seen.side)
    return 1.0 + alike + 2.0 * overlap + (1.0 - abs(asked.intensity - seen.intensity)) + (asked.count == seen.count)


def judged(asked: Event, seen: Event | None) -> list[Claim]:
    """The claims of one event: that it happens, and everything that is said of how."""
    verdicts = [Claim(kind=kind_of(asked), label=asked.label, asked=asked.label, read=seen.label if seen else "", kept=seen is not None)]
    for kind, said in _said(asked).items():
        got = _said(seen, like=asked)[kind] if seen is not None else None
        read = "" if got is None else _told(got)
        verdicts.append(Claim(kind=kind, label=asked.label, asked=_told(said), read=read, kept=got is not None and _agrees(kind, said, got)))
    return verdicts


def _said(event: Event, *, like: Event | None = None) -> dict[ClaimKind, str | float]:
    """What an event says of how it happens; of a read event whatever the asked one (`like`) says."""
    of = like or event
    label = load_lexicon().label(of.label)
    said: dict[ClaimKind, str | float] = {}
    if label.graded:
        said["strength"] = event.intensity
    if of.side != "both":
        said["side"] = event.side
    if of.direction:
        said["direction"] = event.direction
    if label.countable:
        said["count"] = float(event.count)
    if of.tempo != "medium":
        said["tempo"] = event.tempo
    if not label.countable and not label.brief:
        said["duration"] = event.end_s - event.start_s
    return said


def _agrees(kind: ClaimKind, said: str | float, got: str | float) -> bool:
    match kind:
        case "strength":
            return abs(float(said) - float(got)) <= _STRENGTH
        case "duration":
            return 1 / _FACTOR <= float(got) / max(float(said), 1e-6) <= _FACTOR
        case _:
            return said == got


def _told(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def _orders(asked: Sequence[Event], matches: Sequence[Event | None]) -> list[Claim]:
    """That of two events in turn the first comes first; kept only where both were seen."""
    verdicts = []
    for (first, seen), (second, next_seen) in pairwise(zip(asked, matches, strict=True)):
        if second.start_s - first.start_s < _AT_ONCE_S or second.start_s < first.end_s - 0.5 * (first.end_s - first.start_s):
            continue
        both = seen is not None and next_seen is not None
        kept = both and seen.start_s < next_seen.start_s  # type: ignore[union-attr]
        said = f"{first.label}, then {second.label}"
        read = "" if not both else said if kept else f"{second.label}, then {first.label}"
        verdicts.append(Claim(kind="order", label=f"{first.label}/{second.label}", asked=said, read=read, kept=kept))
    return verdicts
