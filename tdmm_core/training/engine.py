"""The one training loop, on DeepSpeed: steps, validations, checkpoints, curves; resumed, interrupted, on one process or many.

Knows no faces, no words and no model: a TrainingTask brings them.
"""

from __future__ import annotations

import contextlib
import gc
import math
import time
from dataclasses import asdict, dataclass, field
from itertools import chain

import torch

from tdmm_core.errors import TdmmError
from tdmm_core.runtime.device import resolve_device
from tdmm_core.runtime.progress import SILENT, Progress
from tdmm_core.runtime.seeding import derive_seed
from tdmm_core.training import curves, weights
from tdmm_core.training.checkpoints import RunFolder, read_state, writing
from tdmm_core.training.config import TrainingConfig
from tdmm_core.training.deepspeed_engine import load_checkpoint, load_deepspeed, make_engine, quiet, save_checkpoint
from tdmm_core.training.deepspeed_settings import peak_rate, read_user_settings, settings
from tdmm_core.training.distributed import Team, joined
from tdmm_core.training.interruption import Interruption
from tdmm_core.training.step import Inner, Window, own_randomness, seed_torch, train_step, validate
from tdmm_core.training.task import Place, TrainingSummary, TrainingTask

IDENTITY_FREE = ("checkpoint_every", "log_every")
"Settings that may differ when a run is gone on with: they change no weight."
SECONDS_BETWEEN_PICTURES = 20.0
LARGE_MODEL = 10_000_000
"Parameters from which on memory is freed at once after a training."


@dataclass
class _State:
    """What a checkpoint remembers besides what DeepSpeed saves."""

    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    validation_loss: float | None = None
    train_loss: float | None = None
    sums: dict[str, list[float]] = field(default_factory=dict)
    "Of each measure: its sum since the last line of the curve, and over how many steps."
    seconds: float = 0.0


@dataclass
class _Session:
    """Everything that one training holds while it runs."""

    task: TrainingTask
    config: TrainingConfig
    seed: int
    team: Team
    folder: RunFolder
    progress: Progress
    engine: object
    peak_rate: float | None
    "Where our schedule rises to; None under a scheduler of the user's."
    state: _State = field(default_factory=_State)
    window: Window = field(default_factory=Window)
    started: float = field(default_factory=time.monotonic)
    last_picture: float = field(default_factory=time.monotonic)
    first_step: int = 0
    "Steps that were done when this session began."
    last_line: tuple[int, float] = (0, 0.0)
    "Step and seconds at the last line of the curve, or at the start of this session."

    @property
    def seconds(self) -> float:
        return self.state.seconds + time.monotonic() - self.started


def train(task: TrainingTask, config: TrainingConfig, place: Place, *, seed: int = 0, progress: Progress = SILENT) -> TrainingSummary:
    """Trains `task.model` in place; afterwards it is an ordinary float32 model on the CPU that holds the best or last weights.

    Every process of a launched run calls it alike. On one machine and thread count, equal arguments give equal bits, however often the run was
    killed and resumed. Raises InputError (settings, a run folder of another run), MissingPartError (no DeepSpeed), TdmmError (loss not finite)
    and KeyboardInterrupt (Ctrl-C or SIGTERM, after a checkpoint).
    """
    user = read_user_settings(place.deepspeed_config)
    device = resolve_device(place.device)
    deepspeed = load_deepspeed(device.type)
    with joined(device) as team, own_randomness(device), quiet():
        chosen = settings(config, user, num_processes=team.size, device_type=device.type)
        folder = _claimed(task, config, place, team, seed=seed, user=user)
        shell = weights.shell_of(task.model)
        team.broadcast(chain(task.model.parameters(), (buffer for _, buffer in weights.saved_buffers(task.model))))
        engine = make_engine(deepspeed, Inner(task.model, device, config), config, chosen, of_user=bool(user))
        session = _Session(task, config, seed, team, folder, progress, engine, None if "scheduler" in user else peak_rate(config, chosen))
        arrived = False
        try:
            session.state = _resumed(engine, folder)
            session.first_step = session.state.step
            session.last_line = (session.state.step, session.state.seconds)
            _run(session)
            arrived = True
        finally:
            _dismantle(session, shell, arrived=arrived)
            del engine
            if sum(parameter.numel() for parameter in task.model.parameters()) > LARGE_MODEL:
                gc.collect()  # DeepSpeed's engines hold themselves in cycles, and with them the optimiser's memory
        return _finish(session)


