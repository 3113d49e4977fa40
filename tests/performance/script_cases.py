"""Scripts of one event, for every label and every way it can be asked for."""

from __future__ import annotations

from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.lexicon import load_lexicon


def event_of(name: str, **given) -> Event:
    label = load_lexicon().label(name)
    values = {
        "kind": label.kind,
        "label": name,
        "start_s": 1.0,
        "end_s": 2.8,
        "intensity": 0.8 if label.graded else 1.0,
        "side": label.sides[0],
        "direction": (label.directions or ("",))[0],
    }
    return Event(**(values | given))


def script_of(name: str, *, duration_s: float = 4.0, **given) -> Script:
    return Script(events=(event_of(name, **given),), duration_s=duration_s)


def variants() -> list[tuple[str, dict]]:
    """Every label with every side and direction."""
    return [
        (label.name, {"side": side, "direction": direction})
        for label in load_lexicon().labels.values()
        for side in label.sides
        for direction in label.directions or ("",)
    ]
