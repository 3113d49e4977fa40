"""A Language2Motion model as a folder: network, settings, and which motion tokenizer and text encoder it belongs to.

Knows neither the header that pipelines write beside it nor how it was trained.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from tdmm_core.errors import InputError
from tdmm_core.language.config import L2MConfig
from tdmm_core.language.l2m_network import L2MNetwork

MODEL_TYPE = "tdmm-language-to-motion"
CONFIG, WEIGHTS = "config.json", "model.safetensors"


@dataclass(frozen=True, kw_only=True, eq=False)
class L2MModel:
    """A network and what it needs around it."""

    network: L2MNetwork
    tokenizer_digest: str
    "Of the motion tokenizer whose codes it speaks."
    text_encoder: str
    "Name by which the text encoder is found again."
    text_encoder_digest: str
    text_dim: int
    fps: float = 25.0
    face_model: str = "open-head-1"
    face_model_digest: str = ""

    def save(self, folder: Path) -> None:
        """Write config.json and model.safetensors (float16) into an existing folder."""
        about = {name: getattr(self, name) for name in _ABOUT}
        about |= {"model_type": MODEL_TYPE, "num_codes": self.network.num_codes, "network": _network_settings(self.network.config)}
        (folder / CONFIG).write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        tensors = {name: value.detach().cpu().to(torch.float16).contiguous() for name, value in self.network.state_dict().items()}
        (folder / WEIGHTS).write_bytes(save(tensors))  # save_file would hide it from other users

    @staticmethod
    def load(folder: Path, *, device: torch.device | str = "cpu") -> L2MModel:
        """Read what `save` wrote, weights in float32. Raises InputError for a folder that is none of ours."""
        about = _read_config(folder)
        try:
            config = L2MConfig(**about["network"])
            network = L2MNetwork(config, num_codes=about["num_codes"], text_dim=about["text_dim"])
            network.load_state_dict(load_file(folder / WEIGHTS))
            rest = {name: about[name] for name in _ABOUT}
        except (KeyError, TypeError, RuntimeError, OSError, SafetensorError) as e:
            raise InputError(
                f"{folder}: expected a whole language-to-motion model, got a damaged one ({str(e).splitlines()[0]}); train it again"
            ) from e
        return L2MModel(network=network.to(device).eval(), **rest)


_ABOUT = tuple(f.name for f in fields(L2MModel) if f.name != "network")


def _network_settings(config: L2MConfig) -> dict:
    return {name: value for name, value in asdict(config).items() if name != "training"}


def _read_config(folder: Path) -> dict:
    path = folder / CONFIG
    if not path.is_file():
        raise InputError(f"{folder}: expected a language-to-motion model folder, found no {CONFIG}; tdmm train-l2m makes one")
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        kind = about["model_type"]
    except (ValueError, KeyError, TypeError) as e:
        raise InputError(f"{path}: expected the settings of a language-to-motion model, got something else") from e
    if kind != MODEL_TYPE:
        raise InputError(f"{folder}: expected a language-to-motion model, got {kind!r}; tdmm train-l2m makes one")
    return about
