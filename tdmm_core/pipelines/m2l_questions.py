"""What is asked of scripted clips, with true answers, to train on and to examine with: scripts by `performance`, blinks by what the codes show.

Spontaneous blinks stand in no script, so they are seen: the codes are decoded and the lids read. What the codes lost is not asked for.
"""

from __future__ import annotations

import numpy as np

from tdmm_core.domain.clip import TokenClip
from tdmm_core.domain.description import Asked
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.performance.lid_events import read_lids
from tdmm_core.performance.questions import questions
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.tokenization.tokenizer import MotionTokenizer

_LIDS = ("eyeBlinkLeft", "eyeBlinkRight")


class Asking:
    """Questions about one clip after another; the wrong sentence to compare one with is that of a clip before it."""

    def __init__(self, tokenizer: MotionTokenizer, *, seed: int, longest_frames: int) -> None:
        self.tokenizer, self.seed, self.longest_frames = tokenizer, seed, longest_frames
        self._other = Script(events=(), duration_s=1.0)

    def __call__(self, item: TokenClip) -> tuple[Asked, ...]:
        """Nothing for a clip without a script, and for one that is longer than what is read of it."""
        script = item.clip.script
        if script is None or item.tokens.num_frames > self.longest_frames:
            return ()
        other, self._other = self._other, script if script.events else self._other
        motion = self.tokenizer.decode(item.tokens)
        return questions(script, other, blinks=blinks_of(motion), seed=derive_seed(self.seed, "questions", item.clip.id))


def blinks_of(motion: FaceMotion) -> tuple[float, ...] | None:
    """Instants (seconds) at which both eyes blink; None where the face model has no lids of ARKit's names."""
    names = motion.expression_names
    if not set(_LIDS) <= set(names):
        return None
    closure = np.stack([motion.expression[:, names.index(n)] for n in _LIDS], axis=1)
    return tuple(t for e in read_lids(closure, motion.fps).events if e.side == "both" for t in e.instants_s)
