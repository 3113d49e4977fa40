"""Script to sentences: natural English that names every event of a script and nothing else. Works from templates alone, offline."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.performance.clauses import word
from tdmm_core.performance.grammar import seconds, sentence
from tdmm_core.performance.lexicon import Lexicon, load_lexicon
from tdmm_core.performance.persons import NOBODY, PERSONS, YOU, Person
from tdmm_core.performance.telling import Moment, captioned, dropped, named, ordered, seen, told, wished
from tdmm_core.runtime.seeding import derive_seed

_STYLES = ("told",) * 7 + ("captioned",) * 2 + ("ordered",) * 2 + ("named",) * 5 + ("wished",) * 2 + ("seen", "dropped")
_TRIES = 80

_STILL_TOLD = (
    "keeps a neutral face", "stays calm and still", "looks neutral", "shows no expression", "does nothing in particular", "rests with a relaxed face",
    "keeps still", "holds still", "keeps a straight face",
)  # fmt: skip
_STILL_NAMED = (
    "a neutral face",
    "nothing happens",
    "a relaxed, neutral face",
    "a still face without expression",
    "a calm face at rest",
    "no expression",
)
_STILL_ORDERED = ("keep a neutral face", "hold still", "stay neutral", "relax your face", "do nothing", "keep your face at rest")


def write_sentences(script: Script, *, count: int = 6, seed: int = 0, gender: str = "", age: str = "") -> tuple[str, ...]:
    """`count` different sentences, each of which names every event of the script, with its intensity, tempo, side, direction and count.

    With `gender` (female, male) no sentence speaks of the other one, with `age` (child, young adult, middle-aged adult, older adult) of none
    of another age. The first is a full statement. Raises InputError for an event that
    the lexicon does not know, and where so many cannot be written.
    """
    lexicon = load_lexicon()
    rng = Random(derive_seed(seed, "sentences"))
    persons = [p for p in PERSONS if (not gender or p.gender in ("", gender)) and (not age or not p.ages or age in p.ages)]
    found: dict[str, None] = {}
    in_vain = 0
    while len(found) < count and in_vain < _TRIES:
        style = rng.choice(_STYLES) if found else "told"
        known = len(found)
        found.setdefault(_write(script, lexicon, persons, style, rng))
        in_vain = in_vain + 1 if len(found) == known else 0
    if len(found) < count:
        raise InputError(f"sentences: expected {count} different ones, could write {len(found)}; ask for fewer")
    return tuple(found)


def _write(script: Script, lexicon: Lexicon, persons: Sequence[Person], style: str, rng: Random) -> str:
    if not script.events:
        return _still(script, rng.choice(persons).subject, rng)
    headed = any(e.kind == "head" for e in script.events)
    person = rng.choice([p for p in persons if (p.headed or not headed) and not (p.plain and style == "captioned")])
    match style:
        case "ordered":
            return ordered(_moments(script, lexicon, YOU, rng), rng)
        case "named":
            return named(_moments(script, lexicon, NOBODY, rng), rng)
        case "captioned":
            return captioned(_moments(script, lexicon, person, rng), person, rng)
        case "wished":
            return wished(_moments(script, lexicon, person, rng), person, rng)
        case "seen":
            return seen(_moments(script, lexicon, person, rng), person, rng)
        case "dropped":
            return dropped(_moments(script, lexicon, person, rng), rng)
        case _:
            return told(_moments(script, lexicon, person, rng), person, rng)


def _moments(script: Script, lexicon: Lexicon, person: Person, rng: Random) -> list[Moment]:
    timed = rng.random() < 0.15
    return [
        tuple(word(e, lexicon, person, timed=timed and len(script.events) < 3) for e in sorted(g, key=lambda e: (e.start_s - e.end_s, e.label)))
        for g in moments_of(script.events)
    ]


def moments_of(events: Sequence[Event]) -> list[list[Event]]:
    """Events, in order of their start, by what is told as happening at once: they overlap a group's first for most of the shorter one."""
    groups: list[list[Event]] = []
    for event in events:
        if groups and _together(groups[-1][0], event):
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _together(first: Event, second: Event) -> bool:
    shared = min(first.end_s, second.end_s) - max(first.start_s, second.start_s)
    return shared > 0.5 * min(first.end_s - first.start_s, second.end_s - second.start_s)


def _still(script: Script, who: str, rng: Random) -> str:
    """A clip in which nothing happens."""
    length = rng.choice(["", "", f" for {seconds(script.duration_s)}"])
    told = f"{who} {rng.choice(_STILL_TOLD)}{length}"
    named, ordered = rng.choice(_STILL_NAMED), rng.choice(_STILL_ORDERED)
    return rng.choice([sentence(told), sentence(told), f"{named}{length}", f"{ordered}{length}"])
