"""A model's weights on their way into DeepSpeed and home again: gathered, saved, and freed of what DeepSpeed hung on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from tdmm_core.training.checkpoints import whole_file

DEEPSPEEDS_OWN = ("_external_params", "_original_parameters", "all_parameters", "applied_pre_backward_ref_cnt", "post_bwd_fn", "pre_bwd_fn")
"What it sets on modules besides attributes that begin with ds_."
HALVES = (torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class Shell:
    """A model as it was before: which attributes its parameters and modules had of their own."""

    attributes: dict[str, frozenset[str]]
    modules: dict[str, tuple[dict, dict]]
    "Of each module: its forward pre-hooks and forward hooks."


def shell_of(model: nn.Module) -> Shell:
    """To be taken before DeepSpeed sees the model."""
    return Shell(
        {name: frozenset(vars(parameter)) for name, parameter in model.named_parameters()},
        {name: (dict(module._forward_pre_hooks), dict(module._forward_hooks)) for name, module in model.named_modules()},
    )


def trained(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """What a training changes: parameters with gradient, each once, and the buffers that are saved with the model."""
    yield from ((name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad)
    yield from saved_buffers(model)


def saved_buffers(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Buffers that belong to the model's state."""
    for prefix, module in model.named_modules():
        for name, buffer in module.named_buffers(recurse=False):
            if name not in module._non_persistent_buffers_set:
                yield f"{prefix}.{name}" if prefix else name, buffer


def whole(parameter: torch.Tensor) -> torch.Tensor:
    """A copy on the CPU, collected from all processes where ZeRO 3 has cut the parameter into pieces; floats as float32.

    Where DeepSpeed trains in half precision, it is the optimiser's float32 value and not its rounded shadow.
    """
    if parameter.dtype in HALVES and parameter.requires_grad:
        from deepspeed.utils import safe_get_full_fp32_param

        if (exact := safe_get_full_fp32_param(parameter)) is not None:
            return _copy(exact)
    if hasattr(parameter, "ds_tensor"):
        import deepspeed

        with deepspeed.zero.GatheredParameters([parameter]):
            return _copy(parameter.data)
    return _copy(parameter.data)


def copies(tensors: Iterator[tuple[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Whole copies by name; every process of a run has to take part."""
    return {name: whole(tensor) for name, tensor in tensors}


def bring_home(model: nn.Module, values: dict[str, torch.Tensor], shell: Shell) -> None:
    """Makes it an ordinary float32 model on the CPU again, holding `values`; parameters keep their identity."""
    for name, module in model.named_modules():
        if type(module._parameters) is not dict:
            module._parameters = dict(module._parameters)
        for extra in [key for key in vars(module) if key.startswith("ds_") or key in DEEPSPEEDS_OWN]:
            delattr(module, extra)
        pre_hooks, hooks = shell.modules[name]
        _keep_only(module._forward_pre_hooks, pre_hooks)
        _keep_only(module._forward_hooks, hooks)
    for name, parameter in model.named_parameters():
        for extra in set(vars(parameter)) - shell.attributes[name]:
            delattr(parameter, extra)
        parameter.grad = None
        parameter.data = values[name]
    for _, module in model.named_modules():
        for name, buffer in module.named_buffers(recurse=False):
            module._buffers[name] = buffer if buffer.device.type == "cpu" and buffer.dtype == torch.float32 else _copy(buffer)


def save(path: Path, values: dict[str, torch.Tensor]) -> None:
    """As safetensors, complete or not at all."""
    from safetensors.torch import save_file

    with whole_file(path) as part:
        save_file(values, part)


def load(path: Path, model: nn.Module) -> None:
    """Puts saved values into a model on the CPU."""
    from safetensors.torch import load_file

    targets = dict(trained(model))
    with torch.no_grad():
        for name, value in load_file(path).items():
            targets[name].copy_(value)


def _copy(tensor: torch.Tensor) -> torch.Tensor:
    kind = torch.float32 if tensor.dtype in HALVES else tensor.dtype
    return tensor.detach().to("cpu", kind, copy=True).contiguous()


def _keep_only(hooks: dict, wanted: dict) -> None:
    for key in [key for key in hooks if key not in wanted]:
        del hooks[key]
