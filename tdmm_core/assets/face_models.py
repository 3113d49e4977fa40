"""Which face models the user has named: digest -> file, remembered in the cache folder so that each is named once.

Owns the list `face-models.json`; knows nothing of what the files hold.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tdmm_core.assets.find import cache_folder
from tdmm_core.errors import InputError

_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class NamedFile:
    """A face model's file on this machine, with what belongs to it."""

    name: str
    digest: str
    "SHA-256 (hex) of its geometry, as artifacts carry it."
    path: str
    "Absolute."
    eyelids: str = ""
    "File or folder of an eyelid basis; empty where none was given."
    landmarks: str = ""
    "File of a landmark embedding; empty where calibration finds the landmarks."


def registry_path() -> Path:
    """Where the list is kept."""
    return cache_folder() / "face-models.json"


def named_files() -> Mapping[str, NamedFile]:
    """Every face model that was named, by digest. Raises InputError for a damaged list."""
    path = registry_path()
    try:
        stored = json.loads(path.read_text())
        if stored["version"] != _VERSION:
            raise InputError(f"{path}: written by a newer tdmm; upgrade, or delete it and name your face models again")
        return {entry["digest"]: NamedFile(**entry) for entry in stored["models"]}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, OSError) as e:
        raise InputError(f"{path}: the list of face models cannot be read ({e}); delete it and name your face models again") from e


def remember(file: NamedFile) -> None:
    """Put a face model on the list, in place of an older entry of its digest. Raises InputError where the cache cannot be written."""
    path = registry_path()
    entries = {**named_files(), file.digest: file}
    content = json.dumps({"version": _VERSION, "models": [asdict(entries[d]) for d in sorted(entries)]}, indent=1)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=".face-models-", dir=path.parent)
        with os.fdopen(handle, "w") as stream:
            stream.write(content)
        Path(part).replace(path)
    except OSError as e:
        raise InputError(f"{path.parent}: the cache cannot be written ({e.strerror or e}); set TDMM_CACHE to a folder that can") from e
