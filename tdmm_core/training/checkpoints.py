"""A run folder: whose run it is, its checkpoints, its best weights. A kill at any instant leaves the last complete checkpoint usable.

    run.json                     settings, seed and identity of the run
    checkpoints/step-00000500/   complete: renamed from step-00000500.part after everything in it was written
    best-00000400.safetensors    weights of the lowest validation loss so far

Knows files, not how DeepSpeed fills them.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from tdmm_core.errors import InputError, TdmmError

CHECKPOINTS_KEPT = 2
OURS = ("run.json", "checkpoints", "curves.jsonl", "curves.png")


@dataclass(frozen=True)
class RunFolder:
    """Paths and housekeeping of one run; only the main process calls what writes."""

    path: Path

    @property
    def curve(self) -> Path:
        return self.path / "curves.jsonl"

    @property
    def picture(self) -> Path:
        return self.path / "curves.png"

    def claim(self, identity: dict[str, object], *, resume: bool, force: bool) -> None:
        """Makes the folder this run's own, emptied of other runs where that is allowed. Raises InputError where it is another run's."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not resume or not self.checkpoints() or (force and self.differences(identity)):
                self.clear()
            if not (self.path / "run.json").exists():
                write_whole(self.path / "run.json", (json.dumps(identity, indent=1, sort_keys=True) + "\n").encode())
            self._sweep()
        except OSError as e:
            raise InputError(f"{self.path}: expected a folder that can be written to, got: {e.strerror or e}") from e

    def check(self, identity: dict[str, object]) -> None:
        """Raises InputError naming what differs from the run that the folder holds."""
        if different := self.differences(identity):
            raise InputError(
                f"{self.path} holds a run with other settings ({'; '.join(different[:4])}); "
                "give the same settings to go on, another folder, or --force to begin anew"
            )

    def differences(self, identity: dict[str, object]) -> list[str]:
        """`name: there, here` for each setting that differs from run.json; empty where there is none yet."""
        file = self.path / "run.json"
        if not file.exists():
            return []
        try:
            there = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            return ["run.json is damaged"]
        here = json.loads(json.dumps(identity))
        return [
            f"{name} {_short(there.get(name))}, here {_short(here.get(name))}"
            for name in sorted({*there, *here})
            if there.get(name) != here.get(name)
        ]

    def clear(self) -> None:
        """Removes what a run writes, run.json last, and nothing else."""
        for file in self.path.glob("best-*.safetensors*"):
            file.unlink()
        for name in reversed(OURS):
            _remove(self.path / name)

    def part(self, step: int) -> Path:
        """Where the checkpoint of a step is being written."""
        return self.path / "checkpoints" / f"step-{step:08d}.part"

    def best(self, step: int) -> Path:
        return self.path / f"best-{step:08d}.safetensors"

    def checkpoints(self) -> list[Path]:
        """Complete checkpoints, oldest first."""
        return sorted(path for path in (self.path / "checkpoints").glob("step-*") if re.fullmatch(r"step-\d{8,}", path.name))

    def latest(self) -> Path | None:
        found = self.checkpoints()
        return found[-1] if found else None

    def commit(self, step: int, state: dict[str, object]) -> None:
        """Puts the written part under its own name, then drops checkpoints and best weights that are no longer needed."""
        part = self.part(step)
        (part / "state.json").write_text(json.dumps(state, sort_keys=True) + "\n", encoding="utf-8")
        for file in [*part.rglob("*"), part, self.curve]:
            if file.exists():
                _to_disk(file)
        whole = part.with_suffix("")
        _remove(whole)
        part.rename(whole)
        _to_disk(whole.parent)
        for old in self.checkpoints()[:-CHECKPOINTS_KEPT]:
            old.rename(old.with_name(old.name + ".part"))
        self._sweep()

    def _sweep(self) -> None:
        """Removes unfinished checkpoints and best weights that no checkpoint speaks of."""
        for part in (self.path / "checkpoints").glob("*.part"):
            _remove(part)
        wanted = {self.best(read_state(path)["best_step"]).name for path in self.checkpoints()}
        for file in self.path.glob("best-*"):
            if file.name not in wanted:
                file.unlink()


def read_state(checkpoint: Path) -> dict:
    """What `commit` was given with this checkpoint."""
    try:
        return json.loads((checkpoint / "state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise TdmmError(f"{checkpoint}: the checkpoint is damaged ({e}); remove this folder to go on from the one before") from e


@contextlib.contextmanager
def writing(what: Path) -> Iterator[None]:
    """Turns a full disk and its like into one sentence (torch says RuntimeError, safetensors its own)."""
    try:
        yield
    except (OSError, RuntimeError, SafetensorError) as e:
        reason = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise TdmmError(f"{what}: could not be written ({reason}); make room there and give the same command again to go on") from e


def write_whole(path: Path, content: bytes) -> None:
    """The file appears under its name complete or not at all."""
    with whole_file(path) as part:
        part.write_bytes(content)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to, renamed to `path` once that went well."""
    part = path.with_name(path.name + ".part")
    try:
        yield part
        _to_disk(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
