"""Networks as folders (`config.json`, `model.safetensors`, text tokenizer files): the header that stands in their `tdmm.json`.

Written last, so a folder that has it is complete. Its digest is over kind, version, config and the bytes of every file that the model consists
of; the model card, curves and checkpoints are no part of it. Knows no network.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from tdmm_core.artifacts.atomic import atomic_path
from tdmm_core.artifacts.digest import canonical_json, file_digest, root_digest, text_digest
from tdmm_core.artifacts.header import Header, Making, from_fields, new_header, to_fields
from tdmm_core.artifacts.schema import MADE_BY
from tdmm_core.errors import InputError

NAME = "tdmm.json"
_VERSION = 1
_NOT_MODEL = {"README.md", "curves.jsonl", "curves.png", NAME}
_NOT_MODEL_FOLDERS = {"checkpoints"}


def write_model_header(folder: Path | str, *, kind: str, making: Making) -> Header:
    """Write `tdmm.json` beside a finished model. Raises InputError where the folder holds no model file."""
    folder = Path(folder)
    files = _files(folder)
    if not files:
        raise InputError(f"{folder}: expected a folder with the files of a model, found none")
    header = new_header(kind, making, _digest(kind, _VERSION, making, files), version=_VERSION)
    fields = to_fields(header) | {"config": header.config, "parents": json.loads(str(to_fields(header)["parents"])), "files": files}
    with atomic_path(folder / NAME) as temporary:
        temporary.write_text(json.dumps(fields, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return header


def read_model_header(folder: Path | str, kind: str | None = None) -> Header:
    """The header of a model folder. Raises InputError that says what the folder is instead, and which command makes one."""
    header, _ = _read(Path(folder))
    if kind is not None and header.kind != kind:
        made_by = MADE_BY.get(kind, "tdmm")
        raise InputError(f"{folder}: expected a {kind} model, got a {header.kind} one; {made_by} makes {kind}")
    return header


def model_problems(folder: Path | str) -> list[str]:
    """Compare every file of a model with its header: one sentence for each that is missing or damaged."""
    folder = Path(folder)
    header, files = _read(folder)
    found = _files(folder)
    problems = [f"{folder / name}: missing" for name in files if name not in found]
    problems += [
        f"{folder / name}: damaged: its bytes are not those that were written" for name, digest in files.items() if found.get(name, digest) != digest
    ]
    if _digest(header.kind, header.version, header.making, files) != header.digest:
        problems.append(f"{folder / NAME}: its digest does not agree with the files and the config that it names")
    return problems


def _read(folder: Path) -> tuple[Header, Mapping[str, str]]:
    path = folder / NAME
    if not folder.exists():
        raise InputError(f"{folder}: no such folder")
    if not path.is_file():
        raise InputError(
            f"{folder}: expected a model folder of tdmm, but it has no {NAME}; a training that was interrupted is finished by the same command"
        )
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
        fields |= {"config": canonical_json(fields["config"]), "parents": canonical_json(fields["parents"])}
        files = dict(fields["files"])
    except (ValueError, KeyError, TypeError) as e:
        raise InputError(f"{path}: damaged ({type(e).__name__}: {e}); train the model again or take another copy") from e
    header = from_fields(fields, path)
    if header.version > _VERSION:
        raise InputError(f"{folder}: model version {header.version}, written by {header.tool}; this tdmm reads up to version {_VERSION}: upgrade it")
    return header, files


def _files(folder: Path) -> dict[str, str]:
    """Name and SHA-256 of every file that the model consists of."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and name.parts[0] not in _NOT_MODEL_FOLDERS and str(name) not in _NOT_MODEL:
            found[name.as_posix()] = file_digest(path)
    return found


def _digest(kind: str, version: int, making: Making, files: Mapping[str, str]) -> str:
    return root_digest(kind, version, making.config, [text_digest(f"{name}\0{digest}") for name, digest in files.items()])
