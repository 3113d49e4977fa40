"""Any text-to-video pipeline of diffusers, from a hub id or a folder: loaded with its autoencoder in full precision, called clip by clip.

Owns every call into diffusers. What a pipeline does not know it is not asked; a setting that it does not know is refused before anything is made.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.runtime.device import resolve_device
from tdmm_core.synthesis.generation import Outcome, Request
from tdmm_core.synthesis.known import Generation
from tdmm_core.textmodels.quiet import quiet
from tdmm_core.video.writer import write_video

if TYPE_CHECKING:
    import torch

_SMALL = 1 << 20
"Files up to this size count with their content in a folder's digest, larger ones (weights) with name and size."
_MEMORY_SHARE = 0.75
"Of the card's memory: a pipeline whose weights take more is moved there part by part."


class DiffusersGenerator:
    """A loaded pipeline."""

    def __init__(self, generation: Generation, *, device: str = "auto") -> None:
        """Raises MissingPartError where diffusers or the model is not here, InputError for a model that makes no video from text."""
        self._generation, self._device = generation, resolve_device(device)
        self._pipeline, self.revision = _load(generation.model, self._device)
        self._known = frozenset(inspect.signature(self._pipeline.__call__).parameters)
        self._arguments = _arguments(self._pipeline, generation)

    def generate(self, requests: Sequence[Request], folder: Path) -> Iterator[Outcome]:
        """Clip by clip; memory that runs out is raised, for the next clip has the same size."""
        import torch

        for request in requests:
            try:
                frames = self._frames(request)
            except TimeoutError as e:
                yield Outcome(id=request.id, error=f"timeout: {e}")
                continue
            except torch.OutOfMemoryError as e:
                size = f"{self._generation.width_px}x{self._generation.height_px}"
                raise InputError(
                    f"{self._generation.model}: {self._generation.num_frames} frames of {size} do not fit into the memory of {self._device}; "
                    "take a smaller synth.generator.num_frames or size, or a larger card"
                ) from e
            except (RuntimeError, ValueError, ArithmeticError, IndexError) as e:
                yield Outcome(id=request.id, error=f"failed: {type(e).__name__}: {e}".splitlines()[0][:300])
                continue
            if not np.isfinite(frames).all():
                yield Outcome(id=request.id, error="failed: the pipeline returned pictures with numbers that are none")
                continue
            write_video(folder / f"{request.id}.mp4", _pictures(frames), fps=self._generation.fps)
            yield Outcome(id=request.id)

    def _frames(self, request: Request) -> np.ndarray:
        """(T, H, W, 3) float, 0 to 1."""
        import torch

        # Drawn on the CPU: one seed gives one noise whatever the device.
        chance = torch.Generator("cpu").manual_seed(request.seed)
        told = {"prompt": request.prompt, "generator": chance, "output_type": "np", **self._arguments}
        if "negative_prompt" in self._arguments:
            told["negative_prompt"] = request.negative_prompt
        if "callback_on_step_end" in self._known:
            told["callback_on_step_end"] = self._impatience()
        with torch.inference_mode():
            frames = self._pipeline(**told).frames
        return np.asarray(frames[0], np.float32)

    def _impatience(self) -> Callable[..., dict[str, object]]:
        """Ends a clip between two steps when its time is over."""
        until, limit_s = time.monotonic() + self._generation.timeout_s, self._generation.timeout_s

        def look(pipeline: object, step: int, timestep: object, tensors: dict[str, object]) -> dict[str, object]:
            if time.monotonic() > until:
                raise TimeoutError(f"not done after {limit_s:g} s, at step {step + 1}")
            return tensors

        return look


def _pictures(frames: np.ndarray) -> Iterator[np.ndarray]:
    return (np.round(np.clip(frame, 0.0, 1.0) * 255).astype(np.uint8) for frame in frames)


def _load(model: str, device: torch.device) -> tuple[Any, str]:
    """The pipeline on its device and what fixes its weights."""
    try:
        import torch
        from diffusers import DiffusionPipeline
        from diffusers.utils import logging
    except ImportError as e:
        raise MissingPartError("this backend needs diffusers: pip install 'tdmm[t2v]'") from e
    quiet()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder = _folder(model, DiffusionPipeline)
    half = torch.float32 if device.type == "cpu" else torch.bfloat16
    try:
        pipeline = DiffusionPipeline.from_pretrained(folder, dtype={"vae": torch.float32, "default": half}, local_files_only=True)
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as e:
        raise InputError(f"{model}: expected a text-to-video pipeline of diffusers, got what does not load ({_line(e)})") from e
    pipeline.set_progress_bar_config(disable=True)
    _settle(pipeline, device)
    return pipeline, folder.name if folder.parent.name == "snapshots" else _digest(folder)


def _folder(model: str, pipelines: Any) -> Path:
    """Where the model lies; fetched by diffusers' own client where it is a hub id."""
    if Path(model).is_dir():
        if not (Path(model) / "model_index.json").is_file():
            raise InputError(f"{model}: expected the folder of a diffusers pipeline, with a model_index.json, got one without")
        return Path(model)
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise InputError(f"--model {model}: no such folder, and no hub id of the form OWNER/NAME")
    try:
        return Path(pipelines.download(model))
    except (OSError, ValueError) as e:
        raise MissingPartError(f"{model} is not on this machine and cannot be fetched ({_line(e)}); fetch it with `hf download {model}`") from e


