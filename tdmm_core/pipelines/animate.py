"""`tdmm animate`: sentences to motion. Motion comes from sampled codes alone; the motion tokenizer turns them into frames.

Opens the model folders, matches model, text encoder and motion tokenizer by their digests, and hands the clips on; how a
motion is written is the business of `motion_output`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.domain.clip import Clip, ClipSource, MotionClip
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.prompts import checked_prompt
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.seeding import derive_seed

if TYPE_CHECKING:
    from tdmm_core.language.l2m_model import L2MModel
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
    prompts = [checked_prompt(p) for p in prompts]
    model, tokenizer = animator.model, animator.tokenizer
    num_frames = frames_of(seconds, fps=model.fps, longest=model.network.config.max_frames)
    words = animator.encoder.encode(prompts)
    seeds = [run.seed if i == 0 else derive_seed(run.seed, "motion", i) for i in range(len(prompts))]
    codes = _sample(model, words, seeds, num_frames=num_frames, config=config, run=run)
    return [_animation(i, p, c, s, tokenizer) for i, (p, c, s) in enumerate(zip(prompts, codes, seeds, strict=True))]


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
) -> AnimateSummary:
    """`animate`, then write by the output's suffix; with `many`, or several prompts, a name without a suffix is a folder of npz files."""
    from tdmm_core.artifacts.header import Making
    from tdmm_core.pipelines.animator import load_animator
    from tdmm_core.pipelines.motion_output import check_output, write_motion_output

    if not prompts:
        raise InputError("prompts: expected at least one sentence, got none")
    prompts = [checked_prompt(p) for p in prompts]
    check_output(output, force=run.force, many=len(prompts) > 1 or (many and not Path(output).suffix))
    animator = load_animator(run, model=model, tokenizer=tokenizer)
    made = perform(animator, prompts, run, config=config, seconds=seconds)
    settings = sampling_settings(config, seconds) | {"model_digest": animator.parents[0].digest}
    making = Making(recipe=run.recipe, config=settings | {"prompts": prompts}, seed=run.seed, parents=animator.parents)
    clips = [a.clip for a in made]
    written = write_motion_output(output, clips, run, settings=settings, codes=[a.codes for a in made], making=making)
    return _summary(clips, written, run, settings)


def show_motion(motion: Path | str, output: Path | str, run: Run) -> AnimateSummary:
    """Render or export a motion that exists already (npz, motion artifact, `-`) by the output's suffix."""
    from tdmm_core.pipelines.motion_input import read_motion_clips
    from tdmm_core.pipelines.motion_output import check_output, write_motion_output

    clips = read_motion_clips(motion)
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


def _sample(
    model: L2MModel, words: Sequence[np.ndarray], seeds: Sequence[int], *, num_frames: int | None, config: AnimateConfig, run: Run
) -> list[np.ndarray]:
    from tdmm_core.language.sampling import Request, sample_codes

    min_frames = max(1, min(round(config.min_seconds * model.fps), model.network.config.max_frames))
    requests = [Request(words=w, seed=s, num_frames=num_frames) for w, s in zip(words, seeds, strict=True)]
    codes: list[np.ndarray] = []
    run.progress.start("animating", len(requests), "motions")
    for start in range(0, len(requests), config.batch_size):
        codes += sample_codes(model.network, requests[start : start + config.batch_size], config, min_frames=min_frames)
        run.progress.advance(len(codes) - start)
    run.progress.finish()
    return codes


def _animation(index: int, prompt: str, codes: np.ndarray, seed: int, tokenizer: MotionTokenizer) -> Animation:
    tokens = MotionTokens(
        codes=codes[:, None],
        num_codes=tokenizer.num_codes,
        tokenizer_digest=tokenizer.digest,
        fps=tokenizer.space.fps,
        face_model=tokenizer.space.face_model,
        face_model_digest=tokenizer.space.face_model_digest,
    )
    clip = Clip(id=f"{index:03d}", prompt=prompt)
    return Animation(clip=MotionClip(clip=clip, motion=tokenizer.decode(tokens)), codes=tokens.codes, seed=seed)
