"""Generators that come as a project with a launcher of its own: prompt files are written, a command is run in the project's folder, videos collected.

Owns the process: its time, its end, what it may know. What the files and the command look like is each project's module's.
"""

from __future__ import annotations

import ctypes
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Protocol

from tdmm_core.errors import InputError, MissingPartError, TdmmError
from tdmm_core.runtime.keys import without_secrets
from tdmm_core.synthesis.examination import whole
from tdmm_core.synthesis.generation import Outcome, Request
from tdmm_core.synthesis.known import Generation
from tdmm_core.video.reader import open_video

LAUNCH = "torchrun --standalone --nproc_per_node 1"
"The command in front of the project's script."
_WORK, _ASKED = ".launches", "asked.json"
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
"Opened here, for between fork and launcher nothing may be imported."


class Project(Protocol):
    """How a project is asked for videos."""

    script: str
    "Relative to the project's folder; what proves that it is the project."

    def prepare(self, requests: Sequence[Request], work: Path) -> list[str]:
        """Write the prompt file into `work` and return the arguments after the launcher: the script and its own."""
        ...

    def video(self, index: int, request: Request, work: Path) -> Path:
        """Where the project writes the video of a request."""
        ...


@dataclass(frozen=True, kw_only=True)
class LauncherGenerator:
    """A project and how it is started. Raises InputError for a folder that is not the project's, MissingPartError for a command that is not there."""

    project: Project
    generation: Generation
    folder: Path
    launch: str = LAUNCH

    def __post_init__(self) -> None:
        if not (self.folder / self.project.script).is_file():
            raise InputError(f"--project {self.folder}: expected the checkout of {self.generation.backend}, with {self.project.script}")
        words = shlex.split(self.launch)
        if not words or shutil.which(words[0]) is None:
            raise MissingPartError(
                f"--launch: the command {words[0] if words else ''!r} is not there; activate the project's environment, or name it in full"
            )

    @property
    def revision(self) -> str:
        """The checkout's commit, where it is one."""
        told = subprocess.run(["git", "-C", str(self.folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
        return told.stdout.strip() if told.returncode == 0 else ""

    def command(self, requests: Sequence[Request], work: Path) -> list[str]:
        """The whole command for some requests, whose prompt file it writes."""
        return [*shlex.split(self.launch), *self.project.prepare(requests, work.resolve())]

    def generate(self, requests: Sequence[Request], folder: Path) -> Iterator[Outcome]:
        """One start for each seed and `batch_size` clips; what an interrupted start has left is collected first."""
        saved = self._salvage({r.id: r for r in requests}, folder)
        yield from (Outcome(id=name) for name in sorted(saved))
        left = sorted((r for r in requests if r.id not in saved), key=lambda r: (r.seed, r.id))
        for _, batch in groupby(left, key=lambda r: r.seed):
            group = list(batch)
            for start in range(0, len(group), self.generation.batch_size):
                yield from self._start(group[start : start + self.generation.batch_size], folder)

    def _start(self, requests: Sequence[Request], folder: Path) -> Iterator[Outcome]:
        work = folder / _WORK / f"{requests[0].id}-{len(requests)}"
        work.mkdir(parents=True)
        (work / _ASKED).write_text(json.dumps([asdict(r) for r in requests]), encoding="utf-8")
        error = self._run(self.command(requests, work), work, limit_s=self.generation.timeout_s * len(requests))
        for i, request in enumerate(requests):
            done = self._collect(i, request, work, folder)
            yield Outcome(id=request.id, error="" if done else error or "failed: the launcher ended well but left no video")
        shutil.rmtree(work)

    def _salvage(self, requests: Mapping[str, Request], folder: Path) -> set[str]:
        """Take over what interrupted starts have made of `requests`; other shards work beside, so folders without any of them stay."""
        saved: set[str] = set()
        for asked in sorted((folder / _WORK).glob(f"*/{_ASKED}")):
            told = [Request(**r) for r in json.loads(asked.read_text(encoding="utf-8"))]
            if any(r.id in requests for r in told):
                saved |= {r.id for i, r in enumerate(told) if requests.get(r.id) == r and self._collect(i, r, asked.parent, folder)}
                shutil.rmtree(asked.parent)
        return saved

    def _collect(self, index: int, request: Request, work: Path, folder: Path) -> bool:
        """Take over a video that is whole."""
        made = self.project.video(index, request, work.resolve())
        try:
            if not whole(open_video(made)):
                return False
        except TdmmError:
            return False
        os.replace(made, folder / f"{request.id}.mp4")
        return True

    def _run(self, command: Sequence[str], work: Path, *, limit_s: float) -> str:
        """Run a start to its end; returns why it failed, else nothing. The log lies in the work folder while it runs."""
        log = work / "launcher.log"
        with log.open("wb") as sink:
            process = subprocess.Popen(
                command, cwd=self.folder, env=without_secrets(), stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=_die_with_parent if _LIBC else None,
            )  # fmt: skip
            try:
                code = process.wait(timeout=limit_s)
            except subprocess.TimeoutExpired:
                return f"timeout: the launcher was not done after {limit_s:g} s"
            finally:
                _end(process)
        if code == 0:
            return ""
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
        return f"failed: the launcher ended with code {code}: {(lines or ['it said nothing'])[-1].strip()[:300]}"


def _die_with_parent() -> None:
    """In the child, before the launcher begins: end when the process that waits for it is gone, however it went."""
    _LIBC.prctl(1, signal.SIGTERM)  # type: ignore[union-attr]  # PR_SET_PDEATHSIG


def _end(process: subprocess.Popen) -> None:
    """End the launcher and all that it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None and how is signal.SIGTERM:
            return
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            return
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