def _settle(pipeline: Any, device: torch.device) -> None:
    """Move the pipeline to its device, whole or, where it does not fit, part by part as it is needed."""
    import torch

    if device.type == "cuda":
        parts = [p for p in pipeline.components.values() if isinstance(p, torch.nn.Module)]
        weight = sum(t.numel() * t.element_size() for part in parts for t in part.parameters())
        if weight > _MEMORY_SHARE * torch.cuda.get_device_properties(device).total_memory:
            pipeline.enable_model_cpu_offload(device=device)
            return
    pipeline.to(device)
    gc.collect()


def _arguments(pipeline: Any, generation: Generation) -> dict[str, object]:
    """What every call is given. Raises InputError for a pipeline that is not asked in words, or that lacks a setting."""
    known = inspect.signature(pipeline.__call__).parameters
    name = type(pipeline).__name__
    if "prompt" not in known or "num_frames" not in known:
        raise InputError(
            f"{generation.model}: {name} makes no video from a sentence: it takes no {'prompt' if 'prompt' not in known else 'num_frames'}"
        )
    if "image" in known and known["image"].default is inspect.Parameter.empty:
        raise InputError(f"{generation.model}: {name} needs a picture to begin with; expected a text-to-video pipeline")
    wanted = {
        "width": generation.width_px,
        "height": generation.height_px,
        "num_frames": generation.num_frames,
        "num_inference_steps": generation.steps,
        "guidance_scale": generation.guidance,
        "guidance_scale_2": generation.low_noise_guidance,
        "negative_prompt": generation.negative_prompt,
    }
    for argument, value in wanted.items():
        if value is not None and argument not in known and argument != "negative_prompt":
            raise InputError(f"{generation.model}: {name} has no setting {argument}; it takes {', '.join(sorted(set(wanted) & set(known)))}")
    _shift(pipeline, generation)
    return {argument: value for argument, value in wanted.items() if value is not None and argument in known}


def _shift(pipeline: Any, generation: Generation) -> None:
    """Set the shift of the noise schedule. Raises InputError for a schedule without one."""
    if generation.flow_shift is None:
        return
    config = pipeline.scheduler.config
    name = next((n for n in ("flow_shift", "shift") if n in config), None)
    if name is None:
        raise InputError(f"{generation.model}: its schedule {type(pipeline.scheduler).__name__} has no shift; leave synth.generator.flow_shift out")
    pipeline.scheduler = type(pipeline.scheduler).from_config(config, **{name: generation.flow_shift})


def _digest(folder: Path) -> str:
    """SHA-256 over a folder's files: small ones with their content, weights with name and size, for hashing tens of gigabytes would take minutes."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        size = path.stat().st_size
        content = hashlib.sha256(path.read_bytes()).hexdigest() if size <= _SMALL else ""
        total.update(f"{path.relative_to(folder).as_posix()}\0{size}\0{content}\n".encode())
    return total.hexdigest()


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
