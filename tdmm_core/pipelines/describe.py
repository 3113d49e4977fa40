"""`tdmm describe`: motion to sentences. Words come from the language model alone, which reads the motion's codes.

What the answers are for is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tdmm_core.artifacts.atomic import check_artifact_name, check_place
from tdmm_core.artifacts.header import Header, Making, Parent, parent_of
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.domain.description import Description
from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.language.m2l_decoding import answer
from tdmm_core.language.m2l_prompting import DESCRIBE
from tdmm_core.language.motion_words import known_codes
from tdmm_core.pipelines.crossing import Residual, crossed
from tdmm_core.pipelines.describer import Describer, load_describer
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.run import Run


def describe(
    motions: ClipSource[MotionClip] | Sequence[MotionClip],
    run: Run,
    *,
    config: DescribeConfig,
    model: Path | None = None,
    tokenizer: Path | None = None,
    question: str | None = None,
) -> list[Description]:
    """An answer about every clip that has a motion, in order; `question` None asks for a description.

    `model` and `tokenizer` are folders; None takes the embedded ones. Raises InputError for an empty question, for clips without any motion and
    for parts that do not belong together.
    """
    asked = checked_question(question)
    if not len(motions):
        raise InputError("motion: expected at least one clip to describe, got none")
    return describe_with(load_describer(run, model=model, tokenizer=tokenizer), motions, run, config=config, question=asked)


def describe_with(
    describer: Describer, motions: ClipSource[MotionClip] | Sequence[MotionClip], run: Run, *, config: DescribeConfig, question: str | None = None
) -> list[Description]:
    """As `describe`, with parts that are open already."""
    asked = checked_question(question)
    clips = [c for c in motions if c.motion is not None]
    if not clips:
        raise InputError("motion: expected at least one clip with a motion, got failed clips alone; fit the videos again")
    run.progress.start("describing", len(clips), "motions")
    coded = [known_codes(describer.tokenizer.encode(c.motion)) for c in clips if c.motion is not None]
    answers = answer(describer.model, coded, asked, config, seed=run.seed, told=run.progress.advance)
    run.progress.finish()
    digest = describer.parents[0].digest
    return [Description(id=c.clip.id, question=asked, answer=text, model_digest=digest) for c, text in zip(clips, answers, strict=True)]


def readable(clips: ClipSource[MotionClip], describer: Describer, run: Run) -> ClipSource[MotionClip] | Sequence[MotionClip]:
    """The clips on the face model that the describer reads: motion of another is carried over, which is told with what it costs."""
    space = describer.tokenizer.space
    if all(c.motion is None or c.motion.face_model == space.face_model for c in clips):
        return clips
    residuals: list[Residual] = []
    carried = list(crossed(clips, find_face_model(space.face_model, space.face_model_digest), run, residuals))
    for r in residuals:
        run.progress.log(f"{r.id}: carried over to {space.face_model}, residual {r.residual_mm:.2f} mm (a neutral face: {r.neutral_mm:.2f} mm)")
    return carried


@dataclass(frozen=True, kw_only=True)
class DescribeSummary:
    """What was said."""

    answers: tuple[Description, ...]
    output: str | None
    "The text artifact, where one was written."


def describe_to(
    output: Path | None,
    motion: Path | str,
    run: Run,
    *,
    config: DescribeConfig,
    question: str | None = None,
    folders: tuple[Path | None, Path | None] = (None, None),
) -> DescribeSummary:
    """`describe` for a motion file (or `-`), kept in a text artifact where `output` names one; `folders` are model and motion tokenizer.

    Raises InputError as `describe`, and before any work for an output that cannot be written.
    """
    if output is not None:
        check_artifact_name(output)
        check_place(output, force=run.force)
    asked = checked_question(question)
    clips = read_motion_clips(motion)
    describer = load_describer(run, model=folders[0], tokenizer=folders[1])
    answers = describe_with(describer, readable(clips, describer, run), run, config=config, question=asked)
    if output is not None:
        source = (parent_of(Path(motion)),) if str(motion).endswith((".h5", ".hdf5")) else ()
        write_descriptions(output, answers, run, config=config, parents=(*source, *describer.parents))
    return DescribeSummary(answers=tuple(answers), output=str(output) if output else None)


def write_descriptions(
    output: Path, descriptions: Sequence[Description], run: Run, *, config: DescribeConfig, parents: Sequence[Parent] = ()
) -> Header:
    """Write a text artifact. `parents` are the motion, and the model and motion tokenizer of the describer."""
    from tdmm_core.artifacts.text import TextWriter

    settings = asdict(config) | {"questions": sorted({d.question for d in descriptions})}
    making = Making(recipe=run.recipe, config=settings, seed=run.seed, parents=tuple(parents))
    with TextWriter(output, making, force=run.force, resume=False) as writer:
        for description in descriptions:
            writer.add(description)
        return writer.commit()


def checked_question(question: str | None) -> str:
    """The question to ask. Raises InputError for an empty one."""
    if question is None:
        return DESCRIBE[0]
    if not question.strip():
        raise InputError("--question: expected a sentence, got an empty one")
    return " ".join(question.split())
