"""`tdmm animate`: sentences to motion files, and motion that exists to whatever form is asked for.

Matches what is wished with where it goes, and sees that all of it is checked before anything is sampled. How a sentence becomes motion is
`performing`'s, how a motion is written `motion_output`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.language.config import AnimateConfig
from tdmm_core.pipelines.animate_many import ArtifactOfMotions, FolderOfMotions, Order, orders_of
from tdmm_core.pipelines.chosen_shape import ChosenShape
from tdmm_core.pipelines.performing import Animation, Planned, is_still, performed, planned
from tdmm_core.pipelines.prompts import Line, as_lines, checked_line
from tdmm_core.pipelines.run import Run

if TYPE_CHECKING:
    from tdmm_core.artifacts.header import Making
    from tdmm_core.pipelines.animator import Animator
    from tdmm_core.pipelines.motion_output import Form, Outputs

@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What a user may wish of the motion beside its sentences."""

    seconds: float | None = None
    "Exactly this long; None leaves the end to the model."
    num_samples: int = 1
    "Motions of each sentence, 1 or more."
    shape: str = ""
    "Whose face: `random`, a motion file, or coefficients `0.5,-1`; empty for the mean face."
    fps: float | None = None
    "Write at this rate; None keeps the model's own."
    many: bool = False
    "Whether a name without a suffix is a folder even for one motion."
    clip: str | None = None
    "Of a file of many clips, the one of this name."


@dataclass(frozen=True, kw_only=True)
class AnimateSummary:
    """What `animate_to` did."""

    outputs: tuple[str, ...]
    num_motions: int
    num_frames: int
    fps: float
    seed: int
    settings: dict[str, object]


_NOTHING_MORE = Wishes()


def animate(
    prompts: Sequence[str | Line],
    run: Run,
    *,
    config: AnimateConfig,
    model: Path | None = None,
    tokenizer: Path | None = None,
    seconds: float | None = None,
) -> list[Animation]:
    """Motion of each prompt, in order; `seconds` asks for exactly that length, else the model ends each motion itself.

    `model` and `tokenizer` are folders; None takes the embedded ones. An equal seed gives an equal motion, whatever stands beside it.
    Raises InputError for a prompt or length that cannot be used and for parts that do not belong together, MissingPartError for absent ones.
    """
    from tdmm_core.pipelines.animator import load_animator

    lines = as_lines(prompts)
    return perform(load_animator(run, model=model, tokenizer=tokenizer), lines, run, config=config, seconds=seconds)


def perform(
    animator: Animator, prompts: Sequence[str | Line], run: Run, *, config: AnimateConfig, seconds: float | None = None
) -> list[Animation]:
    """As `animate`, with parts that are open already."""
    orders = orders_of([[line] for line in as_lines(prompts)], run)
    made = dict((order.index, animation) for order, animation in performed(animator, planned(animator, orders, seconds), run, config=config))
    return [made[order.index] for order in orders]


def animate_to(
    outputs: Outputs,
    prompts: Sequence[str | Line | Sequence[Line]],
    run: Run,
    *,
    config: AnimateConfig,
    model: Path | None = None,
    tokenizer: Path | None = None,
    wishes: Wishes = _NOTHING_MORE,
) -> AnimateSummary:
    """`animate`, then write to each output by its suffix; several lines in place of a prompt become one motion, one line after the other.

    Each of several motions is kept as soon as it is made: a run that was killed goes on, and ends in the same files.
    """
    from tdmm_core.artifacts.header import Making
    from tdmm_core.pipelines.animator import load_animator

    if not prompts:
        raise InputError("prompts: expected at least one sentence, got none")
    if wishes.clip is not None:
        raise InputError(f"--clip {wishes.clip}: a sentence has no clips; give it with a motion or tokens file")
    if wishes.num_samples < 1:
        raise InputError(f"--num-samples: expected 1 or more, got {wishes.num_samples}")
    asked = [as_lines([p]) if isinstance(p, str | Line) else [checked_line(line) for line in p] for p in prompts]
    orders = orders_of(asked, run, num_samples=wishes.num_samples)
    targets = _checked(outputs, run, orders, wishes)
    animator = load_animator(run, model=model, tokenizer=tokenizer)
    plans = planned(animator, orders, wishes.seconds)
    settings = sampling_settings(config, wishes.seconds) | {"model_digest": animator.parents[0].digest}
    settings |= {name: value for name, value in (("fps", wishes.fps), ("shape", wishes.shape)) if value}
    told = {"prompts": [o.prompt for o in orders]} | ({"told": [o.told for o in orders]} if any(o.told for o in orders) else {})
    making = Making(recipe=run.recipe, config=settings | told, seed=run.seed, parents=animator.parents)

    work = _Work(animator=animator, plans=plans, shape=ChosenShape.of(wishes.shape), wishes=wishes, run=run, config=config)
    if set(targets.values()) <= {"folder", "h5"}:
        places = [_place(form, target, orders, run, making=making) for target, form in targets.items()]
        written, num_frames = _kept(places, orders, work)
        fps = wishes.fps or animator.model.fps
        return AnimateSummary(outputs=written, num_motions=len(orders), num_frames=num_frames, fps=fps, seed=run.seed, settings=settings)
    order, animation = next(work.motions(orders))
    files = _written(list(targets), animation, replace(run, seed=order.seed), settings=settings | order.told, making=making)
    return _summary([animation.clip], files, run, settings)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Work:
    """Everything that a motion is made from."""

    animator: Animator
    plans: Sequence[Planned]
    shape: ChosenShape
    wishes: Wishes
    run: Run
    config: AnimateConfig

    def motions(self, wanted: Sequence[Order]) -> Iterator[tuple[Order, Animation]]:
        """The motions of some of the orders, finished."""
        chosen = {o.index for o in wanted}
        for order, animation in performed(self.animator, [p for p in self.plans if p.order.index in chosen], self.run, config=self.config):
            yield order, _finished(order, animation, self)


