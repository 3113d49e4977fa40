"""`tdmm animate`: sentences to motion. Motion comes from sampled codes alone; the motion tokenizer turns them into frames.

Opens the model folders, matches model, text encoder and motion tokenizer by their digests, and hands the clips on; how a
motion is written is the business of `motion_output`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.domain.clip import Clip, ClipSource, MotionClip
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.animate_many import ArtifactOfMotions, FolderOfMotions, Order, clip_id, orders_of
from tdmm_core.pipelines.prompts import checked_prompt
from tdmm_core.pipelines.run import Run

if TYPE_CHECKING:
    from tdmm_core.artifacts.header import Making
    from tdmm_core.language.sampling import Request
    from tdmm_core.pipelines.animator import Animator
    from tdmm_core.tokenization.tokenizer import MotionTokenizer


@dataclass(frozen=True, kw_only=True, eq=False)
class Animation:
    """A sampled motion with what it was sampled from and how."""

    clip: MotionClip
    codes: np.ndarray
    "(T, Q) uint16."
    seed: int
    "The motion's own: the run's for the first, derived from it for the others."


@dataclass(frozen=True, kw_only=True)
class AnimateSummary:
    """What `animate_to` did."""

    outputs: tuple[str, ...]
    num_motions: int
    num_frames: int
    fps: float
    seed: int
    settings: dict[str, object]


def animate(
    prompts: Sequence[str], run: Run, *, config: AnimateConfig, model: Path | None = None, tokenizer: Path | None = None, seconds: float | None = None
) -> list[Animation]:
    """Motion of each prompt, in order; `seconds` asks for exactly that length, else the model ends each motion itself.

    `model` and `tokenizer` are folders; None takes the embedded ones. An equal seed gives an equal motion, whatever stands beside it.
    Raises InputError for a prompt or length that cannot be used and for parts that do not belong together, MissingPartError for absent ones.
    """
    from tdmm_core.pipelines.animator import load_animator

    prompts = [checked_prompt(p) for p in prompts]
    return perform(load_animator(run, model=model, tokenizer=tokenizer), prompts, run, config=config, seconds=seconds)


def perform(animator: Animator, prompts: Sequence[str], run: Run, *, config: AnimateConfig, seconds: float | None = None) -> list[Animation]:
    """As `animate`, with parts that are open already."""
    orders = orders_of([checked_prompt(p) for p in prompts], run)
    return [made for _, made in _performed(animator, orders, _requests(animator, orders, seconds), run, config=config)]


def animate_to(
    output: Path | str,
    prompts: Sequence[str],
    run: Run,
    *,
    config: AnimateConfig,
    model: Path | None = None,
    tokenizer: Path | None = None,
    seconds: float | None = None,
    many: bool = False,
    fps: float | None = None,
) -> AnimateSummary:
    """`animate`, then write by the output's suffix, resampled to `fps` on request.

    With `many`, or several prompts, a name without a suffix is a folder of npz files. Each of several motions is kept as soon as it is made: a run
    that was killed goes on, and ends in the same files.
    """
    from tdmm_core.artifacts.header import Making
    from tdmm_core.pipelines.animator import load_animator
    from tdmm_core.pipelines.motion_output import check_output, write_motion_output

    if not prompts:
        raise InputError("prompts: expected at least one sentence, got none")
    prompts = [checked_prompt(p) for p in prompts]
    ours = run.force or Path(output).is_dir()  # what lies in a folder already is judged by FolderOfMotions
    form = check_output(output, force=ours, many=len(prompts) > 1 or (many and not Path(output).suffix), resumable=True)
    animator = load_animator(run, model=model, tokenizer=tokenizer)
    orders = orders_of(prompts, run)
    requests = _requests(animator, orders, seconds)
    settings = sampling_settings(config, seconds) | {"model_digest": animator.parents[0].digest} | ({} if fps is None else {"fps": fps})
    making = Making(recipe=run.recipe, config=settings | {"prompts": prompts}, seed=run.seed, parents=animator.parents)
    place = _place(form, Path(output), orders, run, making=making, settings=settings)
    if place is not None:
        missing = place.missing(orders)
        place.keep(_at_rate(_performed(animator, missing, [requests[o.index] for o in missing], run, config=config), fps))
        written, num_frames = place.finish()
        return AnimateSummary(
            outputs=written, num_motions=len(orders), num_frames=num_frames, fps=fps or animator.model.fps, seed=run.seed, settings=settings
        )
    made = [m for _, m in _at_rate(_performed(animator, orders, requests, run, config=config), fps)]
    clips = [a.clip for a in made]
    files = write_motion_output(output, clips, run, settings=settings, codes=[a.codes for a in made], making=making)
    return _summary(clips, files, run, settings)


def _at_rate(made: Iterator[tuple[Order, Animation]], fps: float | None) -> Iterator[tuple[Order, Animation]]:
    """Each motion at the rate that was asked for; its codes stay the motion tokenizer's."""
    from tdmm_core.pipelines.motion_output import at_rate

    for order, animation in made:
        yield order, replace(animation, clip=at_rate([animation.clip], fps)[0])


