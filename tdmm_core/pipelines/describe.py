"""`tdmm describe`: motion to sentences. Words come from the language model alone, which reads the motion's codes.

What the answers are for is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.atomic import check_artifact_name, check_place
from tdmm_core.artifacts.header import Header, Making, Parent
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.domain.description import Description
from tdmm_core.errors import InputError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.language.m2l_config import DescribeConfig
from tdmm_core.language.m2l_decoding import answer, spoken_answer
from tdmm_core.language.m2l_prompting import DESCRIBE
from tdmm_core.language.motion_words import known_codes
from tdmm_core.pipelines.crossing import Residual, crossed
from tdmm_core.pipelines.describe_input import Motions, parents_of, read_described
from tdmm_core.pipelines.describer import Describer, load_describer
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.run import Run

Question = str | Sequence[str] | None
"What is asked: a sentence, several, or None for a description."
Spoken = Callable[[str, str, str], None]
"""Hears clip (nothing where there is one alone), question and the next piece of the answer as it is said; the piece that ends an answer is a line
break."""
_AS_FIT = FitConfig()
_STREAMED = 4
"Windows up to which a motion is answered word by word; more are read side by side, which is faster."


def describe(
    motions: ClipSource[MotionClip] | Sequence[MotionClip],
    run: Run,
    *,
    config: DescribeConfig,
    model: Path | None = None,
    tokenizer: Path | None = None,
    question: Question = None,
) -> list[Description]:
    """An answer about every clip that has a motion, in order, and of each clip to every question; `question` None asks for a description.

    `model` and `tokenizer` are folders; None takes the embedded ones. Raises InputError for an empty question, for clips without any motion and
    for parts that do not belong together.
    """
    checked_questions(question)
    if not len(motions):
        raise InputError("motion: expected at least one clip to describe, got none")
    return describe_with(load_describer(run, model=model, tokenizer=tokenizer), motions, run, config=config, question=question)


def describe_with(
    describer: Describer,
    motions: ClipSource[MotionClip] | Sequence[MotionClip],
    run: Run,
    *,
    config: DescribeConfig,
    question: Question = None,
    spoken: Spoken | None = None,
) -> list[Description]:
    """As `describe`, with parts that are open already. `spoken` hears the words about a single clip as they come."""
    asked = checked_questions(question)
    clips = [c for c in motions if c.motion is not None]
    if not clips:
        raise InputError("motion: expected at least one clip with a motion, got failed clips alone; fit the videos again")
    coded = [_codes(c, describer, run) for c in clips]
    if spoken is not None and len(clips) == 1 and len(describer.windows(coded[0])) <= _STREAMED:
        return [_speak(describer, clips[0], coded[0], q, run, config=config, spoken=spoken) for q in asked]
    run.progress.start("describing", sum(len(describer.windows(c)) for c in coded) * len(asked), "windows")
    answers = [answer(describer.model, coded, q, config, seed=run.seed, told=run.progress.advance) for q in asked]
    run.progress.finish()
    found = [_described(describer, c, q, text) for i, c in enumerate(clips) for q, text in zip(asked, (a[i] for a in answers), strict=True)]
    for one in found if spoken is not None else ():
        spoken(one.id if len(clips) > 1 else "", one.question, f"{one.answer}\n")
    return found


def _codes(clip: MotionClip, describer: Describer, run: Run) -> np.ndarray:
    """The clip's codes; what is read of a very long or a very short motion is told."""
    assert clip.motion is not None
    codes = known_codes(describer.tokenizer.encode(clip.motion))
    seconds, windows = len(codes) / describer.tokenizer.space.fps, describer.windows(codes)
    if len(codes) == 1:
        run.progress.log(f"{clip.clip.id}: one frame, a still picture: what moves cannot be seen in it")
    if len(windows) > 1:
        run.progress.log(f"{clip.clip.id}: {seconds:.0f} s are read in {len(windows)} windows of {seconds / len(windows):.1f} s, then summed up")
    return codes


def _speak(
    describer: Describer, clip: MotionClip, codes: np.ndarray, question: str, run: Run, *, config: DescribeConfig, spoken: Spoken
) -> Description:
    spoken("", question, "")
    text = spoken_answer(describer.model, codes, question, config, lambda piece: spoken("", question, piece), seed=run.seed)
    spoken("", question, "\n")
    return _described(describer, clip, question, text)


def _described(describer: Describer, clip: MotionClip, question: str, text: str) -> Description:
    return Description(id=clip.clip.id, question=question, answer=text, model_digest=describer.parents[0].digest)


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
    motion: Motions,
    run: Run,
    *,
    config: DescribeConfig,
    question: Question = None,
    folders: tuple[Path | None, Path | None] = (None, None),
    fit: FitConfig = _AS_FIT,
    spoken: Spoken | None = None,
) -> DescribeSummary:
    """`describe` for files (motions, `-`, videos), kept in a text artifact where `output` names one; `folders` are model and motion tokenizer.

    Raises InputError as `describe`, and before any work for an output that cannot be written; for videos whatever `tdmm fit` raises.
    """
    if output is not None:
        check_artifact_name(output)
        check_place(output, force=run.force)
    checked_questions(question)
    clips = read_described(motion, run, fit=fit)
    describer = load_describer(run, model=folders[0], tokenizer=folders[1])
    answers = describe_with(describer, readable(clips, describer, run), run, config=config, question=question, spoken=spoken)
    if output is not None:
        write_descriptions(output, answers, run, config=config, parents=(*parents_of(motion), *describer.parents))
    return DescribeSummary(answers=tuple(answers), output=str(output) if output else None)


class Conversation:
    """Questions about one motion, one after another; each is answered from the motion anew, so that no answer leans on one before."""

    def __init__(self, motion: Motions, run: Run, *, config: DescribeConfig, folders: tuple[Path | None, Path | None], fit: FitConfig) -> None:
        """Raises InputError unless the files hold exactly one motion, and what `describe_to` raises."""
        clips = read_described(motion, run, fit=fit)
        if len(clips) != 1:
            raise InputError(f"--chat: expected one motion to talk about, got {len(clips)} clips; give one file of one motion")
        self.run, self.config = run, config
        self.describer = load_describer(run, model=folders[0], tokenizer=folders[1])
        self.clips = list(readable(clips, self.describer, run))

    def ask(self, question: str, spoken: Spoken) -> Description:
        """The answer, heard as it comes."""
        return describe_with(self.describer, self.clips, self.run, config=self.config, question=question, spoken=spoken)[0]


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


def checked_questions(question: Question) -> tuple[str, ...]:
    """The questions to ask. Raises InputError for an empty one."""
    asked = (question,) if isinstance(question, str) else tuple(question or ())
    if any(not q.strip() for q in asked):
        raise InputError("--question: expected a sentence, got an empty one")
    return tuple(dict.fromkeys(" ".join(q.split()) for q in asked)) or (DESCRIBE[0],)
