"""Prompts that were written by hand before any motion of theirs was looked at, in words that the suite does not use, each with what it asks for.

One JSON object a line in hand_prompts.jsonl: `prompt`, and `events` in order, each with its label and only what the sentence says of it: `side`,
`direction`, `count`, `tempo`, `strength`, and `moment`, 0 unless it happens after others. What a sentence leaves open is no claim.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.lexicon import load_lexicon

PATH = Path(__file__).with_name("hand_prompts.jsonl")
MOMENT_S = 2.0


@dataclass(frozen=True, kw_only=True)
class HandPrompt:
    """A sentence, the script that it asks for, and what it says of how."""

    prompt: str
    script: Script
    said: frozenset[tuple[str, str]]
    "Kind of claim and label, of everything that the sentence says beyond what happens and in which order."


def hand_prompts() -> list[HandPrompt]:
    """All of them, in the order of the file."""
    return [_prompt(json.loads(line)) for line in PATH.read_text(encoding="utf-8").splitlines()]


def _prompt(row: dict) -> HandPrompt:
    events = tuple(_event(e) for e in row["events"])
    said = frozenset((kind, e["label"]) for e in row["events"] for kind in ("side", "direction", "count", "tempo", "strength") if kind in e)
    last = max((e.end_s for e in events), default=MOMENT_S)
    return HandPrompt(prompt=row["prompt"], script=Script(events=events, duration_s=last), said=said)


def _event(row: dict) -> Event:
    lexicon = load_lexicon()
    label = lexicon.label(row["label"])
    middle = {d.name: (d.low + d.high) / 2 for d in lexicon.degrees}
    start = MOMENT_S * row.get("moment", 0)
    more = {name: row[name] for name in ("side", "direction", "count", "tempo") if name in row}
    strength = middle[row.get("strength", "medium")] if label.graded else 1.0
    return Event(kind=label.kind, label=label.name, start_s=start, end_s=start + MOMENT_S, intensity=strength, **_filled(label, more))


def _filled(label, more: dict) -> dict:
    if label.directions and "direction" not in more:
        raise ValueError(f"{label.name}: a prompt must say its direction")
    return more if "side" in more else {**more, "side": label.sides[0]}


