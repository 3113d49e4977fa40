"""`tdmm describe`: motion to sentences. Words come from the language model alone, which reads the motion's codes.

Opens the model folders and matches model, language model and motion tokenizer by their digests; what the answers are for is the caller's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tdmm_core.artifacts.atomic import check_place
from tdmm_core.artifacts.header import Header, Making, Parent, parent_of
from tdmm_core.artifacts.model_folder import read_model_header
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.domain.description import Description
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.language.m2l_decoding import answer
from tdmm_core.language.m2l_model import M2LModel, load_model, read_about
from tdmm_core.language.m2l_prompting import DESCRIBE
from tdmm_core.language.motion_words import known_codes
from tdmm_core.pipelines.m2l_parts import KIND, embedded_file
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.device import resolve_device
from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default

DEFAULT_MODEL = Path(__file__).parents[1] / "pretrained" / KIND


@dataclass(frozen=True, kw_only=True, eq=False)
class Describer:
    """Parts that belong together."""

    model: M2LModel
    tokenizer: MotionTokenizer
    parents: tuple[Parent, ...]
    "The model and the motion tokenizer, as an artifact remembers them."


def load_describer(run: Run, *, model: Path | None = None, tokenizer: Path | None = None) -> Describer:
    """Open model, language model and motion tokenizer, the embedded ones for None.

    Raises InputError for parts that do not belong together and MissingPartError for absent ones.
    """
    folder = model or DEFAULT_MODEL
    if model is None and not (folder / "config.json").is_file():
        raise MissingPartError(f"motion-to-language model: the embedded one is not in this installation ({folder}); train one: tdmm train-m2l")
    header = read_model_header(folder, KIND)
    about = read_about(folder)
    coder = MotionTokenizer.load(tokenizer) if tokenizer else load_default()
    if coder.digest != about.tokenizer_digest:
        raise InputError(
            f"--model {model or 'embedded'} reads codes of motion tokenizer {about.tokenizer_digest[:12]}, but --tokenizer "
            f"{tokenizer or 'embedded'} is {coder.digest[:12]}; give the folder of the first with --tokenizer"
        )
    gguf = embedded_file(about.base, run) if about.is_adapter else None
    parents = (
        Parent(kind=header.kind, digest=header.digest, name=folder.name),
        Parent(kind="motion-tokenizer", digest=coder.digest, name=tokenizer.name if tokenizer else "motion-tokenizer"),
    )
    return Describer(model=_on_device(load_model(folder, gguf=gguf), run), tokenizer=coder, parents=parents)


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
        check_place(output, force=run.force)
    asked = checked_question(question)
    clips = read_motion_clips(motion)
    describer = load_describer(run, model=folders[0], tokenizer=folders[1])
    answers = describe_with(describer, clips, run, config=config, question=asked)
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


def _on_device(model: M2LModel, run: Run) -> M2LModel:
    model.model.network.to(resolve_device(run.device))
    return model
