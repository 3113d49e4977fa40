"""Choosing and describing the device that torch computes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tdmm_core.errors import InputError, MissingPartError

if TYPE_CHECKING:
    import torch


def resolve_device(name: str = "auto") -> torch.device:
    """`auto` takes CUDA, then Apple's MPS, then the CPU; otherwise a torch device name.

    Raises InputError for an unknown name and MissingPartError for a device that is not there.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            from tdmm_core.runtime.process import local_rank

            return torch.device("cuda", local_rank() % torch.cuda.device_count())
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as e:
        raise InputError(f"--device: expected auto, cpu, cuda, cuda:N or mps, got {name!r}") from e
    if device.type == "cuda" and not torch.cuda.is_available():
        raise MissingPartError(f"--device {name}: no CUDA device is visible here; use --device cpu")
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise MissingPartError(f"--device {name}: no Apple GPU is visible here; use --device cpu")
    return device
