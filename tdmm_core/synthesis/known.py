"""The generators that are known by name: which model, which settings, what a clip costs by whose word. Opens none of them.

Settings are those under which the models' authors show them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import floor
from pathlib import Path
from typing import Literal

from tdmm_core.errors import InputError
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.generator_config import GeneratorConfig

SCRIPTED = "scripted"
Kind = Literal["diffusers", "launcher", "service"]
NEGATIVE = (
    "cuts, camera motion, zoom, subtitles, text, watermark, several people, hands in front of the face, sunglasses, mask, "
    "face out of frame, profile view, cartoon, painting, blurred picture, deformed face, flicker"
)
"What no video should show, in words that every generator takes."


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a clip costs with the backend's own settings."""

    low_min: float = 0.0
    high_min: float = 0.0
    "Minutes of one graphics card."
    price_per_s: float = 0.0
    "US dollars for a second of video."
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A generator with all its settings: what decides a video besides prompt and seed."""

    backend: str
    kind: Kind
    model: str
    "Hub id, folder or name of the model."
    width_px: int
    height_px: int
    num_frames: int
    fps: float
    steps: int | None = None
    guidance: float | None = None
    low_noise_guidance: float | None = None
    flow_shift: float | None = None
    negative_prompt: str = NEGATIVE
    batch_size: int = 32
    timeout_s: float = 3600.0
    cost: Cost = Cost()

    @property
    def name(self) -> str:
        """The model as a corpus remembers it: a folder by its own name, for where it lies is no part of what it is."""
        return Path(self.model).resolve().name if Path(self.model).is_dir() else self.model

    @property
    def duration_s(self) -> float:
        return self.num_frames / self.fps

    def settings(self) -> dict[str, object]:
        """What of it is remembered in every clip: settings that the generator was given."""
        left_out = ("backend", "kind", "model", "cost", "batch_size", "timeout_s")
        return {k: v for k, v in asdict(self).items() if k not in left_out and v is not None}

    def settings_json(self, prompt: str) -> str:
        return json.dumps({**self.settings(), "prompt": prompt}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


_FAST = 0.15
"US dollars for a second of Veo's fast models."
_WAN = "Wan-AI/Wan2."
_KNOWN: Mapping[str, Generation] = {
    g.backend: g
    for g in (
        Generation(
            backend="wan2.1", kind="diffusers", model=_WAN + "1-T2V-1.3B-Diffusers", width_px=832, height_px=480, num_frames=81, fps=16, steps=50,
            guidance=5.0, flow_shift=3.0, cost=Cost(low_min=4, high_min=4, source="Wan 2.1 README: about 4 minutes on an RTX 4090"),
        ),
        Generation(
            backend="wan2.1-14b", kind="diffusers", model=_WAN + "1-T2V-14B-Diffusers", width_px=1280, height_px=720, num_frames=81, fps=16, steps=50,
            guidance=5.0, flow_shift=5.0, cost=Cost(low_min=30, high_min=30, source="a user's report: 30 minutes on an H200 (Wan 2.1 issue 597)"),
        ),
        Generation(
            backend="wan2.2", kind="diffusers", model=_WAN + "2-TI2V-5B-Diffusers", width_px=1280, height_px=704, num_frames=121, fps=24, steps=50,
            guidance=5.0, cost=Cost(low_min=9, high_min=9, source="Wan 2.2 README: under 9 minutes on an RTX 4090"),
        ),
        Generation(
            backend="wan2.2-14b", kind="diffusers", model=_WAN + "2-T2V-A14B-Diffusers", width_px=1280, height_px=720, num_frames=81, fps=16,
            steps=40, guidance=4.0, low_noise_guidance=3.0,
            cost=Cost(low_min=45.6, high_min=45.6, source="Wan 2.2 README: 2,736 s on an A100 (its issue 284)"),
        ),
        Generation(
            backend="diffusers", kind="diffusers", model="", width_px=832, height_px=480, num_frames=81, fps=16, steps=50, guidance=5.0,
            cost=Cost(low_min=3, high_min=40, source="reports for models of 1 to 14 billion parameters"),
        ),
        Generation(
            backend="open-sora", kind="launcher", model="hpcai-tech/Open-Sora-v2", width_px=1024, height_px=576, num_frames=129, fps=24, steps=50,
            guidance=7.5, cost=Cost(low_min=27.6, high_min=27.6, source="Open-Sora 2.0 README: 1,656 s on one H100 at 768 px (60 s at 256 px)"),
        ),
        Generation(
            backend="humo", kind="launcher", model="bytedance-research/HuMo", width_px=1280, height_px=720, num_frames=97, fps=25, steps=50,
            cost=Cost(low_min=8, high_min=40, source="HuMo README: 8 minutes for the 1.7B model at 480p; the 17B model as other 14B models"),
        ),
        Generation(
            backend="veo", kind="service", model="veo-3.0-generate-001", width_px=1280, height_px=720, num_frames=144, fps=24, timeout_s=900,
            cost=Cost(price_per_s=0.40, source="Gemini API price list of March 2026 for Veo 3 (fast models: 0.15); check ai.google.dev/pricing"),
        ),
    )
}  # fmt: skip
BACKENDS = (SCRIPTED, *_KNOWN)
"Names of all backends."


def resolve(backend: str, config: GeneratorConfig, *, model: str | None = None) -> Generation:
    """A backend with the given settings in place of its own. Raises InputError for an unknown name, or settings that do not fit it."""
    if backend not in _KNOWN:
        raise InputError(f"--backend: expected one of {', '.join(BACKENDS)}, got {backend!r}; any other video model: --backend diffusers --model ID")
    known = _KNOWN[backend]
    given = {k: v for k, v in asdict(config).items() if v is not None}
    found = replace(known, **given, model=model or known.model)
    if not found.model:
        raise InputError(f"--backend {backend}: expected --model with the hub id or folder of a text-to-video pipeline of diffusers")
    _check(found)
    return replace(found, cost=_cost(found, known))


def _cost(found: Generation, known: Generation) -> Cost:
    """What a clip costs with changed settings: in proportion to steps, frames and pixels, though attention makes longer ones dearer still."""
    cost, notes = known.cost, []
    if found.kind == "service":
        if "fast" in found.model:
            cost, notes = replace(cost, price_per_s=_FAST), ["its fast model"]
    else:
        work = [(g.steps or 1) * g.num_frames * g.width_px * g.height_px for g in (found, known)]
        share = work[0] / work[1]
        cost = replace(cost, low_min=cost.low_min * share, high_min=cost.high_min * share)
        notes = [f"times {share:.2g} for steps, frames and pixels"] if abs(share - 1) > 0.01 else []
    if known.model and found.model != known.model and not notes:
        notes = [f"of {known.model}; {found.name} may differ"]
    return replace(cost, source="; ".join([cost.source, *notes]))


def planned_with(config: SynthConfig, generation: Generation) -> SynthConfig:
    """The settings of a plan whose scripts are as long as the generator's clips."""
    length = generation.duration_s
    if not 1.5 <= length <= 30:
        raise InputError(
            f"--backend {generation.backend}: expected clips of 1.5 to 30 s, got {generation.num_frames} frames at {generation.fps:g} per second, "
            f"{length:.2f} s; change synth.generator.num_frames"
        )
    # Scripts have the time base of motion, whatever the video's: the nearest that is not longer than the clip.
    length = floor(length * config.fps + 1e-9) / config.fps
    return replace(config, min_duration_s=length, max_duration_s=length)