def _dismantle(session: _Session, shell: weights.Shell, *, arrived: bool) -> None:
    """Takes the model out of DeepSpeed. After a failure of one among many it stays there: the others may not come to collect the weights."""
    if session.team.size == 1 or arrived:
        values = weights.copies(session.task.model.named_parameters())
        session.engine.destroy()
        weights.bring_home(session.task.model, values, shell)
    session.engine = None


def _claimed(task: TrainingTask, config: TrainingConfig, place: Place, team: Team, *, seed: int, user: dict) -> RunFolder:
    """The run folder, checked to be this run's on every process."""
    folder = RunFolder(place.run_dir)
    chosen = {name: value for name, value in asdict(config).items() if name not in IDENTITY_FREE}
    shapes = [[name, list(tensor.shape)] for name, tensor in weights.trained(task.model)]
    identity = {
        **chosen,
        "seed": seed,
        "task": task.identity,
        "deepspeed": user,
        "weights": f"{len(shapes)} tensors {derive_seed(0, shapes):016x}",
        "processes": team.size if config.zero_stage or user else "any",
    }
    problem: Exception | None = None
    if team.is_main:
        try:
            folder.claim(identity, resume=place.resume, force=place.force)
            folder.check(identity)
        except TdmmError as e:
            problem = e
    if team.any(problem is not None):
        raise problem or TdmmError("another process of this run could not start; see its message")
    return folder


def _resumed(engine: object, folder: RunFolder) -> _State:
    """Loads the last complete checkpoint, if there is one, into the engine."""
    checkpoint = folder.latest()
    if checkpoint is None:
        return _State()
    state = _State(**read_state(checkpoint))
    load_checkpoint(engine, checkpoint)
    return state


def _run(session: _Session) -> None:
    config, state, team = session.config, session.state, session.team
    if team.is_main:
        curves.cut(session.folder.curve, state.step)
        session.progress.start("train", config.steps, "step")
        session.progress.advance(state.step)
    with contextlib.ExitStack() as stack:
        if team.is_main:
            stack.callback(session.progress.finish)
        interruption = stack.enter_context(Interruption())
        while state.step < config.steps:
            _one_step(session)
            done = state.step == config.steps
            if _due(state.step, config.log_every) or done:
                _log(session)
            if _due(state.step, config.validate_every) or done:
                _validate(session)
            stop = team.any(interruption.asked)
            if _due(state.step, config.checkpoint_every) or done or stop:
                _checkpoint(session)
            if stop and not done:
                raise KeyboardInterrupt


def _one_step(session: _Session) -> None:
    config, state, engine = session.config, session.state, session.engine
    seed_torch(derive_seed(session.seed, "step", state.step, session.team.rank), session.team.device)
    if session.peak_rate is not None:
        for group in engine.optimizer.param_groups:
            group["lr"] = session.peak_rate * config.share_of_rate_at(state.step)
    measures = train_step(engine, session.task, config, state.step)
    state.step += 1
    if session.task.after_step is not None:
        measures.update(session.task.after_step(state.step) or {})
    session.team.broadcast(buffer for _, buffer in weights.saved_buffers(session.task.model))
    session.window.add(measures)
    if session.team.size == 1 and session.team.device.type == "cpu":
        _look(session)
    if session.team.is_main:
        session.progress.advance(1, "" if state.train_loss is None else f"loss {state.train_loss:.4g}")


