"""Reading motion for whichever verb takes it: npz, motion artifact, a folder of npz, or npz on stdin; judged by content, not by name."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.model_folder import NAME as MODEL_HEADER
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.opening import VIDEO_SUFFIXES, check_exists, is_hdf5, is_zip
from tdmm_core.domain.clip import Clip, ClipSource, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.exchange.npz import read_npz

_INSTEAD = {
    "corpus": "its videos become motion with tdmm fit {path} -o motion.h5",
    "tokens": "it holds codes, not motion; give the motion artifact that it was made from",
    "text": "it holds descriptions; give the motion that they describe",
    "report": "it holds figures; give a motion",
}


def read_motion_clips(path: Path | str) -> ClipSource[MotionClip]:
    """The clips of a motion file, a motion artifact (read as they are asked for), a folder of npz files, or `-`: npz on stdin.

    A clip from an npz is named after its file. Raises InputError that says what the path is instead and what to do.
    """
    if str(path) == "-":
        return (_clip("stdin", sys.stdin.buffer),)
    path = Path(path)
    if path.is_dir():
        return _folder(path)
    check_exists(path)
    if is_hdf5(path):
        return _artifact(path)
    if is_zip(path):
        return (_clip(path.stem, path),)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        raise InputError(f"{path}: a video, not a motion; tdmm fit {path} -o motion.npz makes one of it")
    raise InputError(f"{path}: expected a motion (.npz or a motion .h5), got something else; tdmm info FILE tells what a file is")


def _clip(name: str, source: Path | BinaryIO) -> MotionClip:
    motion, meta = read_npz(source)
    clip = Clip(id=re.sub(r"[/\0]", "_", name) or "motion", prompt=str(meta["prompt"]))
    if not isinstance(source, Path):
        return MotionClip(clip=clip, motion=motion)
    return MotionClip(clip=clip, motion=motion, source=source.name, source_digest=file_digest(source))


def _artifact(path: Path) -> ClipSource[MotionClip]:
    header = read_header(path)
    if header.kind != "motion":
        raise InputError(f"{path}: expected a motion, got a {header.kind} artifact; {_INSTEAD.get(header.kind, 'give a motion').format(path=path)}")
    return open_motion(path)


def _folder(path: Path) -> Sequence[MotionClip]:
    if (path / MODEL_HEADER).exists():
        raise InputError(f"{path}: expected a motion, got the folder of a model; give the model with its own option")
    files = sorted(path.glob("*.npz"))
    if not files:
        raise InputError(f"{path}: expected a motion or a folder of .npz motions, got a folder without one")
    return tuple(_clip(file.stem, file) for file in files)
