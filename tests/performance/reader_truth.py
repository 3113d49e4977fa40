"""What a scripted clip really shows, unit by unit: the truth that the reader is checked on. Made from the performer's own curves, event by
event, without rest, noise and spontaneous motion; never from the reader's code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.actor import Actor, draw_actor
from tdmm_core.performance.anatomy import settle
from tdmm_core.performance.gestures import Gesture
from tdmm_core.performance.perform import contributions, perform
from tdmm_core.performance.units import UNITS
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import plan_clips

VISIBLE, FAINT = 0.15, 0.05
"Height above rest that a reader must find; and under which there is nothing to be found."


@dataclass(frozen=True, kw_only=True)
class UnitTruth:
    """One unit's part in one event."""

    unit: str
    event: int
    start_s: float
    end_s: float
    height: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    script: Script
    motion: FaceMotion
    gestures: list[Gesture]
    label: str
    category: str

    @property
    def events(self) -> tuple[Event, ...]:
        return self.script.events


Manner = Callable[[Actor, int], Actor]
"Another actor made of one, by the seed of a clip."


def cases(count: int, *, seed: int, fps: float = 25.0, manner: Manner | None = None) -> list[Case]:
    """Clips of a plan of that seed: scripts and actors that no tuning has seen where the seed is held out."""
    return planned_cases(SynthConfig(num_clips=count, num_paraphrases=0), seed=seed, fps=fps, manner=manner)


def planned_cases(config: SynthConfig, *, seed: int, fps: float = 25.0, manner: Manner | None = None) -> list[Case]:
    """The clips of a plan, as `tdmm synth` performs them with the same settings and seed, unless a manner changes the actors."""
    made = []
    for p in plan_clips(config, seed=seed):
        drawn, script = draw_actor(p.subject.seed), p.clip.script
        actor = manner(drawn, p.seed) if manner else drawn
        motion = perform(script, seed=p.seed, actor=actor, fps=fps)
        parts = contributions(script, seed=p.seed, actor=actor, fps=fps)
        made.append(Case(script=script, motion=motion, gestures=parts, label=p.clip.label, category=p.clip.category))
    return made


def visible(case: Case) -> list[np.ndarray]:
    """For each event its units (T, 52), as inhibition by the others leaves them."""
    left = np.ones((case.motion.num_frames, len(UNITS)))
    for g in case.gestures:
        left *= 1.0 - np.clip(g.units, 0.0, 1.0)
    whole = 1.0 - left
    kept = settle(whole.copy()) / np.maximum(whole, 1e-6)
    return [np.clip(g.units, 0.0, 1.0) * kept for g in case.gestures]


def unit_truth(case: Case) -> list[UnitTruth]:
    """Every unit of every event that rises to FAINT or more; gaze units and the lids of counted blinks and winks are read elsewhere."""
    found = []
    for i, (event, curves) in enumerate(zip(case.events, visible(case), strict=True)):
        for k in np.flatnonzero(curves.max(axis=0) >= FAINT):
            unit, curve = UNITS[k], curves[:, k]
            if unit.startswith("eyeLook") or (unit.startswith("eyeBlink") and event.label in ("blink", "wink")):
                continue
            on = np.flatnonzero(curve > 0.1 * curve.max()) / case.motion.fps
            found.append(UnitTruth(unit=unit, event=i, start_s=on[0], end_s=on[-1] + 1 / case.motion.fps, height=float(curve.max())))
    return found


def shared_s(a_start: float, a_end: float, b_start: float, b_end: float) -> float:
    return max(0.0, min(a_end, b_end) - max(a_start, b_start))


def moody(actor: Actor, seed: int) -> Actor:
    """The same actor in another mood: take by take stronger or weaker, quicker or slower."""
    rng = np.random.default_rng(seed)
    return replace(actor, unit_gain=actor.unit_gain * np.exp(rng.normal(0.0, 0.36)), speed=actor.speed * np.exp(rng.normal(0.0, 0.5)))
