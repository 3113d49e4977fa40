"""Reading motion for whichever verb takes it: npz, motion artifact, Live Link CSV, a folder of them, or stdin; judged by content, not by name.

The one place that knows which files hold motion; what a form looks like is its reader's.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.model_folder import NAME as MODEL_HEADER
from tdmm_core.artifacts.motion import MotionFile, open_motion
from tdmm_core.artifacts.opening import VIDEO_SUFFIXES, check_exists, is_hdf5, is_zip
from tdmm_core.domain.clip import Clip, ClipSource, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.exchange.live_link import Take, is_live_link, read_live_link
from tdmm_core.exchange.npz import is_motion_npz, read_npz
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.resample import resample
from tdmm_core.pipelines.foreign_motion import foreign_layout

SUFFIXES = (".npz", ".h5", ".hdf5", ".csv")
"By which a command line tells a motion from a sentence; files themselves are judged by content."
FPS = 25.0
"The rate at which a recording of another rate is read."
_INSTEAD = {
    "corpus": "its videos become motion with tdmm fit {path} -o motion.h5",
    "tokens": "it holds codes, not motion; give the motion artifact that it was made from",
    "text": "it holds descriptions; give the motion that they describe",
    "report": "it holds figures; give a motion",
}


def read_motion_clips(path: Path | str) -> ClipSource[MotionClip]:
    """The clips of a motion file, a motion artifact (read as they are asked for), a folder of npz and csv files, or `-`: npz or csv on stdin.

    A clip from a file of one motion is named after it; recordings come at FPS, by their time stamps. Raises InputError that says what the path
    is instead and what to do.
    """
    if str(path) == "-":
        return (_clip("stdin", sys.stdin.buffer.read()),)
    path = Path(path)
    if path.is_dir():
        return _folder(path)
    check_exists(path)
    if is_hdf5(path):
        return _artifact(path)
    if (is_zip(path) and foreign_layout(path) is None) or is_take(path):
        return (_file(path),)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        raise InputError(f"{path}: a video, not a motion; tdmm fit {path} -o motion.npz makes one of it")
    if path.suffix.lower() == ".txt":
        raise InputError(f"{path}: a text file, not a motion; its sentences are performed with tdmm animate --prompts {path} -o FOLDER/")
    layout = foreign_layout(path)
    if layout is not None:
        raise InputError(f"{path}: FLAME parameters of {layout.tool}; make our motion of them: tdmm fit {path} --face-model flame:PATH -o motion.h5")
    raise InputError(f"{path}: expected a motion (.npz, a motion .h5 or a Live Link .csv), got something else; tdmm info FILE tells what a file is")


def named_clips(path: Path | str, name: str | None) -> ClipSource[MotionClip]:
    """As `read_motion_clips`, or of its clips the one called `name`. Raises InputError where there is none of that name."""
    clips = read_motion_clips(path)
    if name is None:
        return clips
    if isinstance(clips, MotionFile):
        return (clips[clips.index_of(name)],)
    found = tuple(c for c in clips if c.clip.id == name)
    if not found:
        raise InputError(f"{path}: expected a clip called {name!r}, got {', '.join(c.clip.id for c in clips)}")
    return found


def is_take(path: Path) -> bool:
    """Whether the file is a Live Link Face CSV."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_live_link(file.read(4096))


def is_our_motion(path: Path) -> bool:
    """Whether the file is a motion as this tool writes it: a motion artifact or an npz with its keys."""
    if is_hdf5(path):
        return read_header(path).kind == "motion"
    return is_zip(path) and is_motion_npz(path)


def take_clip(path: Path, *, source_fps: float | None = None) -> MotionClip:
    """A Live Link Face CSV as a clip, named after its file, at its own rate."""
    take = read_take(path, source_fps=source_fps)
    clip = Clip(id=path.stem or "motion")
    return MotionClip(clip=clip, motion=take.motion, source=path.name, source_digest=file_digest(path), source_fps=take.motion.fps)


def read_take(path: Path, *, source_fps: float | None = None) -> Take:
    """A Live Link Face CSV as it stands, in the open head's units; `source_fps` takes the place of its time codes."""
    return _take(str(path), path.read_bytes(), source_fps)


def _take(name: str, content: bytes, source_fps: float | None = None) -> Take:
    model = load_open_head()
    take = read_live_link(name, content, names=model.expression_names, source_fps=source_fps)
    return replace(take, motion=replace(take.motion, face_model=model.name, face_model_digest=model.digest))


def _file(path: Path) -> MotionClip:
    return replace(_clip(path.stem, path.read_bytes(), str(path)), source=path.name, source_digest=file_digest(path))


def _clip(name: str, content: bytes, file: str = "") -> MotionClip:
    identifier = re.sub(r"[/\0]", "_", name) or "motion"
    if is_live_link(content[:4096]):
        take = _take(file or name, content)
        return MotionClip(clip=Clip(id=identifier), motion=resample(take.motion, FPS), source_fps=take.motion.fps)
    stream = io.BytesIO(content)
    stream.name = file or "<stdin>"
    motion, meta = read_npz(stream)
    return MotionClip(clip=Clip(id=identifier, prompt=str(meta["prompt"])), motion=motion)


def _artifact(path: Path) -> ClipSource[MotionClip]:
    header = read_header(path)
    if header.kind != "motion":
        raise InputError(f"{path}: expected a motion, got a {header.kind} artifact; {_INSTEAD.get(header.kind, 'give a motion').format(path=path)}")
    return open_motion(path)


def _folder(path: Path) -> Sequence[MotionClip]:
    if (path / MODEL_HEADER).exists():
        raise InputError(f"{path}: expected a motion, got the folder of a model; give the model with its own option")
    files = sorted(f for f in path.iterdir() if f.suffix.lower() == ".npz" or (f.suffix.lower() == ".csv" and is_take(f)))
    if not files:
        raise InputError(f"{path}: expected a motion or a folder of .npz or Live Link .csv motions, got a folder without one")
    return tuple(_file(file) for file in files)
