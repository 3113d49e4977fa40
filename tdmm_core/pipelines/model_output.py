"""Where a training run keeps its work and how its model gets its final name: `NAME.partial/` while it runs, `NAME/` once whole.

Knows no network and no training loop. Only the main process writes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tdmm_core.artifacts.atomic import atomic_path, flush_to_disk, make_folder, remove, write_errors
from tdmm_core.artifacts.header import Header, Making
from tdmm_core.artifacts.model_folder import NAME, read_model_header, write_model_header
from tdmm_core.errors import InputError
from tdmm_core.pipelines.run import Run
from tdmm_core.runtime.process import is_main

MAKING = "making.json"
CURVES = ("curves.jsonl", "curves.png")


def finished_model(output: Path, run: Run, *, kind: str, making: Making) -> Header | None:
    """The header of `output` when this very run finished it before; None when it is to be made.

    Raises InputError when something else stands there, unless the run replaces it (`force`).
    """
    if run.force or not (output.exists() or output.is_symlink()):
        return None
    if run.resume and (output / NAME).is_file():
        header = read_model_header(output)
        if header.kind == kind and header.making.same_as(making):
            if is_main():
                remove(run_folder_of(output))
            return header
    raise InputError(f"{output}: exists already; use --force to replace it, or another name with -o")


def run_folder_of(output: Path) -> Path:
    """`OUTPUT.partial/`, where a training run keeps checkpoints and curves."""
    return output.with_name(output.name + ".partial")


def open_run_folder(output: Path, run: Run, *, making: Making) -> Path:
    """`OUTPUT.partial/`, with what an interrupted run of the same settings, seed and inputs left there.

    Without `resume`, or with `force`, what other settings left is discarded. Raises InputError when it is of another run.
    """
    folder = run_folder_of(output)
    if not is_main():
        return folder
    parents = [(p.kind, p.digest) for p in making.parents]
    mine = json.dumps({"config": making.config, "seed": making.seed, "parents": parents}, indent=2, sort_keys=True)
    told = folder / MAKING
    if folder.exists() and not (run.resume and _says(told, mine)):
        if run.resume and not run.force and told.exists():
            raise InputError(f"{folder}: left by a run with other settings, seed or inputs; use --no-resume to start anew, or another name with -o")
        remove(folder)
    make_folder(folder)
    if not told.exists():
        with atomic_path(told) as temporary:
            temporary.write_text(mine, encoding="utf-8")
    return folder


def publish_model(output: Path, run_folder: Path, save: Callable[[Path], None], *, kind: str, making: Making) -> Header:
    """Let `save` write the model, add the curves and the header, and give the whole its final name by a rename."""
    staged = run_folder / "model"
    remove(staged)
    make_folder(staged)
    with write_errors(output):
        save(staged)
        for name in CURVES:
            if (run_folder / name).is_file():
                shutil.copyfile(run_folder / name, staged / name)
        header = write_model_header(staged, kind=kind, making=making)
        for path in (*staged.iterdir(), staged):
            flush_to_disk(path)
        _replace(staged, output)
    remove(run_folder)
    return header


def _replace(staged: Path, output: Path) -> None:
    """Rename; an older model stands aside until the new one is in place."""
    old = output.with_name(f".{output.name}.{os.getpid()}.old")
    if output.exists():
        os.replace(output, old)
    os.replace(staged, output)
    flush_to_disk(output.parent)
    remove(old)


def _says(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
