"""`tdmm train-l2m`: tokens and their sentences to a Language2Motion model folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdmm_core.artifacts.header import Making, parent_of
from tdmm_core.errors import InputError
from tdmm_core.language.config import L2MConfig
from tdmm_core.pipelines.adherence import with_checks
from tdmm_core.pipelines.code_vectors import find_code_vectors
from tdmm_core.pipelines.joined import JoinedTokens, Paths, listed, open_all_tokens
from tdmm_core.pipelines.model_output import finished_model, open_run_folder, publish_model, run_folder_of
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.process import is_main
from tdmm_core.runtime.seeding import derive_seed

if TYPE_CHECKING:
    import numpy as np

    from tdmm_core.language.l2m_dataset import L2MBatches
    from tdmm_core.language.l2m_model import L2MModel
    from tdmm_core.textmodels.text_encoder import TextEncoder
    from tdmm_core.training.task import TrainingSummary

KIND = "language-to-motion"
FIGURES = "training.json"


@dataclass(frozen=True, kw_only=True)
class TrainL2MSummary:
    """What a training of Language2Motion came to; figures of held-out clips are None where the tokens hold none."""

    output: str
    digest: str
    "Of the model folder; empty on processes that write none."
    num_clips: int
    num_validation_clips: int
    num_parameters: int
    steps: int
    best_step: int
    seconds: float
    "Time of training, over all resumptions."
    validation_loss: float | None
    "Nats a code, teacher-forced."
    validation_loss_without_prompt: float | None
    "The floor beside it: what the motion so far tells without the sentence."
    token_accuracy: float | None
    "Share of held-out codes (and ends) that were the likeliest, teacher-forced."
    repeat_accuracy: float | None
    "The floor beside it: the share that saying the code before once more would get right."


def train_l2m(
    tokens: Paths,
    output: Path,
    run: Run,
    *,
    config: L2MConfig,
    text_model: str | None = None,
    tokenizer: Path | None = None,
    deepspeed_config: Path | None = None,
    all_clips: bool = False,
) -> TrainL2MSummary:
    """Train on the clips of split train, validate on split validation, and write the model folder `output`.

    Clips that ignored their prompt (see `adherence`) are left out unless `all_clips`.

    `text_model` is the id or folder of a language model whose hidden states become the prefix; None takes the embedded word vectors.
    `tokenizer` is the motion tokenizer that made the tokens: what its codes look like makes learning quicker. None takes the embedded one or
    the folder that the tokens name, beside them, where either is it; without, the codes are learned from nothing.
    Checkpoints and curves are kept in `OUTPUT.partial/` until the model is whole; an interrupted run goes on from there.
    Several tokens artifacts are trained on together; a sentence that one holds out is trained on in none.
    Raises InputError for tokens without train clips or with several codes a frame, and for an output that exists.
    """
    from tdmm_core.textmodels.text_encoder import load_text_encoder

    encoder = load_text_encoder(text_model)
    paths = listed(tokens)
    code_vectors = find_code_vectors(paths[0], tokenizer, run)
    making = with_checks(_making(paths, run, config, encoder, code_vectors, deepspeed_config), paths, all_clips=all_clips)
    done = finished_model(output, run, kind=KIND, making=making)
    if done is not None:
        run.progress.log(f"{output}: made by this very run before")
        return TrainL2MSummary(output=str(output), digest=done.digest, seconds=0.0, **json.loads((output / FIGURES).read_text(encoding="utf-8")))
    with open_all_tokens(paths, all_clips=all_clips) as file:
        _check(file, paths[0])
        batches = _batches(file, encoder, config, run)
        model = _new_model(file, encoder, config, run, code_vectors)
    trained = _train(model, batches, output, run, making=making, deepspeed_config=deepspeed_config)
    model.network.fold()
    figures = _figures(model, batches, trained)
    digest = _publish(model, output, making, figures) if is_main() else ""
    return TrainL2MSummary(output=str(output), digest=digest, seconds=trained.seconds, **figures)


def _making(
    paths: Sequence[Path], run: Run, config: L2MConfig, encoder: TextEncoder, code_vectors: np.ndarray | None, deepspeed_config: Path | None
) -> Making:
    settings: dict[str, object] = {
        "l2m": asdict(config),
        "text_encoder": {"name": encoder.name, "digest": encoder.digest},
        "code_vectors": code_vectors is not None,
    }
    if deepspeed_config is not None:
        from tdmm_core.training.deepspeed_settings import read_user_settings

        settings["deepspeed"] = read_user_settings(deepspeed_config)
    return Making(recipe=run.recipe, config=settings, seed=run.seed, parents=tuple(map(parent_of, paths)))


def _check(file: JoinedTokens, tokens: Path) -> None:
    if len(file) == 0:
        raise InputError(f"{tokens}: expected clips to train on, got an artifact without any; tokenize a larger motion artifact")
    if file.codes_per_frame != 1:
        raise InputError(
            f"{tokens}: expected one code a frame, got {file.codes_per_frame}; language-to-motion is trained on tokens of a motion tokenizer with one"
        )


def _batches(file: JoinedTokens, encoder: TextEncoder, config: L2MConfig, run: Run) -> L2MBatches:
    from tdmm_core.language.l2m_dataset import L2MBatches, split_examples

    return L2MBatches(split_examples(file, config), encoder, config, num_codes=file.num_codes, seed=derive_seed(run.seed, "l2m data"))


def _new_model(file: JoinedTokens, encoder: TextEncoder, config: L2MConfig, run: Run, code_vectors: np.ndarray | None) -> L2MModel:
    import torch

    from tdmm_core.language.l2m_model import L2MModel
    from tdmm_core.language.l2m_network import L2MNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(run.seed, "l2m weights"))
        looks = None if code_vectors is None else torch.from_numpy(code_vectors)
        network = L2MNetwork(config, num_codes=file.num_codes, text_dim=encoder.dim, code_vectors=looks)
    tokens = file.tokens(0)
    return L2MModel(
        network=network,
        tokenizer_digest=file.tokenizer_digest,
        text_encoder=encoder.name,
        text_encoder_digest=encoder.digest,
        text_dim=encoder.dim,
        fps=file.fps,
        face_model=tokens.face_model,
        face_model_digest=tokens.face_model_digest,
    )


def _train(model: L2MModel, batches: L2MBatches, output: Path, run: Run, *, making: Making, deepspeed_config: Path | None) -> TrainingSummary:
    import torch

    from tdmm_core.language.l2m_objective import L2MObjective
    from tdmm_core.training.engine import train
    from tdmm_core.training.task import Place, TrainingTask

    config = model.network.config.training
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(run.seed, "l2m heads"))
        objective = L2MObjective(model.network)
    task = TrainingTask(
        model=objective,
        train_batch=batches.train,
        validation_batches=lambda: batches.validation(config.batch_size),
        identity="".join(p.digest for p in making.parents),
    )
    place = Place(
        run_dir=open_run_folder(output, run, making=making), device=run.device, deepspeed_config=deepspeed_config, resume=run.resume, force=run.force
    )
    return train(task, config, place, seed=run.seed, progress=run.progress)


def _figures(model: L2MModel, batches: L2MBatches, trained: TrainingSummary) -> dict[str, Any]:
    """What is remembered of a training beside the model: figures that do not depend on when and where it ran."""
    from tdmm_core.language.l2m_score import score

    scored = score(model.network, batches.examples["validation"], batches.vectors.encoder)
    return {
        "num_clips": len(batches.examples["train"]),
        "num_validation_clips": len(batches.examples["validation"]),
        "num_parameters": sum(p.numel() for p in model.network.parameters()),
        "steps": trained.steps,
        "best_step": trained.best_step,
        "validation_loss": scored.loss,
        "validation_loss_without_prompt": scored.loss_without_prompt,
        "token_accuracy": scored.token_accuracy,
        "repeat_accuracy": scored.repeat_accuracy,
    }


def _publish(model: L2MModel, output: Path, making: Making, figures: dict[str, object]) -> str:
    """Write the model folder under its final name; returns its digest."""

    def save(folder: Path) -> None:
        model.save(folder)
        (folder / FIGURES).write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")

    return publish_model(output, run_folder_of(output), save, kind=KIND, making=making).digest
