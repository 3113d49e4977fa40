"""`tdmm info` without a file: which models, libraries and devices are here. Asks the package metadata; loads no library for it."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from tdmm_core.artifacts.header import tool_name
from tdmm_core.artifacts.model_folder import NAME as MODEL_HEADER
from tdmm_core.artifacts.model_folder import read_model_header
from tdmm_core.errors import InputError

LIBRARIES = (
    "torch", "transformers", "tokenizers", "peft", "gguf", "wordllama", "deepspeed", "mediapipe", "decord", "eva-decord", "av", "h5py", "safetensors",
    "numpy", "scipy", "numba", "matplotlib", "typer", "rich",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Installation:
    """What this machine offers the tool."""

    tool: str
    python: str
    models: tuple[Mapping[str, object], ...]
    "name, kind, digest and size of the models that the package carries."
    assets: tuple[Mapping[str, object], ...]
    "name, size, digest and place of the files that are fetched on demand; place is empty where one is not here."
    face_models: tuple[Mapping[str, object], ...]
    "name, digest, place, eyelids, landmarks and whether it is here, of the face models that were named."
    libraries: Mapping[str, str]
    "Version of each library; `missing` where there is none."
    system_libraries: Mapping[str, bool]
    "Debian packages that tdmm fit needs, and whether what they bring is here; none on systems whose wheels bring it."
    devices: tuple[str, ...]

    def lines(self) -> list[str]:
        """The same as lines for people."""
        lines = [f"{self.tool}, Python {self.python}", "models that the package carries"]
        lines += [f"  {m['name']:<20} {m['size_bytes'] / 1e6:7.1f} MB  {str(m['digest'])[:12]}" for m in self.models] or ["  none"]  # type: ignore[operator]
        lines += ["files fetched on demand"]
        for a in self.assets:
            lines += [f"  {a['name']:<20} {a['size_bytes'] / 1e6:7.1f} MB  {str(a['digest'])[:12]}  {a['place'] or 'not fetched'}"]  # type: ignore[operator]
        lines += ["face models", *(_face_line(m) for m in self.face_models)]
        lines += ["libraries", *(f"  {name:<20} {found}" for name, found in self.libraries.items())]
        if self.system_libraries:
            missing = [name for name, here in self.system_libraries.items() if not here]
            told = f"missing: {' '.join(missing)}; run: apt-get install -y {' '.join(self.system_libraries)}" if missing else "all here"
            lines += ["system libraries of tdmm fit", f"  {told}"]
        return [*lines, "devices", *(f"  {device}" for device in self.devices)]


def _face_line(m: Mapping[str, object]) -> str:
    with_ = [name for name in ("eyelids", "landmarks") if m[name]]
    beside = f", with {' and '.join(with_)}" if with_ else ""
    return f"  {m['name']:<20} {str(m['digest'])[:12]}  {'' if m['here'] else 'gone: '}{m['place']}{beside}"


def inspect_installation() -> Installation:
    """Look at this machine. Raises InputError where the list of face models is damaged."""
    from tdmm_core.pipelines.face_models import known_face_models

    return Installation(
        tool=tool_name(),
        python=platform.python_version(),
        models=_models(),
        assets=_assets(),
        face_models=known_face_models(),
        libraries={name: _version(name) for name in LIBRARIES if name != _other_decord()},
        system_libraries=_system_libraries(),
        devices=_devices(),
    )


def _system_libraries() -> Mapping[str, bool]:
    from tdmm_core.fitting.system_libraries import DEBIAN_PACKAGES, missing_libraries

    missing = missing_libraries()
    return {package: library not in missing for library, package in DEBIAN_PACKAGES.items()} if sys.platform == "linux" else {}


def _models() -> tuple[Mapping[str, object], ...]:
    root = Path(str(files("tdmm_core"))) / "pretrained"
    return tuple(_model(folder) for folder in sorted(root.glob("*")) if (folder / MODEL_HEADER).exists())


def _model(folder: Path) -> Mapping[str, object]:
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    try:
        header = read_model_header(folder)
    except InputError as e:
        return {"name": folder.name, "kind": "damaged", "digest": str(e), "size_bytes": size}
    return {"name": folder.name, "kind": header.kind, "digest": header.digest, "size_bytes": size}


def _assets() -> tuple[Mapping[str, object], ...]:
    from tdmm_core.assets.catalogue import CATALOGUE
    from tdmm_core.assets.find import cached_path

    found = []
    for asset in CATALOGUE.values():
        path = cached_path(asset.name)
        here = path.is_file() and path.stat().st_size == asset.size
        facts = {"name": asset.name, "size_bytes": asset.size, "digest": asset.sha256, "licence": asset.licence, "place": str(path) if here else ""}
        if not asset.for_tests:
            found.append(facts)
    return tuple(found)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _other_decord() -> str:
    """decord goes by another name on macOS; the one of the other system is not looked for."""
    return "decord" if sys.platform == "darwin" else "eva-decord"


def _devices() -> tuple[str, ...]:
    """The processor, and what torch sees where there is a driver to see by; torch is loaded only then."""
    cpu = f"cpu: {os.cpu_count()} cores, {platform.machine()}"
    if not (Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists() or os.name == "nt" or sys.platform == "darwin"):
        return (cpu,)
    import torch

    gpus = [f"cuda:{i}: {torch.cuda.get_device_name(i)}" for i in range(torch.cuda.device_count())]
    return (cpu, *gpus, *(["mps: Apple GPU"] if torch.backends.mps.is_available() else []))
