"""Stands in for `torchrun` and the project it starts: checks what it is given as the real ones would, and writes a video for each prompt.

Behaviour comes from the environment: STAND_IN_FAILS (ids or lines to leave out), STAND_IN_CODE, STAND_IN_SLEEPS.
"""

import csv
import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def film(path: Path, seed: int) -> None:
    from tdmm_core.video.writer import write_video

    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, np.random.default_rng(seed).integers(0, 255, (12, 32, 48, 3), dtype=np.uint8), fps=24)


def open_sora(arguments: list[str]) -> None:
    script, config, *pairs = arguments
    assert script == "scripts/diffusion/inference.py" and config in ("configs/diffusion/inference/768px.py", "configs/diffusion/inference/256px.py")
    assert len(pairs) % 2 == 0 and all(name.startswith("--") for name in pairs[::2])
    given = dict(zip(pairs[::2], pairs[1::2], strict=True))
    assert int(given["--num_frames"]) <= 129 and int(given["--num_steps"]) > 0 and float(given["--guidance"]) > 0
    assert given["--seed"] == given["--sampling_option.seed"]
    source = Path(given["--dataset.data-path"])
    with source.open(newline="", encoding="utf-8") as file:
        prompts = [row["text"] for row in csv.DictReader(file)]
    for i, prompt in enumerate(prompts):
        path = Path(given["--save-dir"]) / f"video_{Path(config).stem}" / f"{source.stem}_{i:04d}.mp4"
        if str(i) not in os.environ.get("STAND_IN_FAILS", "").split(","):
            film(path, len(prompt))
            path.with_suffix(".txt").write_text(prompt)


def humo(arguments: list[str]) -> None:
    script, config, *settings = arguments
    assert script == "main.py" and config.startswith("humo/configs/inference/generate")
    given = dict(setting.split("=", 1) for setting in settings)
    assert given["generation.mode"] == "TA" and (given["generation.width"], given["generation.height"]) in (("1280", "720"), ("832", "480"))
    assert json.loads(given["generation.sample_neg_prompt"])
    cases = json.loads(Path(given["generation.positive_prompt"]).read_text(encoding="utf-8"))
    for name, case in cases.items():
        assert case["img_paths"] == [] and case["audio_path"] is None and case["prompt"]
        if name not in os.environ.get("STAND_IN_FAILS", "").split(","):
            film(Path(given["generation.output.dir"]) / f"{name}_seed{given['generation.seed']}.mp4", len(case["prompt"]))


if __name__ == "__main__":
    assert not [name for name in os.environ if name.endswith(("_API_KEY", "_TOKEN"))], "a launcher is given no key"
    (open_sora if sys.argv[1].endswith("inference.py") else humo)(sys.argv[1:])
    with Path("starts.log").open("a") as log:
        log.write(" ".join(sys.argv[1:]) + "\n")
    time.sleep(float(os.environ.get("STAND_IN_SLEEPS", "0")))
    print("CUDA error: out of luck", file=sys.stderr)
    sys.exit(int(os.environ.get("STAND_IN_CODE", "0")))
