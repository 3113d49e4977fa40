"""Codebooks on two real processes: bit by bit equal, and what one process makes of all the latents."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.tokenization.codebook_cases import STEPS, a_quantizer, follow, latents_of

ROOT = Path(__file__).parents[2]
PATIENCE_S = 300


def of_two_processes(folder: Path, dead_below: float) -> list[dict[str, torch.Tensor]]:
    outputs = [folder / f"{i}.pt" for i in range(2)]
    running = []
    for number, output in enumerate(outputs):
        environ = os.environ | {"RANK": str(number), "WORLD_SIZE": "2", "LOCAL_RANK": str(number), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.tokenization.codebook_cases", str(folder / "meeting"), str(output), str(dead_below), "2"]
        running.append(subprocess.Popen(command, env=environ, cwd=ROOT, stderr=subprocess.PIPE, text=True))
    told = [process.communicate(timeout=PATIENCE_S)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    return [torch.load(output, weights_only=True) for output in outputs]


@pytest.mark.parametrize("dead_below", [0.0, 0.5])
def test_codebooks_are_equal_across_processes(dead_below: float, tmp_path: Path):
    """Codes that die are revived alike too."""
    first, second = of_two_processes(tmp_path, dead_below)
    assert all(torch.equal(first[name], second[name]) for name in first)
    start = a_quantizer(dead_below).state_dict()
    assert not any(torch.equal(first[name], start[name]) for name in first)
    if dead_below == 0:
        alone = a_quantizer(dead_below)
        for step in range(STEPS):
            follow(alone, torch.cat([latents_of(0, step), latents_of(1, step)]))
        assert all(torch.allclose(first[name], alone.state_dict()[name], atol=1e-4) for name in first)
