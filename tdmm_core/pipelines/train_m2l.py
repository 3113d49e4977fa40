"""`tdmm train-m2l`: tokens and their sentences to a Motion2Language model folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdmm_core.artifacts.header import Making, parent_of
from tdmm_core.errors import InputError
from tdmm_core.language.m2l_config import M2LConfig
from tdmm_core.pipelines.adherence import with_checks
from tdmm_core.pipelines.joined import JoinedTokens, Paths, listed, open_all_tokens
from tdmm_core.pipelines.m2l_parts import KIND, embedded_file, tokenizer_of
from tdmm_core.pipelines.model_output import finished_model, open_run_folder, publish_model, run_folder_of
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.process import is_main, rank, world_size
from tdmm_core.runtime.seeding import derive_seed

if TYPE_CHECKING:
    from tdmm_core.language.m2l_dataset import M2LBatches
    from tdmm_core.language.m2l_training import M2LTraining
    from tdmm_core.textmodels.causal import CausalModel
    from tdmm_core.training.task import TrainingSummary

FIGURES = "training.json"


@dataclass(frozen=True, kw_only=True)
class TrainM2LSummary:
    """What a training of Motion2Language came to; figures of held-out clips are None where the tokens hold none."""

    output: str
    digest: str
    "Of the model folder; empty on processes that write none."
    text_model: str
    num_clips: int
    num_validation_clips: int
    "Held-out clips that were scored."
    num_parameters: int
    "Trained ones."
    steps: int
    best_step: int
    seconds: float
    "Time of training, over all resumptions."
    apprentice_loss: float | None
    "Nats a word of held-out answers to all kinds of questions, by the apprentice from whom the gist is learned; None without one."
    validation_loss: float | None
    "Nats a word of the plainest description, teacher-forced."
    validation_loss_of_other_motion: float | None
    "The floor beside it: the same sentences after another clip's motion."
    token_accuracy: float | None
    "Share of their words that were the likeliest, teacher-forced."
    naming_accuracy: float | None
    "Share of held-out clips whose label came out right."
    share_of_commonest_label: float | None
    "The floor beside it."


def train_m2l(
    tokens: Paths,
    output: Path,
    run: Run,
    *,
    config: M2LConfig,
    text_model: str | None = None,
    tokenizer: Path | None = None,
    deepspeed_config: Path | None = None,
    all_clips: bool = False,
) -> TrainM2LSummary:
    """Train on the clips of split train, validate on split validation, and write the model folder `output`.

    Clips that ignored their prompt (see `adherence`) are left out unless `all_clips`.

    `text_model` is the id or folder of a causal language model, None the embedded one. `tokenizer` is the folder of the motion tokenizer that
    made the tokens; None looks among the embedded one and the folder beside them. Checkpoints and curves are kept in `OUTPUT.partial/` until the
    model is whole; an interrupted run goes on from there. Several tokens artifacts are trained on together; a sentence that one
    holds out is trained on in none. Raises InputError for tokens without train clips and for an output that exists.
    """
    from tdmm_core.language.m2l_training import language_model
    from tdmm_core.training.deepspeed_settings import read_user_settings

    deepspeed = read_user_settings(deepspeed_config)
    paths = listed(tokens)
    with open_all_tokens(paths) as file:  # what can be refused is refused before the language model is loaded, which takes its time
        _check(file, paths[0])
    model = language_model(config, text_model, gguf=embedded_file(text_model, run))
    making = with_checks(_making(paths, run, config, model, deepspeed), paths, all_clips=all_clips)
    done = finished_model(output, run, kind=KIND, making=making)
    if done is not None:
        run.progress.log(f"{output}: made by this very run before")
        return TrainM2LSummary(output=str(output), digest=done.digest, seconds=0.0, **json.loads((output / FIGURES).read_text(encoding="utf-8")))
    with open_all_tokens(paths, all_clips=all_clips) as file:
        training = _training(file, paths[0], model, run, config=config, tokenizer=tokenizer)
    trained = _train(training, output, run, making=making, deepspeed_config=deepspeed_config)
    figures = _figures(training, trained)
    digest = _publish(training, output, making, figures) if is_main() else ""
    return TrainM2LSummary(output=str(output), digest=digest, seconds=sum(t.seconds for t in trained), **figures)


def _check(file: JoinedTokens, tokens: Path) -> None:
    if len(file) == 0:
        raise InputError(f"{tokens}: expected clips to train on, got an artifact without any; tokenize a larger motion artifact")


def _making(paths: Sequence[Path], run: Run, config: M2LConfig, model: CausalModel, deepspeed: dict[str, object]) -> Making:
    settings: dict[str, object] = {"m2l": asdict(config), "text_model": {"name": model.name, "digest": model.digest}}
    if deepspeed:
        settings["deepspeed"] = deepspeed
    return Making(recipe=run.recipe, config=settings, seed=run.seed, parents=tuple(map(parent_of, paths)))


def _training(file: JoinedTokens, tokens: Path, model: CausalModel, run: Run, *, config: M2LConfig, tokenizer: Path | None) -> M2LTraining:
    from tdmm_core.language.m2l_examples import split_examples
    from tdmm_core.language.m2l_model import M2LAbout, reading_of
    from tdmm_core.language.m2l_training import M2LTraining
    from tdmm_core.pipelines.m2l_questions import Asking

    coder = tokenizer_of(file.tokenizer_digest, given=tokenizer, tokens=tokens, parents=file.parents)
    first = file.tokens(0)
    about = M2LAbout(
        base=model.name,
        base_digest=model.digest,
        num_codes=file.num_codes,
        codes_per_frame=file.codes_per_frame,
        tokenizer_digest=file.tokenizer_digest,
        fps=file.fps,
        face_model=first.face_model,
        face_model_digest=first.face_model_digest,
        **reading_of(config),  # type: ignore[arg-type]
    )
    asking = Asking(coder, seed=run.seed, longest_frames=config.max_frames)
    run.progress.start("asking", None, "clips")
    examples = split_examples(file, config, asking)
    run.progress.finish()
    return M2LTraining(model, about, examples, coder.code_vectors(), config=config, seed=derive_seed(run.seed, "m2l data"))


def _train(training: M2LTraining, output: Path, run: Run, *, making: Making, deepspeed_config: Path | None) -> tuple[TrainingSummary, ...]:
    """First the gist encoder with its apprentice, where there is one, then the language model."""
    from tdmm_core.training.engine import train
    from tdmm_core.training.task import Place, TrainingTask

    folder = open_run_folder(output, run, making=making)
    identity = "".join([p.digest for p in making.parents] + [training.about.base_digest])
    batches, done = training.batches, []
    for name, model, config, held_out in (
        ("apprentice", training.apprentice, training.config.apprentice, batches.everything),
        ("", training.network, training.config.training, batches.validation),
    ):
        if model is None:
            continue
        if model is training.network:
            training.begin_language()
        task = TrainingTask(
            model=model,
            train_batch=_parts(batches, config.micro_batch_size(world_size()), 1_000_000 if name else 0),
            validation_batches=partial(held_out, config.batch_size),
            identity=f"{identity}{name}",
        )
        place = Place(run_dir=folder / name, device=run.device, deepspeed_config=deepspeed_config, resume=run.resume, force=run.force)
        done.append(train(task, config, place, seed=run.seed, progress=run.progress))
    return tuple(done)


def _parts(batches: M2LBatches, size: int, first: int) -> Callable[[int], dict[str, Any]]:
    """Batches by part number, counted from `first` on, so that two trainings see other rows."""
    return lambda part: batches.train(first + part, batch_size=size, rank=rank(), world_size=world_size())


def _figures(training: M2LTraining, all_trained: Sequence[TrainingSummary]) -> dict[str, Any]:
    """What is remembered of a training beside the model: figures that do not depend on when and where it ran."""
    scored, trained = training.score(), all_trained[-1]
    return {
        "text_model": training.about.base,
        "num_clips": len(training.batches.examples["train"]),
        "num_validation_clips": len(training.batches.held_out()),
        "num_parameters": sum(p.numel() for p in training.network.parameters() if p.requires_grad),
        "steps": trained.steps,
        "best_step": trained.best_step,
        "apprentice_loss": all_trained[0].validation_loss if len(all_trained) > 1 else None,
        "validation_loss": scored.loss,
        "validation_loss_of_other_motion": scored.loss_of_other_motion,
        "token_accuracy": scored.token_accuracy,
        "naming_accuracy": scored.naming_accuracy,
        "share_of_commonest_label": scored.share_of_commonest_label,
    }


def _publish(training: M2LTraining, output: Path, making: Making, figures: dict[str, object]) -> str:
    """Write the model folder under its final name; returns its digest."""

    def save(folder: Path) -> None:
        training.save(folder)
        (folder / FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    return publish_model(output, run_folder_of(output), save, kind=KIND, making=making).digest
