"""DeepSpeed itself: its quiet import, and an engine of it around a model. Knows no run and no folder."""

from __future__ import annotations

import contextlib
import enum
import importlib
import io
import logging
import os
import pickle
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from tdmm_core.errors import InputError, MissingPartError, TdmmError
from tdmm_core.training.config import TrainingConfig
from tdmm_core.training.step import Inner

TAG = "deepspeed"
DATA_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
"Makes torch.load refuse whatever would have to be executed, also where DeepSpeed calls it."


def load_deepspeed(device_type: str) -> ModuleType:
    """DeepSpeed, imported for CPU or CUDA, without its talk and without compiling anything. Raises MissingPartError where it is not installed."""
    if device_type not in ("cpu", "cuda"):
        raise InputError(f"--device {device_type}: training runs on cpu or cuda; use --device cpu")
    os.environ.setdefault("DS_ACCELERATOR", device_type)
    talk = logging.getLogger("DeepSpeed")
    try:
        with contextlib.redirect_stdout(io.StringIO()), quiet():
            deepspeed = importlib.import_module("deepspeed")
    except ImportError as e:
        raise MissingPartError(
            f"training needs DeepSpeed, which runs on Linux and cannot be imported here ({e}); pip install 'deepspeed>=0.16'"
        ) from e
    talk.handlers.clear()
    talk.addHandler(logging.NullHandler())
    for name in deepspeed.ops.__compatible_ops__:
        if "shm_comm" in name:  # would be compiled at the first start, and a kill meanwhile leaves a lock that every later start waits for
            deepspeed.ops.__compatible_ops__[name] = False
    _choose_accelerator(device_type)
    return deepspeed


def make_engine(deepspeed: ModuleType, inner: Inner, config: TrainingConfig, chosen: dict, *, of_user: bool) -> object:
    """An engine that trains `inner` by AdamW, or by the optimizer that the settings `chosen` name."""
    learning = [parameter for parameter in inner.parameters() if parameter.requires_grad]
    if not learning:
        raise TdmmError("training: expected a model with parameters to train, got none")
    optimizer = None
    if "optimizer" not in chosen:
        optimizer = torch.optim.AdamW(_groups(learning, config), lr=config.learning_rate, betas=(config.beta1, config.beta2))
    try:
        engine, *_ = deepspeed.initialize(model=inner, optimizer=optimizer, model_parameters=learning, config=chosen, dist_init_required=False)
    except (AssertionError, AttributeError, ImportError, KeyError, RuntimeError, TypeError, ValueError) as e:
        if not of_user:
            raise
        reason = (str(e).strip() or type(e).__name__).splitlines()[0]
        raise InputError(f"--deepspeed: DeepSpeed does not take these settings ({type(e).__name__}: {reason}); see its configuration page") from e
    for half, on in ((torch.bfloat16, engine.bfloat16_enabled()), (torch.float16, engine.fp16_enabled())):
        if on:
            inner.own_dtype = half
    if engine.world_size == 1 and engine.zero_optimization_stage() == 0 and inner.own_dtype is None:
        engine.enable_backward_allreduce = False  # a process alone would still send every gradient through the network library
    engine.train()
    return engine


def load_checkpoint(engine: object, checkpoint: Path) -> None:
    """Puts a saved state into an engine. Nothing in it is executed: DeepSpeed's files are pickles, of which tensors, plain values and DeepSpeed's own
    classes are read. Raises TdmmError for a checkpoint that is damaged or holds anything else."""
    before = os.environ.get(DATA_ONLY)
    try:
        os.environ[DATA_ONLY] = "1"
        members = [(_member, f"{module}.getattr") for module in ("builtins", "__builtin__")]
        with torch.serialization.safe_globals([*_deepspeeds_classes(checkpoint), *members]):
            loaded, _ = engine.load_checkpoint(str(checkpoint), tag=TAG, load_module_strict=False)
        if loaded is None:
            raise FileNotFoundError(f"nothing under {TAG}")
    except (AssertionError, EOFError, KeyError, OSError, RuntimeError, pickle.UnpicklingError) as e:
        reason = (str(e).strip() or type(e).__name__).splitlines()[0]
        raise TdmmError(f"{checkpoint}: the checkpoint is damaged ({reason}); remove this folder to go on from the one before") from e
    finally:
        del os.environ[DATA_ONLY]
        if before is not None:
            os.environ[DATA_ONLY] = before


def save_checkpoint(engine: object, folder: Path) -> None:
    """Writes an engine's state; weights that are not trained stay out."""
    engine.save_checkpoint(str(folder), tag=TAG, save_latest=False, exclude_frozen_parameters=True)


def _deepspeeds_classes(checkpoint: Path) -> list[type]:
    """Of the classes that a checkpoint's files name: DeepSpeed's."""
    names = {name for file in checkpoint.rglob("*.pt") for name in torch.serialization.get_unsafe_globals_in_checkpoint(file)}
    found = []
    for module, _, name in (name.rpartition(".") for name in sorted(names) if name.startswith("deepspeed.")):
        thing = getattr(importlib.import_module(module), name, None)
        if isinstance(thing, type):
            found.append(thing)
    return found


def _member(kind: object, name: object) -> enum.Enum:
    """The member of an enumeration: all that a checkpoint may use `getattr` for, as Python before 3.11.4 writes them."""
    if not (isinstance(kind, enum.EnumType) and isinstance(name, str)):
        raise pickle.UnpicklingError(f"expected the member of an enumeration, got {kind!r} and {name!r}")
    return kind[name]


def _groups(learning: list[nn.Parameter], config: TrainingConfig) -> list[dict]:
    """Matrices decay; biases, norms and other vectors do not."""
    groups = [
        {"params": [parameter for parameter in learning if parameter.ndim >= 2], "weight_decay": config.weight_decay},
        {"params": [parameter for parameter in learning if parameter.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _choose_accelerator(device_type: str) -> None:
    from deepspeed.accelerator import get_accelerator, set_accelerator

    if get_accelerator().device_name() == device_type:
        return
    if device_type == "cpu":
        from deepspeed.accelerator.cpu_accelerator import CPU_Accelerator as Accelerator
    else:
        from deepspeed.accelerator.cuda_accelerator import CUDA_Accelerator as Accelerator
    set_accelerator(Accelerator())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings that DeepSpeed's use of torch raises."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", module="deepspeed")
        yield
