"""Scripts drawn by chance: one event, several in turn, some at once, free mixtures, nothing. Knows no subject and no split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from tdmm_core.domain.script import Event, Script, Tempo
from tdmm_core.performance.lexicon import Label, Lexicon
from tdmm_core.synthesis.company import company_of
from tdmm_core.synthesis.config import SynthConfig

Choice = TypeVar("Choice")
Form = str
FORMS: tuple[Form, ...] = ("single", "sequence", "combination", "mixture", "still")
_PERIOD = {"slow": 1.45, "medium": 1.0, "fast": 0.65}
_DEGREE_WEIGHTS = {"medium": 0.34, "strong": 0.28, "subtle": 0.2, "extreme": 0.18}


@dataclass(frozen=True, kw_only=True)
class Draw:
    """What a script is drawn from."""

    lexicon: Lexicon
    config: SynthConfig
    rng: Random
    main: str = ""
    "The label that leads the clip."
    turn: int = 0
    "How often it has led before: its sides and directions take turns."

    def event(self, label: Label, start_s: float, end_s: float) -> Event:
        """An event of `label` with everything else drawn."""
        tempo: Tempo = self.rng.choices(("slow", "medium", "fast"), (0.22, 0.55, 0.23))[0]
        return Event(
            kind=label.kind,
            label=label.name,
            start_s=round(start_s, 2),
            end_s=round(end_s, 2),
            intensity=self._intensity() if label.graded else 1.0,
            side=self._one_of(label.sides, label),
            direction=self._one_of(label.directions or ("",), label),
            count=self.rng.choices((1, 2, 3, 4), (0.25, 0.35, 0.28, 0.12))[0] if label.countable else 1,
            tempo="medium" if label.brief else tempo,
        )

    def _one_of(self, choices: Sequence[Choice], label: Label) -> Choice:
        return choices[self.turn % len(choices)] if label.name == self.main else self.rng.choice(choices)

    def _intensity(self) -> float:
        low, high = self.config.min_intensity, self.config.max_intensity
        degrees = [d for d in self.lexicon.degrees if d.low < high and d.high > low]
        degree = self.rng.choices(degrees, [_DEGREE_WEIGHTS.get(d.name, 0.25) for d in degrees])[0]
        return round(self.rng.uniform(max(degree.low, low), min(degree.high, high)), 2)

    def another(self, taken: Sequence[Label], kinds: Sequence[str] = (), *, close: bool = False) -> Label:
        """A label that can be seen beside all of `taken`; `close`: one at the same place of the face will do."""
        beside = company_of(self.lexicon, close=close)
        names = list(beside[taken[0].name])
        for other in taken[1:]:
            company = beside[other.name]
            names = [n for n in names if n in company]
        labels = self.lexicon.labels
        return self.rng.choice([labels[n] for n in names if labels[n].kind in kinds] if kinds else [labels[n] for n in names])


def draw_script(form: Form, main: Label | None, draw: Draw) -> Script:
    """A script of a form whose main label is `main` (None for a still one); times are rounded to 0.01 s."""
    config, rng = draw.config, draw.rng
    duration_s = round(round(rng.uniform(config.min_duration_s, config.max_duration_s) * config.fps) / config.fps, 3)
    if form == "still" or main is None:
        return Script(events=(), duration_s=duration_s)
    match form:
        case "single":
            events = _single(main, duration_s, draw)
        case "sequence":
            events = _sequence(main, duration_s, draw)
        case "combination":
            events = _combination(main, duration_s, draw)
        case _:
            events = _mixture(main, duration_s, draw)
    return Script(events=tuple(events), duration_s=duration_s)


def _window(duration_s: float, draw: Draw, last: Label) -> tuple[float, float]:
    """When the first event may start and the last must end; to the very end where it is held."""
    start_s = draw.rng.uniform(0.12, 0.5)
    held = last.pattern == "hold" and last.longest_s >= duration_s and draw.rng.random() < draw.config.held_share
    return start_s, duration_s if held else duration_s - draw.rng.uniform(0.2, 0.5)


def _fitted(event: Event, label: Label, draw: Draw) -> Event:
    """The event no longer than its label lasts; counted ones as long as their repetitions take."""
    span = event.end_s - event.start_s
    if label.countable:
        period = _PERIOD[event.tempo] / label.hz * draw.rng.uniform(0.85, 1.15)
        count = max(1, min(event.count, int(span / (0.8 * period))))
        natural = count * period
        event = replace(event, count=count)
    elif label.brief:
        natural = label.longest_s * draw.rng.uniform(0.7, 1.0)
    elif label.longest_s < 10:
        natural = label.longest_s * _PERIOD[event.tempo] / 1.45 * draw.rng.uniform(0.75, 1.0)
    else:
        return event
    length = min(natural, span)
    start_s = round(event.start_s + draw.rng.random() * 0.5 * (span - length), 2)
    return replace(event, start_s=start_s, end_s=round(min(start_s + length, event.end_s), 2))


def _single(main: Label, duration_s: float, draw: Draw) -> list[Event]:
    start_s, end_s = _window(duration_s, draw, main)
    if main.kind == "expression" and main.rhythm is None and draw.rng.random() < draw.config.micro_share:
        start_s = draw.rng.uniform(0.5, duration_s - 1.2)
        return [replace(draw.event(main, start_s, start_s + draw.rng.uniform(0.26, 0.5)), tempo="medium")]
    if end_s < duration_s and end_s - start_s > 2.4 and draw.rng.random() < 0.5:
        end_s -= draw.rng.uniform(0.3, 0.45 * (end_s - start_s))
    return [_fitted(draw.event(main, start_s, end_s), main, draw)]


def _cuts(start_s: float, end_s: float, parts: int, draw: Draw) -> list[float]:
    shares = [draw.rng.uniform(0.75, 1.3) for _ in range(parts)]
    cuts, total = [start_s], sum(shares)
    for share in shares:
        cuts.append(cuts[-1] + share / total * (end_s - start_s))
    return cuts


def _sequence(main: Label, duration_s: float, draw: Draw) -> list[Event]:
    """Two or three events in turn; the main one is at any place among them."""
    room = duration_s - 0.8
    count = 3 if room >= 3.3 and draw.rng.random() < 0.3 else 2
    labels = [main]
    # One face turning to another is what sequences are mostly about.
    faces = [x for x in draw.lexicon.labels.values() if x.kind in ("expression", "action")]
    while len(labels) < count:
        label = draw.rng.choice(faces if draw.rng.random() < 0.5 else list(draw.lexicon.labels.values()))
        if all(label.name != other.name for other in labels):
            labels.append(label)
    draw.rng.shuffle(labels)
    start_s, end_s = _window(duration_s, draw, labels[-1])
    return _in_turn(labels, _cuts(start_s, end_s, count, draw), draw)


def _in_turn(labels: Sequence[Label], cuts: Sequence[float], draw: Draw) -> list[Event]:
    """Events one after another; one face goes over into the next, other things leave a short gap."""
    events: list[Event] = []
    for i, label in enumerate(labels):
        start_s, end_s = cuts[i], cuts[i + 1]
        before = labels[i - 1] if i else None
        if before and label.pattern == before.pattern == "hold" and "gaze" not in (label.kind, before.kind):
            start_s -= draw.rng.uniform(0.1, 0.3)
        elif before:
            start_s += draw.rng.uniform(0.0, 0.15)
        events.append(_fitted(draw.event(label, start_s, end_s), label, draw))
    return events


def _combination(main: Label, duration_s: float, draw: Draw) -> list[Event]:
    """The main event with a companion, sometimes after or before another event."""
    kinds = ("head", "gaze", "blink", "action") if main.kind == "expression" else ("expression", "action") if main.kind != "action" else ()
    companion = draw.another([main], kinds)
    carrier, rider = (main, companion) if _lasts(main) or not _lasts(companion) else (companion, main)
    if duration_s < 3.6 or draw.rng.random() < 0.6:
        start_s, end_s = _window(duration_s, draw, carrier)
        return _at_once(carrier, rider, start_s, end_s, draw)
    other = draw.rng.choice([x for x in draw.lexicon.labels.values() if x.name not in (main.name, companion.name)])
    first = draw.rng.random() < 0.5
    start_s, end_s = _window(duration_s, draw, other if first else carrier)
    _, cut, _ = _cuts(start_s, end_s, 2, draw)
    if first:
        return [*_at_once(carrier, rider, start_s, cut, draw), _fitted(draw.event(other, cut + 0.02, end_s), other, draw)]
    return [_fitted(draw.event(other, start_s, cut), other, draw), *_at_once(carrier, rider, cut + 0.02, end_s, draw)]


def _lasts(label: Label) -> bool:
    return not label.countable and label.longest_s >= 10


def _at_once(carrier: Label, rider: Label, start_s: float, end_s: float, draw: Draw) -> list[Event]:
    """Two events together, the rider within the carrier's time."""
    held = _fitted(draw.event(carrier, start_s, end_s), carrier, draw)
    span = held.end_s - held.start_s
    early, late = held.start_s + draw.rng.uniform(0.0, 0.2) * span, held.end_s - draw.rng.uniform(0.0, 0.2) * span
    riding = _fitted(draw.event(rider, early, late), rider, draw)
    return [held, replace(riding, end_s=min(riding.end_s, held.end_s))]


