"""Whether a sentence tells a script: what it loses, what it adds. Rests on the reader of sentences; knows no writer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.clauses import MICRO_S
from tdmm_core.performance.lexicon import Lexicon, load_lexicon
from tdmm_core.performance.sentence_reader import Named, read_sentence
from tdmm_core.performance.sentences import moments_of


def differences(script: Script, text: str) -> tuple[str, ...]:
    """One sentence for each meaning that `text` loses, adds or changes; empty where it tells the script and nothing else."""
    lexicon = load_lexicon()
    named = list(read_sentence(text))
    pairs, lost = _paired(script.events, named, lexicon)
    added = [one for one in named if all(one is not partner for _, partner in pairs)]
    found = [f"{event.label} is lost" for event in lost]
    found += [f"{one.pattern.label} is added" for one in added]
    for event, one in pairs:
        found += _changes(event, one, lexicon)
    return (*found, *_out_of_order(pairs))


def tells(script: Script, text: str) -> bool:
    """Whether a sentence names every event of the script as it is, and no other."""
    return not differences(script, text)


def _paired(events: Sequence[Event], named: Sequence[Named], lexicon: Lexicon) -> tuple[list[tuple[Event, Named]], list[Event]]:
    """Events with the phrases that name them, of equal labels the ones that agree best; and the events that are not named."""
    left, pairs, lost = list(named), [], []
    for event in events:
        same = [one for one in left if one.pattern.label == event.label]
        if not same:
            lost.append(event)
            continue
        best = min(same, key=lambda one: len(_changes(event, one, lexicon)))
        left.remove(best)
        pairs.append((event, best))
    return pairs, lost


def _changes(event: Event, one: Named, lexicon: Lexicon) -> list[str]:
    label = lexicon.of(event)
    micro = label.brief or (label.kind == "expression" and event.end_s - event.start_s < MICRO_S)
    wanted = lexicon.degree(event.intensity).name if label.graded else "medium"
    rows = [
        ("strength", wanted, one.degree or "medium"),
        ("tempo", one.tempo if micro else event.tempo, one.tempo if micro else one.tempo or "medium"),
        ("count", event.count if label.countable else 1, max(one.count, 1)),
    ]
    if label.directions:
        rows.append(("direction", event.direction, one.place))
    elif label.lateral == "said":
        rows.append(("side", event.side, one.place))
    return [f"{event.label}: expected {what} {want}, got {got}" for what, want, got in rows if want != got]


def _out_of_order(pairs: Sequence[tuple[Event, Named]]) -> list[str]:
    """Events that follow one another in the script and are told at once or the other way round."""
    told = {id(event): one.moment for event, one in pairs}
    found = []
    moments = moments_of([event for event, _ in pairs])
    for group in moments:
        found += [f"{group[0].label} and {e.label} are expected at once" for e in group[1:] if told[id(e)] != told[id(group[0])]]
    for early, late in pairwise(moments):
        if told[id(early[0])] >= told[id(late[0])]:
            found.append(f"{early[0].label} is expected before {late[0].label}")
    return found
