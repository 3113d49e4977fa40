"""Low-rank adapters (LoRA, arXiv 2106.09685) on a causal language model: attached, read out, put back, merged.

Owns every call into peft. Does not know what the adapter teaches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tdmm_core.errors import InputError
from tdmm_core.textmodels.causal import CausalModel

if TYPE_CHECKING:
    import torch

_NAME = "motion"


def attach(model: CausalModel, *, rank: int, alpha: float, seed: int = 0) -> None:
    """Give every linear layer but the head a trainable low-rank part that starts at zero; the rest stays frozen.

    Its weights are float32 whatever the model is in; a model in bfloat16 is to be run under autocast.
    """
    import torch
    from peft import LoraConfig, inject_adapter_in_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    settings = LoraConfig(r=rank, lora_alpha=alpha, target_modules=_linear_layers(model))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(settings, model.network, adapter_name=_NAME)
    half = model.network.dtype != torch.float32
    for module in model.network.modules():
        if isinstance(module, BaseTunerLayer):
            module.cast_input_dtype_enabled = not half  # else every input goes to float32 and back
    for name, weight in model.network.named_parameters():
        trains = ".lora_" in name
        weight.requires_grad_(trains)
        weight.data = weight.data.float() if trains else weight.data


def adapter_weights(model: CausalModel) -> dict[str, torch.Tensor]:
    """The low-rank matrices by layer: `LAYER.lora_A` (rank, in) and `LAYER.lora_B` (out, rank), float32 on the CPU."""
    found = {n: w for n, w in model.network.named_parameters() if ".lora_" in n}
    return {n.replace(f".{_NAME}.weight", ""): w.detach().float().cpu().contiguous() for n, w in found.items()}


def merge(model: CausalModel, weights: Mapping[str, torch.Tensor], *, rank: int, alpha: float) -> None:
    """Add low-rank matrices, as `adapter_weights` gives them, to the weights of a model that has none attached.

    Raises InputError when they belong to another network.
    """
    import torch

    scale = alpha / rank
    layers = dict(model.network.named_modules())
    with torch.no_grad():
        for name in sorted(n.removesuffix(".lora_A") for n in weights if n.endswith(".lora_A")):
            low, high = weights[f"{name}.lora_A"].float(), weights[f"{name}.lora_B"].float()
            layer = layers.get(name)
            if layer is None or layer.weight.shape != (high.shape[0], low.shape[1]):
                raise InputError(f"adapter: expected a language model with a {high.shape[0]} x {low.shape[1]} layer {name}, {model.name} has none")
            layer.weight.copy_(layer.weight.float() + scale * (high @ low).to(layer.weight.device))


def detach(model: CausalModel) -> None:
    """Fold an attached adapter into the weights and take it off, so that the network is a plain one again."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for parent in list(model.network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BaseTunerLayer):
                child.merge(safe_merge=True)
                setattr(parent, name, child.get_base_layer())
    if hasattr(model.network, "peft_config"):
        del model.network.peft_config


def _linear_layers(model: CausalModel) -> list[str]:
    """Names of the linear layers inside the blocks."""
    import torch

    head = model.network.get_output_embeddings()
    return [n for n, m in model.network.named_modules() if isinstance(m, torch.nn.Linear) and m is not head]
