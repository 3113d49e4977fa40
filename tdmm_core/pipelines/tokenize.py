"""`tdmm tokenize`: motion to tokens, and with --train the motion tokenizer first. Reads and writes; the mathematics is in `tokenization`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.artifacts.atomic import check_artifact_name
from tdmm_core.artifacts.header import Making, Parent, parent_of
from tdmm_core.artifacts.tokens import TokensWriter, open_tokens
from tdmm_core.domain.clip import TokenClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.fitting.disturbance import disturbed
from tdmm_core.pipelines.atlas import check_atlas, draw_atlas
from tdmm_core.pipelines.joined import Paths, listed
from tdmm_core.pipelines.motions import Motions, open_motions
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.process import is_main
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.tokenization.config import TokenizerConfig

if TYPE_CHECKING:
    from tdmm_core.morphable.model import MorphableModel
    from tdmm_core.tokenization.training import TokenizerTraining
    from tdmm_core.tokenization.windows import Clips

KIND = "motion-tokenizer"
CLIPS_AT_ONCE = 32
"Clips that are coded and written together; what a kill loses at most."


@dataclass(frozen=True, kw_only=True)
class TokenizerSummary:
    """What came of training a motion tokenizer."""

    output: str
    digest: str
    "Of the model folder."
    tokenizer_digest: str
    "Of the motion tokenizer, which its tokens carry."
    num_train_clips: int
    num_validation_clips: int
    steps: int
    best_step: int = 0
    validation_loss: float | None = None
    "None without validation clips, and where the model was finished before."
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TokensSummary:
    """What came of coding a motion."""

    output: str
    digest: str
    tokenizer_digest: str
    num_clips: int
    num_frames: int
    num_failed: int
    "Clips without motion, which have no tokens."
    num_left_out: int
    "Clips that ignored their prompt."
    num_codes_used: int
    perplexity: float
    "Exponential of the entropy of the codes."


def train_tokenizer(
    motion: Paths, output_folder: Path, run: Run, *, config: TokenizerConfig, deepspeed_config: Path | None = None, all_clips: bool = False
) -> TokenizerSummary:
    """Train a motion tokenizer on split `train` of one motion artifact or several and keep it in `output_folder`.

    Clips that ignored their prompt (see `adherence`) are left out unless `all_clips`.
    Works in `OUTPUT.partial/`, resumes from there, and gives the folder its name when it is whole. Raises InputError for motion that cannot be
    trained on, and where something else stands in the output's place.
    """
    from tdmm_core.pipelines.model_output import finished_model, open_run_folder, publish_model
    from tdmm_core.tokenization.tokenizer import MotionTokenizer
    from tdmm_core.training.engine import train
    from tdmm_core.training.task import Place

    paths = listed(motion)
    with open_motions(paths, all_clips=all_clips) as source:
        making = Making(recipe=run.recipe, config=asdict(config), seed=run.seed, parents=(*_parents(paths), *source.checks))
        training = _training(source, paths[0], run, config)
        counts = {"num_train_clips": len(training.train.lengths), "num_validation_clips": len(training.validation.lengths)}
        finished = finished_model(output_folder, run, kind=KIND, making=making)
        if finished is not None:
            done = MotionTokenizer.load(output_folder)
            return TokenizerSummary(
                output=str(output_folder), digest=finished.digest, tokenizer_digest=done.digest, steps=config.training.steps, **counts
            )
        folder = open_run_folder(output_folder, run, making=making)
        task = training.task(identity="".join(p.digest for p in making.parents))
        place = Place(run_dir=folder, device=run.device, deepspeed_config=deepspeed_config, resume=run.resume, force=run.force)
        result = train(task, config.training, place, seed=run.seed, progress=run.progress)
        tokenizer = training.tokenizer(task)
        digest = publish_model(output_folder, folder, tokenizer.save, kind=KIND, making=making).digest if is_main() else ""
    return TokenizerSummary(
        output=str(output_folder),
        digest=digest,
        tokenizer_digest=tokenizer.digest,
        steps=result.steps,
        best_step=result.best_step,
        validation_loss=result.validation_loss,
        seconds=result.seconds,
        **counts,
    )


def tokenize(
    motion: Paths,
    output: Path,
    run: Run,
    *,
    tokenizer: Path | None = None,
    all_clips: bool = False,
    atlas: Path | None = None,
    fitting_noise: float = 0.0,
) -> TokensSummary:
    """Code every clip of one motion file or several with the embedded motion tokenizer, or that in folder `tokenizer`, and write a tokens artifact.

    Clips that ignored their prompt (see `adherence`) are left out unless `all_clips`.
    `atlas` names a picture of the most used codes, made afterwards. With `fitting_noise` the motion is disturbed before, as by a fit
    (see `fitting.disturbance`), by so much of a fit's usual error.
    Resumes from what an interrupted run has staged. Raises InputError for motion of another face model, units or frame rate.
    """
    from tdmm_core.tokenization.tokenizer import DEFAULT_FOLDER, MotionTokenizer, load_default

    check_artifact_name(output)
    if atlas is not None:
        check_atlas(atlas, run)
    coder = load_default() if tokenizer is None else MotionTokenizer.load(tokenizer)
    paths = listed(motion)
    with open_motions(paths, all_clips=all_clips) as source:
        parents = (*_parents(paths), *source.checks, parent_of(tokenizer or DEFAULT_FOLDER))
        config = {"codes_per_frame": coder.codes_per_frame, "num_codes": coder.num_codes}
        noisy = {"fitting_noise": fitting_noise} if fitting_noise else {}
        making = Making(recipe=run.recipe, config=config | noisy, seed=run.seed if noisy else 0, parents=parents)
        order = [source.ids[i] for i in np.flatnonzero(source.lengths)]
        if not order:
            raise InputError(f"{paths[0]}: expected at least one clip with motion, got none")
        with TokensWriter(output, making, force=run.force, resume=run.resume, block_size=CLIPS_AT_ONCE) as writer:
            run.progress.start("tokenize", len(order), "clips")
            run.progress.advance(len(writer.staged_ids()))
            for clips in _waiting(source, writer.staged_ids()):
                coded = coder.encode_batch([_as_fitted(source, i, fitting_noise, run.seed) for i in clips])
                for index, tokens in zip(clips, coded, strict=True):
                    writer.add(TokenClip(clip=source.clip(index), tokens=tokens))
                run.progress.advance(len(clips))
            header = writer.commit(order)
        run.progress.finish()
        if atlas is not None:
            draw_atlas(atlas, output, source, coder, run)
        num_failed = len(source.lengths) - len(order) - source.num_left_out
    return _tokens_summary(output, header.digest, num_failed=num_failed, num_left_out=source.num_left_out)


def _as_fitted(source: Motions, index: int, amount: float, seed: int) -> FaceMotion:
    """A clip's motion, with as much of a fit's error as is wished."""
    motion = source.read(index)
    return disturbed(motion, amount=amount, seed=derive_seed(seed, "fitting noise", source.ids[index])) if amount else motion


def _waiting(source: Motions, staged: set[str]) -> Iterator[list[int]]:
    """Numbers of the clips that are still to be coded, some at once."""
    numbers = [int(i) for i in np.flatnonzero(source.lengths) if source.ids[i] not in staged]
    return (numbers[start : start + CLIPS_AT_ONCE] for start in range(0, len(numbers), CLIPS_AT_ONCE))


def _training(source: Motions, path: Path, run: Run, config: TokenizerConfig) -> TokenizerTraining:
    from tdmm_core.tokenization.space import MotionSpace
    from tdmm_core.tokenization.training import TokenizerTraining

    train, validation = (_clips(source, split) for split in ("train", "validation"))
    if len(train.lengths) == 0:
        raise InputError(f"{path}: expected clips with motion in split train to learn from, got none; tdmm synth makes a corpus with all splits")
    first = train.read(0)
    model = _face_model(first, path)
    return TokenizerTraining(config=config, model=model, space=MotionSpace.of(first), train=train, validation=validation, seed=run.seed)


def _clips(source: Motions, split: str) -> Clips:
    from tdmm_core.tokenization.windows import Clips

    numbers = np.flatnonzero((source.splits == split) & (source.lengths > 0))
    return Clips(read=lambda i: source.read(int(numbers[i])), lengths=source.lengths[numbers])


def _face_model(first: FaceMotion, path: Path) -> MorphableModel:
    from tdmm_core.morphable.open_head import NAME, load_open_head

    if first.face_model != NAME:
        carried = f"tdmm fit {path} --face-model {NAME} -o motion.h5"
        raise InputError(f"{path}: expected motion of face model {NAME!r} to train on, got {first.face_model!r}; carry it over: {carried}")
    model = load_open_head()
    model.check(first)
    return model


def _parents(paths: Sequence[Path]) -> tuple[Parent, ...]:
    return tuple(parent_of(p) for p in paths if str(p) != "-")


def _tokens_summary(output: Path, digest: str, *, num_failed: int, num_left_out: int) -> TokensSummary:
    with open_tokens(output) as tokens:
        counts = np.zeros(tokens.num_codes, np.int64)
        for index in range(len(tokens)):
            counts += np.bincount(tokens.tokens(index).codes.ravel(), minlength=len(counts))
        share = counts[counts > 0] / counts.sum()
        return TokensSummary(
            output=str(output),
            digest=digest,
            tokenizer_digest=tokens.tokenizer_digest,
            num_clips=len(tokens),
            num_frames=int(np.sum(tokens.lengths)),
            num_failed=num_failed,
            num_left_out=num_left_out,
            num_codes_used=int(np.count_nonzero(counts)),
            perplexity=float(np.exp(-np.sum(share * np.log(share)))),
        )
