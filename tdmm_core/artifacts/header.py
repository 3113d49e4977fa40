"""The header that every artifact carries: what it is, how it was made and from what; and the sentences for files that are none.

Knows no column. The same header stands in the root attributes of an HDF5 file and in a model folder's `tdmm.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import h5py

from tdmm_core.artifacts.digest import canonical_json, file_digest, text_digest
from tdmm_core.artifacts.opening import VIDEO_SUFFIXES, check_exists, damage, is_hdf5, open_hdf5
from tdmm_core.artifacts.schema import MADE_BY, SCHEMAS
from tdmm_core.errors import InputError

FORMAT = "tdmm"
_MOTION_SUFFIXES = (".npz", ".csv")
"What counts of a folder of motions."


@dataclass(frozen=True, kw_only=True)
class Parent:
    """An input of an artifact."""

    kind: str
    digest: str
    name: str
    "File name, without its folder."


@dataclass(frozen=True, kw_only=True)
class Making:
    """How an artifact is made; all that decides its content."""

    recipe: str = "base"
    config: Mapping[str, object] = field(default_factory=dict)
    "The resolved settings, without places (paths, device, workers)."
    seed: int = 0
    parents: tuple[Parent, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", json.loads(canonical_json(dict(self.config))))

    def same_as(self, other: Making) -> bool:
        """Whether both lead to the same content: equal config and seed, inputs of equal digest."""
        mine, theirs = ([(p.kind, p.digest) for p in m.parents] for m in (self, other))
        return self.config == other.config and self.seed == other.seed and mine == theirs


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a finished artifact says of itself."""

    kind: str
    version: int
    tool: str
    created: str
    "UTC, ISO 8601."
    making: Making
    digest: str

    @property
    def recipe(self) -> str:
        return self.making.recipe

    @property
    def config(self) -> Mapping[str, object]:
        return self.making.config

    @property
    def seed(self) -> int:
        return self.making.seed

    @property
    def parents(self) -> tuple[Parent, ...]:
        return self.making.parents


def tool_name() -> str:
    """Name and version of this tool."""
    try:
        return f"tdmm {version('tdmm')}"
    except PackageNotFoundError:
        return "tdmm (not installed)"


def new_header(kind: str, making: Making, digest: str, *, version: int) -> Header:
    """A header of now, by this tool."""
    created = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Header(kind=kind, version=version, tool=tool_name(), created=created, making=making, digest=digest)


def to_fields(header: Header) -> dict[str, object]:
    """The header as plain values, structured ones as JSON text."""
    return {
        "format": FORMAT,
        "kind": header.kind,
        "version": header.version,
        "tool": header.tool,
        "created": header.created,
        "recipe": header.recipe,
        "config": canonical_json(header.config),
        "seed": header.seed,
        "parents": canonical_json([asdict(p) for p in header.parents]),
        "digest": header.digest,
    }


def from_fields(fields: Mapping[str, object], path: Path) -> Header:
    """The header that `to_fields` wrote. Raises InputError where `path` is not of this project or its header is damaged."""
    if fields.get("format") != FORMAT:
        raise InputError(f"{path}: an HDF5 file, but not one of tdmm: its root has no attribute format = {FORMAT!r}")
    try:
        making = Making(
            recipe=str(fields["recipe"]),
            config=json.loads(str(fields["config"])),
            seed=int(fields["seed"]),  # type: ignore[call-overload]
            parents=tuple(Parent(**p) for p in json.loads(str(fields["parents"]))),
        )
        return Header(
            kind=str(fields["kind"]),
            version=int(fields["version"]),  # type: ignore[call-overload]
            tool=str(fields["tool"]),
            created=str(fields["created"]),
            making=making,
            digest=str(fields["digest"]),
        )
    except (KeyError, ValueError, TypeError) as e:
        raise InputError(f"{path}: its header is damaged ({type(e).__name__}: {e}); make the file again or take another copy") from e


def check_kind(header: Header, path: Path, kind: str) -> None:
    """Raises InputError unless `header` is of `kind` and of a version that this tool reads."""
    if header.kind != kind:
        made_by = MADE_BY.get(kind, "tdmm")
        raise InputError(f"{path}: expected a {kind} artifact, got a {header.kind} artifact; {made_by} makes {kind}")
    known = SCHEMAS[kind].version if kind in SCHEMAS else 1
    if header.version < 1:
        raise InputError(f"{path}: damaged: its header says version {header.version}; versions begin at 1")
    if header.version > known:
        raise InputError(
            f"{path}: {kind} version {header.version}, written by {header.tool}; {tool_name()} reads up to version {known}: upgrade tdmm to read it"
        )


def read_header(path: Path | str) -> Header:
    """The header of an HDF5 artifact or of a model folder. Raises InputError with what the path is instead."""
    path = Path(path)
    if path.is_dir():
        from tdmm_core.artifacts.model_folder import read_model_header

        return read_model_header(path)
    with open_hdf5(path) as file:
        return header_of(file, path)


def header_of(file: h5py.File, path: Path) -> Header:
    """The header in the root attributes of an open file."""
    with damage(path, "the header"):
        fields = {name: file.attrs[name] for name in ("format", *_header_names()) if name in file.attrs}
    return from_fields(fields, path)


def parent_of(path: Path | str) -> Parent:
    """How an artifact made from `path` remembers it: by its own digest, or by the SHA-256 of a file, or of the motions in a folder."""
    path = Path(path)
    if path.is_dir() and not (path / "tdmm.json").exists():
        inside = sorted(p for p in path.iterdir() if p.suffix.lower() in _MOTION_SUFFIXES)
        return Parent(kind="folder", digest=text_digest("\n".join(f"{p.name}\0{file_digest(p)}" for p in inside)), name=path.resolve().name)
    if path.is_dir() or is_hdf5(path):
        header = read_header(path)
        return Parent(kind=header.kind, digest=header.digest, name=path.resolve().name)
    check_exists(path)
    kind = "video" if path.suffix.lower() in VIDEO_SUFFIXES else path.suffix.lower().lstrip(".") or "file"
    return Parent(kind=kind, digest=file_digest(path), name=path.name)


def _header_names() -> tuple[str, ...]:
    return ("kind", "version", "tool", "created", "recipe", "config", "seed", "parents", "digest")