def _look(session: _Session) -> None:
    """Takes the window's steps into the sums of the next line. Raises TdmmError at the first loss that is not finite."""
    state = session.state
    rows = session.window.take(session.team)
    for number, row in enumerate(rows, start=state.step - len(rows) + 1):
        if not math.isfinite(row["loss"]):
            raise _not_finite(session, f"the loss at step {number} is {row['loss']}")
        for name, value in row.items():
            total, count = state.sums.get(name, (0.0, 0))
            state.sums[name] = [total + value, count + 1]


def _not_finite(session: _Session, what: str) -> TdmmError:
    last = session.folder.latest()
    kept = f"the checkpoint of step {read_state(last)['step']} is kept" if last else "there is no checkpoint yet"
    return TdmmError(f"training: {what}; {kept}; try a lower learning_rate, more warmup_steps or precision fp32")


def _log(session: _Session) -> None:
    """One line of the training curve: means over the steps since the last."""
    _look(session)
    state, config = session.state, session.config
    if not state.sums:
        return
    means = {name: total / count for name, (total, count) in state.sums.items()}
    state.train_loss = means["loss"]
    state.sums = {}
    now = session.seconds
    since_step, since = session.last_line
    session.last_line = (state.step, now)
    if session.team.is_main:
        rates = {
            "learning_rate": session.engine.optimizer.param_groups[0]["lr"],
            "samples_per_s": round((state.step - since_step) * config.batch_size / max(now - since, 1e-9), 2),
            "elapsed_s": round(now, 3),
        }
        with writing(session.folder.curve):
            curves.append(session.folder.curve, {"step": state.step, "split": "train", **means, **rates})


def _validate(session: _Session) -> None:
    """One line of the validation curve; the weights are put aside where they are the best so far."""
    _look(session)
    state, folder = session.state, session.folder
    seed_torch(derive_seed(session.seed, "validation"), session.team.device)
    measures = validate(session.engine, session.task.validation_batches(), session.team)
    if not measures:
        return
    if not math.isfinite(measures["loss"]):
        raise _not_finite(session, f"the validation loss after step {state.step} is {measures['loss']}")
    state.validation_loss = measures["loss"]
    if state.best_loss is None or measures["loss"] < state.best_loss:
        state.best_step, state.best_loss = state.step, measures["loss"]
        if session.config.keep == "best":
            values = weights.copies(weights.trained(session.task.model))
            if session.team.is_main:
                with writing(folder.best(state.step)):
                    weights.save(folder.best(state.step), values)
    if session.team.is_main:
        with writing(folder.curve):
            curves.append(folder.curve, {"step": state.step, "split": "validation", **measures, "elapsed_s": round(session.seconds, 3)})
            if time.monotonic() - session.last_picture > SECONDS_BETWEEN_PICTURES and state.step < session.config.steps:
                curves.draw(folder.curve, folder.picture)
                session.last_picture = time.monotonic()


def _checkpoint(session: _Session) -> None:
    """Saves all that going on needs; the folder gets its name only once it is complete."""
    _look(session)
    state, folder, team = session.state, session.folder, session.team
    finite = all(bool(torch.isfinite(getattr(p, "ds_tensor", p).data).all()) for p in session.task.model.parameters() if p.requires_grad)
    if team.any(not finite):
        raise _not_finite(session, f"a weight after step {state.step} is not finite")
    with writing(folder.part(state.step)):
        save_checkpoint(session.engine, folder.part(state.step))
        team.wait()
        if team.is_main:
            folder.commit(state.step, {**asdict(state), "seconds": session.seconds})
    team.wait()


def _finish(session: _Session) -> TrainingSummary:
    """Takes the best weights where they are wanted, and draws the curves."""
    state, folder = session.state, session.folder
    best = session.config.keep == "best" and state.best_step > 0
    if best and state.best_step != state.step:
        weights.load(folder.best(state.best_step), session.task.model)
    if session.team.is_main and (state.step > session.first_step or not folder.picture.exists()):
        with writing(folder.picture):
            curves.draw(folder.curve, folder.picture)
    session.team.wait()
    return TrainingSummary(
        steps=state.step,
        best_step=state.best_step,
        train_loss=state.train_loss,
        validation_loss=state.best_loss if best else state.validation_loss,
        seconds=session.seconds,
    )


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
