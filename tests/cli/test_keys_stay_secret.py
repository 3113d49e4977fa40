"""A key that is used on the way through the whole command reaches no file, no output, no traceback and no process list."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tdmm_cli.app import app
from tdmm_core.errors import MissingPartError
from tdmm_core.video.writer import write_video

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "synthesis" / "backends"))
from veo_server import VeoServer  # noqa: E402

KEY = "canary-c0ffee-77"


@pytest.fixture
def server(tmp_path):
    write_video(tmp_path / "v.mp4", np.random.default_rng(0).integers(0, 255, (80, 48, 64, 3), dtype=np.uint8), fps=24)
    made = VeoServer((tmp_path / "v.mp4").read_bytes(), KEY)
    yield made
    made.close()


def command(server: VeoServer, folder: Path, *options: str, **more: str) -> tuple[list[str], dict[str, str]]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "no_proxy": "*",
        "GOOGLE_GEMINI_BASE_URL": f"{server.url}/v1beta",
        "GEMINI_API_KEY": KEY,
        **more,
    }
    environment.pop("GOOGLE_CLOUD_PROJECT", None)
    return [sys.executable, "-m", "tdmm_cli", "synth", "-o", str(folder / "c.h5"), "--backend", "veo", *options], environment


def leaks(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and KEY.encode() in p.read_bytes()]


def test_a_key_that_works(server, tmp_path):
    """The run is killed while it waits, so that what it has written by then is looked at too; the next one pays for nothing again."""
    argv, environment = command(server, tmp_path, "--num-clips", "2", "--json")
    server.polls_needed = 10**9
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    told: list[str] = []
    deadline = time.monotonic() + 120
    while len(server.started) < 2 and time.monotonic() < deadline and process.poll() is None:
        told += processes()
        time.sleep(0.1)
    told += processes()
    process.kill()
    process.wait()
    assert any("tdmm_cli" in line and "veo" in line for line in told) and not [line for line in told if KEY in line]
    assert list((tmp_path / "c.videos" / ".operations").iterdir()) and leaks(tmp_path) == []
    server.polls_needed = 0
    result = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert len(server.started) == 2 and KEY not in result.stdout + result.stderr and leaks(tmp_path) == []


def processes() -> list[str]:
    """The command lines of all processes, as `ps` shows them."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(place.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def test_a_key_that_the_service_repeats(server, tmp_path, monkeypatch):
    """The service puts the key into its own error, and TDMM_DEBUG asks for the whole traceback."""
    server.key = "another"
    argv, environment = command(server, tmp_path, "--num-clips", "1", TDMM_DEBUG="1")
    for name in ("GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY", "TDMM_DEBUG", "no_proxy"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    result = CliRunner().invoke(app, argv[3:])
    told = "".join(traceback.format_exception(result.exception))
    assert isinstance(result.exception, MissingPartError) and "<GEMINI_API_KEY>" in told
    assert KEY not in told + result.output and leaks(tmp_path) == []
