"""How far motion does what its sentence asks: the script behind the sentence against the script read from the motion, claim by claim.

Floors stand beside every figure: a neutral face, and each motion against another's script. One-word edits ask whether a single word is heard.
Knows no model and no file; reading and claims are the room `performance`'s.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.performance.claims import WHAT, Claim, ClaimKind, claims, family_of, tally
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.reading import read

_SECONDS = re.compile(r"\bseconds?\b")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A sentence and what it asks for."""

    prompt: str
    script: Script
    said: frozenset[tuple[str, str]] | None = None
    "Kind of claim and label of all that is said beyond what happens and in which order; None: everything but lengths, and those in seconds."

    def counts(self, claim: Claim) -> bool:
        """Whether the sentence makes this claim: nobody can obey what goes unsaid."""
        if claim.kind in WHAT or claim.kind == "order":
            return True
        if self.said is not None:
            return (claim.kind, claim.label) in self.said
        return claim.kind != "duration" or bool(_SECONDS.search(self.prompt))


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Share of claims that were kept, 0 to 1, of how many, and its floors; NaN where nothing was asked."""

    kind: ClaimKind | None
    "None for all kinds together."
    asked: int
    share: float
    neutral: float
    "A face at rest."
    dealt: float
    "Each motion against another's script, half the set away."


def obedience(asked: Sequence[Asked], motions: Sequence[FaceMotion]) -> list[Kept]:
    """Claims kept of all kinds together, then by kind. One motion for each sentence."""
    seen = [read(m) for m in motions]
    shift = max(1, len(seen) // 2)
    dealt = [seen[(i + shift) % len(seen)] for i in range(len(seen))]
    still = [Script(events=(), duration_s=s.duration_s) for s in seen]
    ours, neutral, others = (_judged(asked, scripts) for scripts in (seen, still, dealt))
    kinds: list[ClaimKind | None] = [None, *tally(ours)]
    return [_kept(kind, ours, neutral, others) for kind in kinds]


def _judged(asked: Sequence[Asked], seen: Sequence[Script]) -> list[Claim]:
    return [claim for one, script in zip(asked, seen, strict=True) for claim in claims(one.script, script) if one.counts(claim)]


def _kept(kind: ClaimKind | None, *sets: Sequence[Claim]) -> Kept:
    chosen = [[c.kept for c in found if kind is None or c.kind == kind] for found in sets]
    shares = [float(np.mean(c)) if c else float("nan") for c in chosen]
    return Kept(kind=kind, asked=len(chosen[0]), share=shares[0], neutral=shares[1], dealt=shares[2])


def ordered_by_strength(weak: FaceMotion, strong: FaceMotion, label: str) -> bool:
    """Whether a label's family is seen, and peaks higher where the sentence says so."""
    peak = _peak(read(strong), label)
    return peak > 0 and peak > _peak(read(weak), label)


def expression_of(motion: FaceMotion) -> str:
    """Family of the strongest face that is seen; empty where there is none."""
    events = [e for e in read(motion).events if e.kind in ("expression", "action")]
    return family_of(max(events, key=lambda e: e.intensity)) if events else ""


def _peak(script: Script, label: str) -> float:
    family = load_lexicon().label(label).family
    return max((e.intensity for e in script.events if family_of(e) == family), default=0.0)