def _place(
    form: str, output: Path, orders: Sequence[Order], run: Run, *, making: Making, settings: dict[str, object]
) -> FolderOfMotions | ArtifactOfMotions | None:
    """Where motions are kept one by one; None for the forms that hold a single one."""
    match form:
        case "folder":
            return FolderOfMotions(output, orders, run, settings)
        case "h5":
            return ArtifactOfMotions(output, orders, run, making)
    return None


def show_motion(motion: Path | str, output: Path | str, run: Run, *, fps: float | None = None) -> AnimateSummary:
    """Render or export a motion that exists already (whatever file holds it) by the output's suffix, resampled to `fps` on request."""
    from tdmm_core.pipelines.motion_input import read_motion_clips
    from tdmm_core.pipelines.motion_output import at_rate, check_output, write_motion_output

    clips = at_rate(read_motion_clips(motion), fps)
    check_output(output, force=run.force, many=len(clips) > 1)
    written = write_motion_output(output, clips, run)
    return _summary(clips, written, run, {})


def frames_of(seconds: float | None, *, fps: float, longest: int) -> int | None:
    """Frames of a length asked for. Raises InputError where the model cannot make it."""
    if seconds is None:
        return None
    if not 0 < seconds <= longest / fps:
        raise InputError(f"--seconds: expected more than 0 and at most {longest / fps:g} for this model, got {seconds:g}")
    return max(1, round(seconds * fps))


def sampling_settings(config: AnimateConfig, seconds: float | None) -> dict[str, object]:
    """What a motion file remembers of how it was sampled."""
    return asdict(config) | {"seconds": seconds}


def _summary(clips: ClipSource[MotionClip] | Sequence[MotionClip], written: Sequence[Path], run: Run, settings: dict[str, object]) -> AnimateSummary:
    motions = [c.motion for c in clips if c.motion is not None]
    return AnimateSummary(
        outputs=tuple(map(str, written)),
        num_motions=len(motions),
        num_frames=sum(m.num_frames for m in motions),
        fps=motions[0].fps if motions else 0.0,
        seed=run.seed,
        settings=settings,
    )


def _requests(animator: Animator, orders: Sequence[Order], seconds: float | None) -> list[Request]:
    """What the network is asked for, all of it checked. Raises InputError before anything is sampled or written."""
    from tdmm_core.language.sampling import Request, check_requests

    network = animator.model.network
    num_frames = frames_of(seconds, fps=animator.model.fps, longest=network.config.max_frames)
    words = animator.encoder.encode([o.prompt for o in orders])
    requests = [Request(words=w, seed=o.seed, num_frames=num_frames) for w, o in zip(words, orders, strict=True)]
    check_requests(network, requests)
    return requests


def _performed(
    animator: Animator, orders: Sequence[Order], requests: Sequence[Request], run: Run, *, config: AnimateConfig
) -> Iterator[tuple[Order, Animation]]:
    """The motions, as many at once as the config says, each as soon as it is there."""
    from tdmm_core.language.sampling import sample_codes

    model = animator.model
    min_frames = max(1, min(round(config.min_seconds * model.fps), model.network.config.max_frames))
    run.progress.start("animating", len(requests), "motions")
    for start in range(0, len(requests), config.batch_size):
        codes = sample_codes(model.network, requests[start : start + config.batch_size], config, min_frames=min_frames)
        for order, row in zip(orders[start : start + config.batch_size], codes, strict=True):
            yield order, _animation(order, row, animator.tokenizer)
        run.progress.advance(len(codes))
    run.progress.finish()


def _animation(order: Order, codes: np.ndarray, tokenizer: MotionTokenizer) -> Animation:
    tokens = MotionTokens(
        codes=codes[:, None],
        num_codes=tokenizer.num_codes,
        tokenizer_digest=tokenizer.digest,
        fps=tokenizer.space.fps,
        face_model=tokenizer.space.face_model,
        face_model_digest=tokenizer.space.face_model_digest,
    )
    clip = Clip(id=clip_id(order), prompt=order.prompt)
    return Animation(clip=MotionClip(clip=clip, motion=tokenizer.decode(tokens)), codes=tokens.codes, seed=order.seed)
