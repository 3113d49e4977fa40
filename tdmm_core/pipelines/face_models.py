"""Face models by what the user or an artifact calls them: the open head, or a FLAME file that was named once and is found again by its digest.

Opens the files; what they mean is the room `morphable`'s, where they are remembered is the room `assets`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.pickle_reader import read_arrays
from tdmm_core.assets.face_models import NamedFile, named_files, remember
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.morphable.flame import EDITIONS, edition_of, flame_model
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.open_head import NAME as OPEN_HEAD
from tdmm_core.morphable.open_head import load_open_head

_LIDS = (("l_eyelid", "r_eyelid"), ("left", "right"))
"Names of the two arrays of an eyelid basis."


def name_face_model(spec: str, *, eyelids: Path | None = None, landmarks: Path | None = None) -> MorphableModel:
    """The face model that `--face-model` says: open-head-1, flame:PATH, or flame-2020:PATH and the like for a file that is not as published.

    A FLAME file is remembered with its eyelid basis and landmark embedding, so that later commands find it by the digest that artifacts carry;
    what is None stays as it was. Raises InputError for a file that is no FLAME, or whose edition cannot be told.
    """
    kind, _, path = spec.partition(":")
    if spec == OPEN_HEAD:
        _refuse_extras(eyelids, landmarks)
        return load_open_head()
    if kind not in ("flame", *EDITIONS) or not path:
        raise InputError(f"--face-model: expected {OPEN_HEAD} or flame:PATH of your FLAME file, got {spec!r}")
    file = Path(path).expanduser().resolve()
    arrays = read_arrays(file)
    name = kind if kind in EDITIONS else edition_of(file_digest(file), arrays)
    if name is None:
        raise InputError(
            f"{file}: its bytes are none of the published files, so its edition cannot be told; say it: --face-model flame-2020:{path} "
            f"(or {', '.join(EDITIONS[1:])})"
        )
    model = _assembled(file, arrays, name)
    known = named_files().get(model.digest, NamedFile(name=name, digest=model.digest, path=str(file)))
    given = {key: str(Path(p).expanduser().resolve()) for key, p in (("eyelids", eyelids), ("landmarks", landmarks)) if p is not None}
    entry = replace(known, name=name, path=str(file), **given)
    if entry.eyelids:
        model = _with_lids(model, entry.eyelids)
    remember(entry)
    return model


def find_face_model(name: str, digest: str = "") -> MorphableModel:
    """The face model of that name and digest, as a motion carries them; an empty digest takes the only one of its name.

    Raises MissingPartError with the command to give where its file was never named here or is gone, InputError for a name that is unknown.
    """
    if name == OPEN_HEAD:
        return load_open_head()
    if name not in EDITIONS:
        raise InputError(f"face model {name!r} is unknown; known are {', '.join((OPEN_HEAD, *EDITIONS))}")
    found = [f for f in named_files().values() if (f.digest == digest if digest else f.name == name)]
    if len(found) != 1:
        which = f"{name} ({digest[:12]})" if digest else name
        lacking = "is not known here" if not found else f"has {len(found)} files here and the motion does not say which"
        raise MissingPartError(f"face model {which} {lacking}; name its file once: tdmm info --face-model flame:PATH")
    return _found(found[0])


def face_file_facts(path: Path) -> dict[str, object] | None:
    """What a FLAME file holds, without remembering it; None for a pickled or npz file of something else. Raises InputError for a refused one."""
    arrays = read_arrays(path)
    if not {"v_template", "shapedirs", "posedirs"} <= set(arrays):
        return None
    edition = edition_of(file_digest(path), arrays)
    model = _assembled(path, arrays, edition or "flame")
    return {
        "edition": edition or f"none of the published files; say it when naming: --face-model {EDITIONS[0]}:{path}",
        "vertices": model.num_vertices,
        "triangles": len(model.triangles),
        "shape": f"{model.num_shape} coefficients",
        "expression": f"{model.num_expression} coefficients",
        "geometry": model.digest,
        "named here": "yes" if model.digest in named_files() else "no",
    }


def landmark_file(digest: str) -> Path | None:
    """The landmark embedding that was named with a face model; None where there is none."""
    entry = named_files().get(digest)
    return Path(entry.landmarks) if entry and entry.landmarks else None


def known_face_models() -> tuple[Mapping[str, object], ...]:
    """name, digest, place, eyelids and landmarks of every face model here; `here` is False where a file is gone."""
    head = load_open_head()
    entries: list[Mapping[str, object]] = [
        {"name": head.name, "digest": head.digest, "place": "in the package", "eyelids": "", "landmarks": "", "here": True}
    ]
    for f in named_files().values():
        here = Path(f.path).is_file()
        entries.append({"name": f.name, "digest": f.digest, "place": f.path, "eyelids": f.eyelids, "landmarks": f.landmarks, "here": here})
    return tuple(entries)


@cache
def _found(entry: NamedFile) -> MorphableModel:
    file = Path(entry.path)
    again = f"name it again: tdmm info --face-model {entry.name}:PATH"
    if not file.is_file():
        raise MissingPartError(f"{file}: the file of face model {entry.name} ({entry.digest[:12]}) is gone; {again}")
    model = _assembled(file, read_arrays(file), entry.name)
    if model.digest != entry.digest:
        raise MissingPartError(f"{file}: it held face model {entry.name} ({entry.digest[:12]}) and holds another now ({model.digest[:12]}); {again}")
    return _with_lids(model, entry.eyelids) if entry.eyelids else model


def _assembled(file: Path, arrays: Mapping[str, object], name: str) -> MorphableModel:
    try:
        return flame_model(arrays, name=name)
    except InputError as e:
        raise InputError(f"{file}: {e}") from e


def _with_lids(model: MorphableModel, place: str) -> MorphableModel:
    basis = read_eyelids(Path(place), model.num_vertices)
    assert model.articulation is not None
    return replace(model, articulation=replace(model.articulation, eyelids=basis))


def read_eyelids(place: Path, num_vertices: int) -> np.ndarray:
    """(2, V, 3) float32 metres, left then right: from a folder with l_eyelid.npy and r_eyelid.npy, either of the two, or an npz that holds both."""
    place = place.parent if place.name in ("l_eyelid.npy", "r_eyelid.npy") else place
    arrays = {n: read_arrays(place / f"{n}.npy")["array"] for n in _LIDS[0]} if place.is_dir() else read_arrays(place)
    names = next((pair for pair in _LIDS if all(n in arrays for n in pair)), None)
    if names is None:
        raise InputError(f"{place}: expected l_eyelid and r_eyelid (folder of .npy files, or one npz), has {', '.join(sorted(arrays)[:8])}")
    sides = [np.asarray(arrays[n]) for n in names]
    if any(s.dtype.kind != "f" or s.size != 3 * num_vertices or not np.isfinite(s).all() for s in sides):
        raise InputError(f"{place}: expected offsets of {num_vertices} vertices for each lid, got shapes {[s.shape for s in sides]}")
    return np.stack([s.reshape(num_vertices, 3) for s in sides]).astype(np.float32)


def _refuse_extras(eyelids: Path | None, landmarks: Path | None) -> None:
    if eyelids or landmarks:
        raise InputError(f"--eyelids and --landmarks belong to --face-model flame:PATH; {OPEN_HEAD} has its own")