def _mixture(main: Label, duration_s: float, draw: Draw) -> list[Event]:
    """Two to five things that overlap as they like and blend where they are close."""
    labels, wanted = [main], draw.rng.choice((3, 3, 4, 5))
    while len(labels) < wanted:
        try:
            labels.append(draw.another(labels, ("action", "gaze", "head"), close=True))
        except IndexError:  # nothing more fits beside these
            break
    start_s, end_s = _window(duration_s, draw, main)
    span, middle = end_s - start_s, 0.5 * (start_s + end_s)
    events = []
    for label in labels:
        event = draw.event(label, start_s + draw.rng.uniform(0.0, 0.25) * span, end_s - draw.rng.uniform(0.0, 0.25) * span)
        fitted = _fitted(event, label, draw)
        shift = middle - 0.5 * (fitted.start_s + fitted.end_s) if label.countable else 0.0
        events.append(replace(fitted, start_s=round(fitted.start_s + shift, 2), end_s=round(fitted.end_s + shift, 2)))
    return events


def signature(script: Script, lexicon: Lexicon) -> str:
    """What of a script its sentences tell, without its times: scripts of one signature belong to one split."""
    rows = [f"{e.label}/{e.side}/{e.direction}/{lexicon.degree(e.intensity).name}/{e.tempo}/{e.count}" for e in script.events]
    return "|".join(rows)
