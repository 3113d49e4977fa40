"""DeepSpeed's own JSON: ours where the user gives none, the user's filled in from ours where they do; and its quiet import.

Knows no model and no loop.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.training.config import TrainingConfig

BATCH_KEYS = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps")


def load_deepspeed(device_type: str) -> ModuleType:
    """DeepSpeed, imported for CPU or CUDA, without its talk and without compiling anything."""
    os.environ.setdefault("DS_ACCELERATOR", device_type)
    talk = logging.getLogger("DeepSpeed")
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            deepspeed = importlib.import_module("deepspeed")
    except ImportError as e:
        raise MissingPartError(f"training needs DeepSpeed, which is not installed here ({e}); on Linux: pip install 'deepspeed>=0.16'") from e
    talk.handlers.clear()
    talk.addHandler(logging.NullHandler())
    for name in deepspeed.ops.__compatible_ops__:  # its shared-memory operator would be compiled at the first start, and a kill leaves a lock behind
        if "shm_comm" in name:
            deepspeed.ops.__compatible_ops__[name] = False
    _choose_accelerator(device_type)
    return deepspeed


def read_user_settings(path: Path | None) -> dict:
    """The user's JSON, or nothing. Raises InputError for a file that is not there or is not a JSON object."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise InputError(f"--deepspeed {path}: expected a readable DeepSpeed JSON file, got: {e.strerror}") from e
    except ValueError as e:
        raise InputError(f"--deepspeed {path}: expected JSON, got an error: {e}") from e
    if not isinstance(found, dict):
        raise InputError(f"--deepspeed {path}: expected a JSON object of DeepSpeed settings, got a {type(found).__name__}")
    return found


def settings(config: TrainingConfig, user: dict, num_processes: int) -> dict:
    """What DeepSpeed is started with: the user's settings, completed from ours."""
    ours = {
        "train_batch_size": config.batch_size,
        "train_micro_batch_size_per_gpu": config.micro_batch_size(num_processes),
        "gradient_accumulation_steps": config.gradient_accumulation,
        "gradient_clipping": config.grad_clip,
        "zero_optimization": {"stage": config.zero_stage},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "steps_per_print": 10**12,
        "wall_clock_breakdown": False,
    }
    filled = _filled(user, {**ours, **_automatic(config, user)})
    for key in BATCH_KEYS:
        if filled[key] != ours[key]:
            raise InputError(
                f"--deepspeed: {key} is {filled[key]!r}, but batch_size {config.batch_size}, gradient_accumulation {config.gradient_accumulation} "
                f'and {num_processes} process(es) make it {ours[key]}; leave it out or write "auto"'
            )
    return filled


def _automatic(config: TrainingConfig, user: dict) -> dict:
    """Values for sections that only a user's file has."""
    rates = {"lr": config.learning_rate, "betas": [config.beta1, config.beta2], "eps": 1e-8, "weight_decay": config.weight_decay}
    warmup = {"warmup_min_lr": 0.0, "warmup_max_lr": config.learning_rate, "warmup_num_steps": config.warmup_steps, "total_num_steps": config.steps}
    sections = {
        "optimizer": {"params": rates},
        "scheduler": {"params": warmup},
        "bf16": {"enabled": config.precision == "bf16"},
        "fp16": {"enabled": False},
    }
    return {name: section for name, section in sections.items() if name in user}


def _filled(user: dict, ours: dict, *, whole: bool = True) -> dict:
    """`user` with "auto" replaced from `ours` (dropped where we have nothing: DeepSpeed's default) and, if `whole`, our other keys added."""
    result = dict(ours) if whole else {}
    for key, value in user.items():
        mine = ours.get(key)
        if isinstance(value, dict):
            result[key] = _filled(value, mine if isinstance(mine, dict) else {}, whole=key != "params")
        elif value != "auto":
            result[key] = value
        elif mine is not None:
            result[key] = mine
    return result


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
    """Without the deprecation warnings that DeepSpeed's use of torch raises."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", module="deepspeed")
        yield
