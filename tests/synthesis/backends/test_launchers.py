"""Open-Sora and HuMo through a stand-in launcher that checks its arguments as the real ones would."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.synthesis.backends.launchers import LauncherGenerator
from tdmm_core.synthesis.backends.opening import Door
from tdmm_core.synthesis.examination import examine
from tdmm_core.synthesis.generator_config import GeneratorConfig
from tdmm_core.synthesis.known import resolve

STAND_IN = Path(__file__).with_name("stand_in.py")
LAUNCH = f"{sys.executable} {STAND_IN}"
SCRIPTS = {"open-sora": "scripts/diffusion/inference.py", "humo": "main.py"}


@pytest.fixture(params=sorted(SCRIPTS))
def generator(request, tmp_path, monkeypatch) -> LauncherGenerator:
    script = tmp_path / "project" / SCRIPTS[request.param]
    script.parent.mkdir(parents=True)
    script.touch()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    monkeypatch.setenv("GEMINI_API_KEY", "canary-9f2c")
    generation = resolve(request.param, GeneratorConfig(flow_shift=3.0))
    return Door(generation=generation, project=tmp_path / "project", launch=LAUNCH).launcher()


def starts(generator: LauncherGenerator) -> list[str]:
    log = generator.folder / "starts.log"
    return log.read_text().splitlines() if log.exists() else []


def test_prompts_become_videos(generator, requests, tmp_path):
    assert [(o.id, o.error) for o in generator.generate(requests, tmp_path)] == [(r.id, "") for r in requests]
    assert [examine(tmp_path / f"{r.id}.mp4").num_frames for r in requests] == [12] * 3
    assert len(starts(generator)) == 1 and not list((tmp_path / ".launches").iterdir())


def test_one_start_for_each_seed_and_batch(generator, requests, tmp_path):
    asked = [*requests, replace(requests[0], id="000009", seed=8)]
    small = replace(generator, generation=replace(generator.generation, batch_size=2))
    assert {o.id for o in small.generate(asked, tmp_path) if not o.error} == {r.id for r in asked}
    assert len(starts(generator)) == 3


def test_a_clip_that_is_missing_has_failed_alone(generator, requests, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_FAILS", "1,000001")
    errors = {o.id: o.error for o in generator.generate(requests, tmp_path)}
    assert errors == {"000000": "", "000001": "failed: the launcher ended well but left no video", "000002": ""}


def test_a_launcher_that_fails_says_why(generator, requests, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_CODE", "3")
    monkeypatch.setenv("STAND_IN_FAILS", "2,000002")
    errors = [o.error for o in generator.generate(requests, tmp_path)]
    assert errors == ["", "", "failed: the launcher ended with code 3: CUDA error: out of luck"]  # what it finished before is kept


def test_a_launcher_that_hangs_is_ended(generator, requests, tmp_path, monkeypatch):
    monkeypatch.setenv("STAND_IN_SLEEPS", "60")
    monkeypatch.setenv("STAND_IN_FAILS", "0,000000")
    hasty = replace(generator, generation=replace(generator.generation, timeout_s=1.2))
    begun = time.monotonic()
    errors = [o.error for o in hasty.generate(requests, tmp_path)]
    assert errors[0].startswith("timeout: ") and errors[1:] == ["", ""] and time.monotonic() - begun < 20


PROGRAM = """
import sys
from pathlib import Path
from tdmm_core.synthesis.backends.opening import Door
from tdmm_core.synthesis.generation import Request
from tdmm_core.synthesis.generator_config import GeneratorConfig
from tdmm_core.synthesis.known import resolve
name, project, folder, launch = sys.argv[1:]
asked = [Request(id=f"{i:06d}", prompt=f"Face {i}, \\"quoted\\", smiles; it's calm.", negative_prompt="text, cuts", seed=7) for i in range(3)]
door = Door(generation=resolve(name, GeneratorConfig(flow_shift=3.0)), project=Path(project), launch=launch)
print(len(list(door.launcher().generate(asked, Path(folder)))))
"""


def test_killed_it_takes_its_launcher_along_and_collects_what_was_made(generator, requests, tmp_path, monkeypatch):
    """Videos that a start had finished are not made twice; its launcher does not live on."""
    command = [sys.executable, "-c", PROGRAM, generator.generation.backend, str(generator.folder), str(tmp_path), LAUNCH]
    slow = {**os.environ, "STAND_IN_SLEEPS": "90", "STAND_IN_FAILS": "2,000002"}
    process = subprocess.Popen(command, env=slow)
    deadline = time.monotonic() + 30
    while not starts(generator) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(list(tmp_path.glob(".launches/*/out/**/*.mp4"))) == 2
    assert {o.id for o in generator.generate(requests, tmp_path) if not o.error} == {r.id for r in requests}
    told = starts(generator)
    assert len(told) == 2 and not list((tmp_path / ".launches").iterdir())
    time.sleep(0.2)
    assert not [words for words in command_lines() if str(STAND_IN) in words and str(tmp_path) in words]


def command_lines() -> list[str]:
    """Of every process."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


def test_no_key_is_seen_among_the_processes(generator, requests, tmp_path):
    command = " ".join(generator.command(requests, tmp_path))
    assert "canary" not in command and "GEMINI" not in command  # and the stand-in refuses to start when it is handed one


def test_refusals(tmp_path):
    generation = resolve("humo", GeneratorConfig())
    with pytest.raises(InputError, match="--project FOLDER"):
        Door(generation=generation).open()
    with pytest.raises(InputError, match=r"main\.py"):
        Door(generation=generation, project=tmp_path).open()
    (tmp_path / "main.py").touch()
    with pytest.raises(MissingPartError, match="no-such-command"):
        Door(generation=generation, project=tmp_path, launch="no-such-command --gpus 8").open()
