"""Open-Sora 2.0 as its own project runs it: a CSV of prompts, a config by resolution, videos numbered by line."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tdmm_core.synthesis.generation import Request
from tdmm_core.synthesis.known import OPEN_SORA_SIZES, Generation

_PROMPTS = "prompts.csv"


@dataclass(frozen=True, kw_only=True)
class OpenSora:
    """The project hpcaitech/Open-Sora, version 2.0."""

    generation: Generation
    script: str = "scripts/diffusion/inference.py"

    def prepare(self, requests: Sequence[Request], work: Path) -> list[str]:
        """Its arguments come in pairs, a value each; its text-to-video model takes no negative prompt."""
        with (work / _PROMPTS).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text"])
            writer.writerows([r.prompt] for r in requests)
        asked = self.generation
        return [
            self.script, f"configs/diffusion/inference/{self._resolution}.py",
            "--save-dir", str(work / "out"),
            "--dataset.data-path", str(work / _PROMPTS),
            "--num_frames", str(asked.num_frames),
            "--num_steps", str(asked.steps),
            "--guidance", str(asked.guidance),
            "--aspect_ratio", "16:9",
            "--fps_save", f"{asked.fps:g}",
            "--seed", str(requests[0].seed),
            "--sampling_option.seed", str(requests[0].seed),
            *(["--sampling_option.shift", str(asked.flow_shift)] if asked.flow_shift is not None else []),
        ]  # fmt: skip

    def video(self, index: int, request: Request, work: Path) -> Path:
        kind = "image" if self.generation.num_frames == 1 else "video"
        return work / "out" / f"{kind}_{self._resolution}" / f"{Path(_PROMPTS).stem}_{index:04d}.mp4"

    @property
    def _resolution(self) -> str:
        return OPEN_SORA_SIZES[self.generation.width_px, self.generation.height_px]
