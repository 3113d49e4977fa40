"""A diffusers pipeline is loaded from its folder and makes videos, by the same code as the large models."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.synthesis.backends.diffusers_pipeline import DiffusersGenerator
from tdmm_core.synthesis.examination import examine
from tdmm_core.synthesis.generator_config import GeneratorConfig
from tdmm_core.synthesis.known import resolve
from tdmm_core.video.reader import read_frames

SMALL = GeneratorConfig(width_px=32, height_px=48, num_frames=9, steps=2)


@pytest.fixture(scope="module")
def generator(tiny_wan: Path) -> DiffusersGenerator:
    return DiffusersGenerator(resolve("wan2.1", SMALL, model=str(tiny_wan)), device="cpu")


def frames(path: Path) -> np.ndarray:
    return np.stack([f for _, f in read_frames(path, fps=16)])


def test_requests_become_videos(generator, requests, tmp_path):
    assert [o.error for o in generator.generate(requests, tmp_path)] == ["", "", ""]
    seen = examine(tmp_path / "000001.mp4")
    assert (seen.num_frames, seen.fps, seen.size_px) == (9, 16.0, (32, 48))
    assert len(generator.revision) == 64


def test_seed_and_prompt_decide_the_video(generator, requests, tmp_path):
    asked = requests[0]
    changes = {"same": {}, "seed": {"seed": 8}, "words": {"prompt": "woman face"}, "not": {"negative_prompt": "man"}}
    variants = {name: replace(asked, **change) for name, change in changes.items()}
    list(generator.generate([asked, *(replace(v, id=k) for k, v in variants.items())], tmp_path))
    first = frames(tmp_path / "000000.mp4")
    assert np.array_equal(first, frames(tmp_path / "same.mp4"))
    assert all(not np.array_equal(first, frames(tmp_path / f"{k}.mp4")) for k in ("seed", "words", "not"))


def test_settings_reach_the_pipeline(tiny_wan, requests, tmp_path):
    """Flow shift, guidance and steps change what comes out, and the autoencoder runs in full precision."""
    made = {}
    for name, change in {"own": {}, "shift": {"flow_shift": 9.0}, "guidance": {"guidance": 1.5}, "steps": {"steps": 4}}.items():
        generator = DiffusersGenerator(resolve("wan2.1", replace(SMALL, **change), model=str(tiny_wan)), device="cpu")
        made[name] = generator._frames(requests[0])
    assert all(not np.allclose(made["own"], made[k]) for k in ("shift", "guidance", "steps"))
    assert str(generator._pipeline.vae.dtype) == "torch.float32" and generator._pipeline.scheduler.config.flow_shift == 3.0


def test_a_pipeline_of_two_halves_takes_both_guidances(tiny_wan, tmp_path, requests):
    """The form of Wan 2.2's 14B model: a second transformer for the low-noise steps."""
    from diffusers import WanPipeline

    pipeline = WanPipeline.from_pretrained(tiny_wan)
    two = WanPipeline(**{**pipeline.components, "transformer_2": pipeline.transformer}, boundary_ratio=0.9)
    two.save_pretrained(tmp_path / "two")
    asked = resolve("wan2.2-14b", SMALL, model=str(tmp_path / "two"))
    assert (asked.guidance, asked.low_noise_guidance) == (4.0, 3.0)
    made = [DiffusersGenerator(replace(asked, low_noise_guidance=low), device="cpu")._frames(requests[0]) for low in (3.0, 9.0)]
    assert not np.allclose(*made)
    of_one_piece = DiffusersGenerator(replace(asked, model=str(tiny_wan)), device="cpu")
    assert next(of_one_piece.generate(requests, tmp_path)).error.startswith("failed: ValueError: `guidance_scale_2` is only supported")


def test_a_clip_that_fails_leaves_the_others(generator, requests, tmp_path, monkeypatch):
    real = generator._frames

    def sometimes(request):
        if request.id == "000001":
            raise RuntimeError("the matrix is singular\nat line 3")
        return np.full((9, 48, 32, 3), np.nan) if request.id == "000002" else real(request)

    monkeypatch.setattr(generator, "_frames", sometimes)
    errors = [o.error for o in generator.generate(requests, tmp_path)]
    assert errors == ["", "failed: RuntimeError: the matrix is singular", "failed: the pipeline returned pictures with numbers that are none"]
    assert [p.name for p in tmp_path.iterdir()] == ["000000.mp4"]


def test_a_clip_that_takes_too_long_is_given_up(tiny_wan, requests, tmp_path):
    hasty = DiffusersGenerator(resolve("wan2.1", replace(SMALL, timeout_s=1e-3), model=str(tiny_wan)), device="cpu")
    assert [o.error for o in hasty.generate(requests[:1], tmp_path)] == ["timeout: not done after 0.001 s, at step 1"]


def test_memory_that_runs_out_ends_the_run(generator, requests, tmp_path, monkeypatch):
    import torch

    def greedy(request):
        raise torch.OutOfMemoryError("tried to allocate 3 PiB")

    monkeypatch.setattr(generator, "_frames", greedy)
    with pytest.raises(InputError, match="do not fit into the memory"):
        list(generator.generate(requests, tmp_path))


def test_refusals(tiny_wan, tmp_path, monkeypatch):
    def opened(model: object, **changes: object) -> DiffusersGenerator:
        return DiffusersGenerator(resolve("diffusers", replace(SMALL, **changes), model=str(model)), device="cpu")

    with pytest.raises(InputError, match=r"model_index\.json"):
        opened(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        opened(tmp_path / "nowhere")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingPartError, match="hf download nobody/no-such-video-model"):
        opened("nobody/no-such-video-model")
    index = json.loads((tiny_wan / "model_index.json").read_text())
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model_index.json").write_text(json.dumps(index))
    with pytest.raises(InputError, match="does not load"):
        opened(broken)
