"""HuMo as its own project runs it: a JSON of cases without picture and sound, settings as `key=value`, videos named by case and seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tdmm_core.synthesis.generation import Request
from tdmm_core.synthesis.known import Generation


@dataclass(frozen=True, kw_only=True)
class HuMo:
    """The project Phantom-video/HuMo. A model whose name holds `1.7B` takes the small model's configuration."""

    generation: Generation
    script: str = "main.py"

    def prepare(self, requests: Sequence[Request], work: Path) -> list[str]:
        cases = {r.id: {"img_paths": [], "audio_path": None, "prompt": r.prompt} for r in requests}
        (work / "cases.json").write_text(json.dumps(cases, ensure_ascii=False, indent=1), encoding="utf-8")
        asked = self.generation
        settings = {
            "generation.mode": "TA",
            "generation.positive_prompt": str(work / "cases.json"),
            # Quoted, for it is read as YAML.
            "generation.sample_neg_prompt": json.dumps(requests[0].negative_prompt, ensure_ascii=False),
            "generation.output.dir": str(work / "out"),
            "generation.seed": requests[0].seed,
            "generation.frames": asked.num_frames,
            "generation.fps": f"{asked.fps:g}",
            "generation.width": asked.width_px,
            "generation.height": asked.height_px,
            "diffusion.timesteps.sampling.steps": asked.steps,
            "diffusion.timesteps.sampling.shift": asked.flow_shift,
            "generation.scale_t": asked.guidance,
        }
        config = "generate_1_7B" if "1.7B" in asked.model else "generate"
        given = [f"{key}={value}" for key, value in settings.items() if value is not None]
        return [self.script, f"humo/configs/inference/{config}.yaml", *given]

    def video(self, index: int, request: Request, work: Path) -> Path:
        return work / "out" / f"{request.id}_seed{request.seed}.mp4"
