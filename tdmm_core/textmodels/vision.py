"""A vision-language model of transformers on this machine: asked about pictures, it answers in words. Knows no question."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.runtime.device import resolve_device
from tdmm_core.textmodels.causal import folder_digest
from tdmm_core.textmodels.quiet import quiet

_TEMPERATURE, _LONGEST = 0.7, 400


class VisionModel:
    """A model that takes pictures and text (image-text-to-text), with its processor."""

    def __init__(self, name: str, *, device: str = "auto") -> None:
        """From an id in the local cache or a folder. Raises MissingPartError where it is not on this machine, InputError where it does not load."""
        quiet()
        import torch
        from transformers import AutoModelForImageTextToText, AutoProcessor

        place = resolve_device(device)
        try:
            self._processor = AutoProcessor.from_pretrained(name, local_files_only=True)
            network = AutoModelForImageTextToText.from_pretrained(
                name, local_files_only=True, dtype=torch.float32 if place.type == "cpu" else torch.bfloat16
            )
        except (OSError, ValueError, KeyError) as e:
            reason = str(e).splitlines()[0]
            if Path(name).is_dir():
                raise InputError(f"{name}: expected a vision-language model with its processor, got a folder that does not load ({reason})") from e
            raise MissingPartError(
                f"vision-language model {name!r} is not on this machine: fetch it with `hf download {name}`, or name a folder"
            ) from e
        if getattr(self._processor, "chat_template", None) is None:
            raise InputError(f"{name}: expected a model that holds conversations, got one without a chat template")
        self._network = network.requires_grad_(False).eval().to(place)
        self.model = Path(name).resolve().name if Path(name).is_dir() else name
        told = f"{name}@{getattr(network.config, '_commit_hash', '')}"
        self.revision = folder_digest(Path(name)) if Path(name).is_dir() else hashlib.sha256(told.encode()).hexdigest()

    def __call__(self, text: str, *, jpegs: Sequence[bytes] = (), seed: int = 0) -> str:
        """The answer to a question about JPEG pictures: the likeliest words for seed 0, drawn ones for another."""
        import torch
        from PIL import Image

        pictures = [Image.open(io.BytesIO(j)).convert("RGB") for j in jpegs]
        content: list[dict[str, Any]] = [*({"type": "image"} for _ in pictures), {"type": "text", "text": text}]
        asked = self._processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
        given = self._processor(text=[asked], images=pictures or None, return_tensors="pt").to(self._network.device)
        how = {"do_sample": True, "temperature": _TEMPERATURE} if seed else {"do_sample": False}
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            out = self._network.generate(**given, max_new_tokens=_LONGEST, **how)
        return str(self._processor.batch_decode(out[:, given["input_ids"].shape[1] :], skip_special_tokens=True)[0]).strip()
