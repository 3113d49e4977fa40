"""Motion as `.npz`: what `numpy.load(path, allow_pickle=False)` opens; see "Motion files" in the formats page.

Equal input gives equal bytes: entries are stored uncompressed in one order, with a fixed date. Never reads a pickle. Writes to exactly the path or
stream it is given; whoever calls it sees to temporary names.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tdmm_core.domain.motion import FRAME_TERMS, FaceMotion
from tdmm_core.errors import InputError

_NEEDED = ("expression", "expression_names", "global_orient", "transl", "fps", "face_model")
_TERMS = ("expression", *FRAME_TERMS, "status", "source_time_s", "shape")
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, EOFError, OSError, KeyError, TypeError, RuntimeError, OverflowError, MemoryError)
"What zipfile and numpy raise on damaged bytes."


def write_npz(
    target: Path | str | BinaryIO,
    motion: FaceMotion,
    *,
    prompt: str = "",
    seed: int = 0,
    settings: Mapping[str, object],
    codes: np.ndarray | None = None,
) -> None:
    """Write a motion to a path or a binary stream.

    `settings` says how it was sampled or fitted (JSON values); `codes` (T, Q) are those that it was decoded from.
    """
    arrays: dict[str, np.ndarray] = {name: value for name in _TERMS for value in [getattr(motion, name)] if value is not None}
    arrays |= {
        "expression_names": np.array(motion.expression_names, dtype=np.str_),
        "fps": np.array(motion.fps, dtype="<f8"),
        "face_model": np.array(motion.face_model),
        "face_model_digest": np.array(motion.face_model_digest),
        "prompt": np.array(prompt),
        "seed": np.array(seed, dtype="<i8"),
        "tool": np.array(_tool()),
        "settings": np.array(json.dumps(dict(settings), sort_keys=True, ensure_ascii=False)),
    }
    if codes is not None:
        arrays["codes"] = np.asarray(codes)
    content = _zipped(arrays)
    if isinstance(target, Path | str):
        Path(target).write_bytes(content)
    else:
        target.write(content)


def read_npz(source: Path | str | BinaryIO) -> tuple[FaceMotion, dict[str, object]]:
    """Read a motion from a path or a stream, which need not be seekable.

    Returns the motion and what is said of it: `prompt`, `seed`, `tool`, `settings` (dict) and `codes` ((T, Q) or None).
    Raises InputError that says what the file is instead, which key it lacks, or which array is wrong.
    """
    name, content = _content(source)
    arrays = _unzipped(name, content)
    lacking = [key for key in _NEEDED if key not in arrays]
    if lacking:
        raise InputError(f"{name}: not a motion: lacks {', '.join(lacking)}; has {', '.join(sorted(arrays)[:8]) or 'nothing'}")
    try:
        motion = FaceMotion(
            expression_names=tuple(str(n) for n in np.atleast_1d(arrays["expression_names"])),
            fps=float(arrays["fps"]),
            face_model=str(arrays["face_model"]),
            face_model_digest=str(arrays.get("face_model_digest", "")),
            **{term: arrays[term] for term in _TERMS if term in arrays},  # type: ignore[arg-type]
        )
        meta: dict[str, object] = {key: str(arrays.get(key, "")) for key in ("prompt", "tool")}
        meta |= {"seed": int(arrays.get("seed", 0)), "settings": json.loads(str(arrays.get("settings", "{}"))), "codes": arrays.get("codes")}
    except (InputError, ValueError, TypeError) as e:
        raise InputError(f"{name}: not a motion: {e}") from e
    return motion, meta


def is_motion_npz(path: Path) -> bool:
    """Whether a zip file has the keys of a motion."""
    try:
        with zipfile.ZipFile(path) as archive:
            return {f"{key}.npy" for key in _NEEDED} <= set(archive.namelist())
    except _BROKEN:
        return False


def _content(source: Path | str | BinaryIO) -> tuple[str, bytes]:
    if not isinstance(source, Path | str):
        return str(getattr(source, "name", "the stream")), source.read()
    path = Path(source)
    try:
        return str(path), path.read_bytes()
    except FileNotFoundError as e:
        raise InputError(f"{path}: no such file") from e
    except OSError as e:
        raise InputError(f"{path}: cannot be read ({e.strerror})") from e


def _zipped(arrays: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(name + ".npy", _DATE)
            entry.create_system = _UNIX
            body = io.BytesIO()
            np.lib.format.write_array(body, _little_endian(array), version=(1, 0), allow_pickle=False)
            archive.writestr(entry, body.getvalue())
    return buffer.getvalue()


def _unzipped(name: str, content: bytes) -> dict[str, np.ndarray]:
    if not content:
        raise InputError(f"{name}: empty; expected a motion as npz")
    if not content.startswith(b"PK"):
        raise InputError(f"{name}: expected a motion as npz, got something else; tdmm info FILE tells what a file is")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {member.removesuffix(".npy"): _array(name, archive, member) for member in archive.namelist() if member.endswith(".npy")}
    except _BROKEN as e:
        raise InputError(f"{name}: damaged or truncated ({e}); copy it again or make it again") from e


def _array(name: str, archive: zipfile.ZipFile, member: str) -> np.ndarray:
    body = io.BytesIO(archive.read(member))
    try:
        return np.lib.format.read_array(body, allow_pickle=False)
    except ValueError as e:
        if "pickle" not in str(e):
            raise
        raise InputError(f"{name}: {member.removesuffix('.npy')} is pickled Python, which is never read; expected arrays of numbers and text") from e


def _little_endian(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).reshape(array.shape)


def _tool() -> str:
    try:
        return f"tdmm {version('tdmm')}"
    except PackageNotFoundError:
        return "tdmm (not installed)"
