"""FLAME parameters of other tools as clips: opened by the restricted readers, placed on the edition of FLAME that the user names."""

from __future__ import annotations

from pathlib import Path

from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.opening import is_hdf5, is_zip
from tdmm_core.artifacts.pickle_reader import read_arrays, read_pickle
from tdmm_core.domain.clip import Clip, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.exchange.flame_files import Layout, flame_motion, layout_of
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.pipelines.face_models import find_face_model, known_face_models

_PICKLED = b"\x80"


def foreign_layout(path: Path) -> Layout | None:
    """Which other tool wrote the file, judged by its content; None for none that is known."""
    if is_hdf5(path) or not (is_zip(path) or _is_pickle(path)):
        return None
    try:
        return layout_of(_content(path))
    except InputError:
        return None


def read_foreign(path: Path, *, face_model: MorphableModel | None, source_fps: float | None) -> MotionClip:
    """The motion in another tool's file. `face_model` is the FLAME it is of; None, or one without joints, takes the only FLAME that is known here.

    Raises InputError that asks for the face model or the rate where nobody told.
    """
    flame = face_model if face_model is not None and face_model.articulation is not None else _only_flame(path)
    motion = flame_motion(str(path), _content(path), face_model=flame.name, digest=flame.digest, source_fps=source_fps)
    clip = Clip(id=path.stem or "motion")
    return MotionClip(clip=clip, motion=motion, source=path.name, source_digest=file_digest(path), source_fps=motion.fps)


def _content(path: Path) -> object:
    return read_arrays(path) if is_zip(path) else read_pickle(path)


def _is_pickle(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return start[:1] == _PICKLED or path.suffix.lower() in (".pkl", ".pickle")


def _only_flame(path: Path) -> MorphableModel:
    known = [m for m in known_face_models() if str(m["name"]).startswith("flame") and m["here"]]
    if len(known) != 1:
        have = "none is known here" if not known else f"{len(known)} are known here"
        raise InputError(f"{path}: FLAME parameters, and the file does not say of which FLAME ({have}); say it: --face-model flame:PATH")
    return find_face_model(str(known[0]["name"]), str(known[0]["digest"]))
