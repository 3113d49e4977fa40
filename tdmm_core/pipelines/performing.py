"""Orders to motions: word vectors, lengths in frames, sampled codes, frames decoded from the codes. Nothing but sampled codes becomes motion.

Knows neither files nor outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.domain.clip import Clip, MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.animate_many import Order, clip_id
from tdmm_core.pipelines.run import Run

if TYPE_CHECKING:
    from tdmm_core.language.long_motion import Stretch
    from tdmm_core.language.sampling import Request
    from tdmm_core.pipelines.animator import Animator

MOST_SECONDS = 60.0
"Longest motion; what is longer than the model's own goes on in overlapping windows."
_QUIET_UNIT, _QUIET_RAD = 0.15, 0.06
_UNCOUNTED = ("eyeBlink",)
"Every face blinks."


@dataclass(frozen=True, kw_only=True, eq=False)
class Animation:
    """A sampled motion with what it was sampled from and how."""

    clip: MotionClip
    codes: np.ndarray
    "(T, Q) uint16."
    seed: int
    "The motion's own: the run's for the first, derived from it for the others."


@dataclass(frozen=True, kw_only=True, eq=False)
class Planned:
    """An order in numbers."""

    order: Order
    stretches: tuple[Stretch, ...]

    @property
    def request(self) -> Request | None:
        """What is asked of the network where one window holds it all; None where it goes on from its own codes."""
        from tdmm_core.language.sampling import Request

        first = self.stretches[0]
        return Request(words=first.words, seed=self.order.seed, num_frames=first.num_frames) if len(self.stretches) == 1 else None


def frames_of(seconds: float | None, *, fps: float) -> int | None:
    """Frames of a length asked for. Raises InputError for one that no motion can have."""
    if seconds is None:
        return None
    if not 0 < seconds <= MOST_SECONDS:
        raise InputError(f"--seconds: expected more than 0 and at most {MOST_SECONDS:g}, got {seconds:g}")
    return max(1, round(seconds * fps))


def planned(animator: Animator, orders: Sequence[Order], seconds: float | None) -> list[Planned]:
    """What the network is asked for, all of it checked; `seconds` is the length of lines that say none.

    Raises InputError before anything is sampled or written.
    """
    from tdmm_core.language.long_motion import stretches_of
    from tdmm_core.language.sampling import Request, check_requests

    network, fps = animator.model.network, animator.model.fps
    plans = []
    for order in orders:
        lengths = [frames_of(seconds if line.seconds is None else line.seconds, fps=fps) for line in order.lines]
        if sum(n or 0 for n in lengths) > MOST_SECONDS * fps:
            raise InputError(f"animate: expected at most {MOST_SECONDS:g} s in all, got {sum(n or 0 for n in lengths) / fps:g}")
        words = animator.encoder.encode([line.prompt for line in order.lines])
        check_requests(network, [Request(words=w, seed=order.seed) for w in words])
        plans.append(Planned(order=order, stretches=tuple(stretches_of(list(zip(words, lengths, strict=True)), network.config.max_frames))))
    return plans


def performed(animator: Animator, plans: Sequence[Planned], run: Run, *, config: AnimateConfig) -> Iterator[tuple[Order, Animation]]:
    """The motions, as many at once as the config says, each as soon as it is there and in whatever order."""
    run.progress.start("animating", len(plans), "motions")
    for plan, codes in _sampled(animator, plans, config):
        yield plan.order, _animation(plan.order, codes, animator)
        run.progress.advance()
    run.progress.finish()


def is_still(motion: FaceMotion) -> bool:
    """Whether nothing moves but the lids of a blink: the face stays what it is, and so does the head."""
    counted = [i for i, name in enumerate(motion.expression_names) if not name.startswith(_UNCOUNTED)]
    expression, head = motion.expression[:, counted], motion.global_orient
    return float(np.ptp(expression, axis=0).max(initial=0)) < _QUIET_UNIT and float(np.ptp(head, axis=0).max()) < _QUIET_RAD


def _sampled(animator: Animator, plans: Sequence[Planned], config: AnimateConfig) -> Iterator[tuple[Planned, list[np.ndarray]]]:
    from tdmm_core.language.long_motion import sample_long
    from tdmm_core.language.sampling import sample_each

    network = animator.model.network
    min_frames = max(1, min(round(config.min_seconds * animator.model.fps), network.config.max_frames))
    short = [(p, p.request) for p in plans if p.request is not None]
    for place, codes in sample_each(network, [request for _, request in short], config, min_frames=min_frames):
        yield short[place][0], [codes]
    for plan in plans:
        if plan.request is None:
            yield plan, sample_long(network, plan.stretches, config, seed=plan.order.seed, min_frames=min_frames)


def _animation(order: Order, stretches: Sequence[np.ndarray], animator: Animator) -> Animation:
    """Decoded stretch by stretch, so that a new sentence begins as itself, and joined without a seam."""
    from tdmm_core.morphable.joining import joined

    tokenizer = animator.tokenizer
    about = {"num_codes": tokenizer.num_codes, "tokenizer_digest": tokenizer.digest, "fps": tokenizer.space.fps}
    about |= {"face_model": tokenizer.space.face_model, "face_model_digest": tokenizer.space.face_model_digest}
    tokens = [MotionTokens(codes=codes[:, None], **about) for codes in stretches]
    clip = Clip(id=clip_id(order), prompt=order.prompt)
    motion = joined([tokenizer.decode(t) for t in tokens])
    return Animation(clip=MotionClip(clip=clip, motion=motion), codes=np.concatenate([t.codes for t in tokens]), seed=order.seed)
