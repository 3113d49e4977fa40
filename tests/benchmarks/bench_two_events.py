"""Two things in a row: how often `animate` with the embedded model shows both, and in their order, beside what chance shows.

An event counts as shown where the face, at some instant, comes as near to the label's own apex (its exhibit at full strength) as its actor would at
moderate strength: at least 0.35 of the way, and at a cosine of at least 0.7. The floor is the same question asked of motions of other prompts, the
ceiling the scripted performance of the same two events.
"""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script
from tdmm_core.performance.exhibit import exhibit
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.perform import perform
from tdmm_core.pipelines.animate import perform as animate_with
from tdmm_core.pipelines.animator import load_animator
from tdmm_core.pipelines.run import Run
from tdmm_core.recipes.load import load_recipe

SEEDS = int(os.environ.get("SEEDS", "4"))
SECONDS = float(os.environ.get("SECONDS_ASKED", "0")) or None
"None leaves the length to the model, as a user does who says nothing."
ACTED_S = 5.0
AMOUNT, COSINE = 0.35, 0.7
PROMPTS = (
    ("a slow pout turning to surprise", "pout", "surprise"),
    ("she smiles, then frowns", "smile", "frown"),
    ("he looks surprised, then angry", "surprise", "anger"),
    ("sadness turning to happiness", "sadness", "happiness"),
    ("a wide grin, then disgust", "grin", "disgust"),
    ("the person puffs the cheeks, then opens the mouth", "puffed cheeks", "open mouth"),
    ("she raises her eyebrows, then smiles", "raised eyebrows", "smile"),
    ("he looks afraid, and then happy", "fear", "happiness"),
    ("anger giving way to sadness", "anger", "sadness"),
    ("first a kiss, then a wide smile", "kiss", "smile"),
)


def apex(name: str) -> np.ndarray:
    """(E,) the label's strongest face."""
    expression = exhibit(load_lexicon().label(name)).expression
    return expression[np.linalg.norm(expression, axis=1).argmax()]


def shown_at(motion: FaceMotion, name: str) -> float | None:
    """When the label is shown best, as a share of the motion; None where it is not."""
    face, rest = apex(name), np.median(motion.expression[:3], axis=0)
    moved = motion.expression - np.minimum(rest, 0.2)
    amount = moved @ face / (face @ face)
    cosine = moved @ face / (np.linalg.norm(moved, axis=1) * np.linalg.norm(face) + 1e-9)
    good = (amount >= AMOUNT) & (cosine >= COSINE)
    return float(np.where(good, amount * cosine, -1).argmax() / motion.num_frames) if good.any() else None


def score(motions: list[FaceMotion], pairs: list[tuple[str, str]]) -> tuple[float, float, float]:
    """Shares of motions that show the first event, the second, and both in order."""
    found = [(shown_at(m, a), shown_at(m, b)) for m, (a, b) in zip(motions, pairs, strict=True)]
    both = [a is not None and b is not None and a < b for a, b in found]
    return float(np.mean([a is not None for a, _ in found])), float(np.mean([b is not None for _, b in found])), float(np.mean(both))


def acted(first: str, second: str, seed: int) -> FaceMotion:
    labels = load_lexicon()
    half = ACTED_S / 2
    events = [
        Event(kind=labels.label(name).kind, label=name, start_s=0.3 + i * half, end_s=half - 0.2 + i * half, intensity=0.7)
        for i, name in enumerate((first, second))
    ]
    return perform(Script(events=tuple(events), duration_s=ACTED_S), seed=seed)


def test_both_events_are_shown() -> None:
    config = load_recipe("base", [s for s in os.environ.get("SETTINGS", "").split() if s]).animate
    animator = load_animator(Run(device="cpu"))
    pairs = [(a, b) for _, a, b in PROMPTS]
    motions, wanted = [], []
    for seed in range(SEEDS):
        made = animate_with(animator, [p for p, _, _ in PROMPTS], replace(Run(device="cpu"), seed=seed), config=config, seconds=SECONDS)
        motions += [m.clip.motion for m in made]
        wanted += pairs
    others = wanted[3:] + wanted[:3]
    truth = score([acted(a, b, seed) for seed in range(SEEDS) for a, b in pairs], wanted)
    for name, (first, second, both) in (("scripted", truth), ("animate", score(motions, wanted)), ("of other prompts", score(motions, others))):
        print(f"\n{name:>18}: first {first:.2f}, second {second:.2f}, both in order {both:.2f}", end="")
    lengths = [m.duration_s for m in motions]
    print(f"\n{len(motions)} motions of {np.mean(lengths):.1f} s ({min(lengths):.1f} to {max(lengths):.1f})", end="; ")
    print(f"temperature {config.temperature}, top_p {config.top_p}, guidance {config.guidance}")
    assert truth[2] > 0.8