def _check(found: Generation) -> None:
    def refuse(what: str, got: object) -> InputError:
        return InputError(f"--backend {found.backend}: expected {what}, got {got}")

    size = (found.width_px, found.height_px)
    if found.backend.startswith("wan") and found.num_frames % 4 != 1:
        raise refuse("num_frames of the form 4k + 1, such as 81 or 121", found.num_frames)
    if found.backend.startswith("wan") and (size[0] % 16 or size[1] % 16):
        raise refuse("a width and height that 16 divides", f"{size[0]}x{size[1]}")
    if found.backend == "open-sora" and size not in OPEN_SORA_SIZES:
        raise refuse(f"a size of {' or '.join(f'{w}x{h}' for w, h in OPEN_SORA_SIZES)}", f"{size[0]}x{size[1]}")
    if found.backend == "humo" and size not in ((1280, 720), (832, 480)):
        raise refuse("a size of 1280x720 or 832x480", f"{size[0]}x{size[1]}")
    if found.backend == "veo" and size not in ((1280, 720), (1920, 1080), (720, 1280), (1080, 1920)):
        raise refuse("a size of 1280x720 or 1920x1080, or the same upright", f"{size[0]}x{size[1]}")
    if found.backend == "veo" and (found.duration_s not in (4, 6, 8) or found.fps != 24):
        raise refuse("clips of 4, 6 or 8 s at 24 frames per second (96, 144 or 192 frames)", f"{found.num_frames} frames at {found.fps:g}")
    unused = {"service": ("steps", "guidance", "low_noise_guidance", "flow_shift"), "launcher": ("low_noise_guidance",)}.get(found.kind, ())
    for name in unused:
        if getattr(found, name) is not None:
            raise refuse(f"no setting {name}, which it does not have", getattr(found, name))


OPEN_SORA_SIZES: Mapping[tuple[int, int], str] = {(1024, 576): "768px", (336, 192): "256px"}
"Its names of resolutions, at 16:9."
