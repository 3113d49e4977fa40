"""DeepSpeed's own JSON: ours where the user gives none, the user's completed from ours where they do. Does not import DeepSpeed."""

from __future__ import annotations

import json
from pathlib import Path

from tdmm_core.errors import InputError
from tdmm_core.training.config import TrainingConfig

BATCH_KEYS = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps")


def read_user_settings(path: Path | None) -> dict:
    """The user's JSON, or nothing. Raises InputError for a file that is not there or is not a JSON object."""
    if path is None:
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as e:
        raise InputError(f"--deepspeed {path}: no such file") from e
    except OSError as e:
        raise InputError(f"--deepspeed {path}: expected a readable DeepSpeed JSON file, got: {e.strerror}") from e
    except ValueError as e:
        raise InputError(f"--deepspeed {path}: expected a JSON file with DeepSpeed settings, got something else ({e})") from e
    if not isinstance(found, dict):
        raise InputError(f"--deepspeed {path}: expected a JSON object of DeepSpeed settings, got a {type(found).__name__}")
    return found


def settings(config: TrainingConfig, user: dict, *, num_processes: int, device_type: str) -> dict:
    """What DeepSpeed is started with: the user's settings, completed from ours.

    "auto" takes our value, or DeepSpeed's default where we have none. Raises InputError for batch sizes that contradict the config.
    """
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
    chosen = {**ours, **_filled(user, {**ours, **_on_request(config)})}
    if isinstance(chosen["zero_optimization"], dict):
        chosen["zero_optimization"] = {**ours["zero_optimization"], **chosen["zero_optimization"]}
    if isinstance(optimizer := chosen.get("optimizer"), dict):
        plain = {"torch_adam": True} if device_type == "cpu" and str(optimizer.get("type")).lower() in ("adam", "adamw") else {}
        base = {"lr": config.learning_rate, "weight_decay": config.weight_decay, **plain}
        chosen["optimizer"] = {**optimizer, "params": {**base, **optimizer.get("params", {})}}
    for key in BATCH_KEYS:
        if chosen[key] != ours[key]:
            raise InputError(
                f"--deepspeed: {key} is {chosen[key]!r}, but batch_size {config.batch_size}, gradient_accumulation {config.gradient_accumulation} "
                f'and {num_processes} process(es) make it {ours[key]}; leave it out or write "auto"'
            )
    return chosen


def peak_rate(config: TrainingConfig, chosen: dict) -> float:
    """Learning rate that the schedule rises to: the user's optimizer's own, where it has one."""
    return chosen["optimizer"]["params"]["lr"] if "optimizer" in chosen else config.learning_rate


def _on_request(config: TrainingConfig) -> dict:
    """Values that we give only where the user's file says "auto"."""
    rates = {"lr": config.learning_rate, "betas": [config.beta1, config.beta2], "eps": 1e-8, "weight_decay": config.weight_decay}
    warmup = {"warmup_min_lr": 0.0, "warmup_max_lr": config.learning_rate, "warmup_num_steps": config.warmup_steps, "total_num_steps": config.steps}
    half = {"bf16": {"enabled": config.precision == "bf16"}, "fp16": {"enabled": False}}
    return {"optimizer": {"params": rates}, "scheduler": {"params": warmup}, **half}


def _filled(user: dict, ours: dict) -> dict:
    """`user` with every "auto" replaced from `ours`, or dropped where we have nothing."""
    result = {}
    for key, value in user.items():
        mine = ours.get(key)
        if isinstance(value, dict):
            result[key] = _filled(value, mine if isinstance(mine, dict) else {})
        elif value != "auto":
            result[key] = value
        elif mine is not None:
            result[key] = mine
    return result