def _kept(places: Sequence[FolderOfMotions | ArtifactOfMotions], orders: Sequence[Order], work: _Work) -> tuple[tuple[str, ...], int]:
    """Every motion that a place lacks, made once and kept there; the files of all places, and the frames of one."""
    with ExitStack() as stack:
        for place in places:
            stack.enter_context(place)
        for order, animation in work.motions([o for o in orders if any(place.lacks(o) for place in places)]):
            for place in places:
                if place.lacks(order):
                    place.add(order, animation)
    kept = [place.finish() for place in places]
    return tuple(name for names, _ in kept for name in names), kept[0][1]


def _checked(outputs: Outputs, run: Run, orders: Sequence[Order], wishes: Wishes) -> dict[Path | str, Form]:
    """Each output with its form; what lies in a folder already is judged by FolderOfMotions."""
    from tdmm_core.pipelines.motion_output import check_outputs, listed

    targets: dict[Path | str, Form] = {}
    for target in listed(outputs):
        many = len(orders) > 1 or (wishes.many and not Path(target).suffix)
        targets |= check_outputs(target, force=run.force or Path(target).is_dir(), many=many, resumable=True)
    return targets


def _finished(order: Order, animation: Animation, work: _Work) -> Animation:
    """With the face and at the rate that were asked for; its codes stay the motion tokenizer's. Says where nothing moves."""
    from tdmm_core.pipelines.motion_output import at_rate

    motion = animation.clip.motion
    assert motion is not None
    if is_still(motion):
        work.run.progress.log(f"{order.prompt!r}: the face stays neutral; the model reads nothing in it that a face does")
    clip = replace(animation.clip, motion=work.shape.on(motion, order.seed))
    return replace(animation, clip=at_rate([clip], work.wishes.fps)[0])


def _place(form: str, output: Path | str, orders: Sequence[Order], run: Run, *, making: Making) -> FolderOfMotions | ArtifactOfMotions:
    """Where motions are kept one by one."""
    if form == "folder":
        settings = {name: value for name, value in making.config.items() if name not in ("prompts", "told")}
        return FolderOfMotions(Path(output), orders, run, settings)
    return ArtifactOfMotions(Path(output), orders, run, making)


def _written(targets: Sequence[Path | str], animation: Animation, run: Run, *, settings: dict[str, object], making: Making) -> list[Path]:
    from tdmm_core.pipelines.motion_output import write_motion_output

    written: list[Path] = []
    for target in targets:
        written += write_motion_output(target, [animation.clip], run, settings=settings, codes=[animation.codes], making=making)
    return written


def show_motion(
    motion: Path | str, outputs: Outputs, run: Run, *, tokenizer: Path | None = None, wishes: Wishes = _NOTHING_MORE
) -> AnimateSummary:
    """Render or export a motion that exists already, whatever file holds it, or decode tokens; by the outputs' suffixes.

    Raises InputError for a wish that only a sentence can have.
    """
    from tdmm_core.pipelines.decoded_tokens import decoded_tokens, is_tokens
    from tdmm_core.pipelines.motion_input import named_clips
    from tdmm_core.pipelines.motion_output import at_rate, check_outputs, write_motion_output

    if wishes.seconds is not None or wishes.num_samples != 1:
        raise InputError(f"{motion}: a motion has its own length and is one; leave --seconds and --num-samples out")
    clips = decoded_tokens(Path(motion), tokenizer, clip=wishes.clip) if is_tokens(motion) else named_clips(motion, wishes.clip)
    shape = ChosenShape.of(wishes.shape)
    if wishes.shape:
        clips = [replace(c, motion=shape.on(c.motion, run.seed)) if c.motion is not None else c for c in clips]
    clips = at_rate(clips, wishes.fps)
    targets = check_outputs(outputs, force=run.force, many=len(clips) > 1)
    written = [path for target in targets for path in write_motion_output(target, clips, run)]
    return _summary(clips, written, run, {})


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
