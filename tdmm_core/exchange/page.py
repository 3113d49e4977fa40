"""One self-contained web page that plays a motion: the face in WebGL, its curves beside it. Owns what the page carries and how it is packed.

The page loads nothing from anywhere. Its viewer (`viewer/`) is ours: it poses the face by the same units and paints it by the same formulas as
the renderer. Only units that the motion uses are packed, as whole numbers of small steps.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
import zlib
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.exchange.blendshapes import LEAST_MOVE_M, check_blendshapes, quaternions
from tdmm_core.exchange.curves import curves_of
from tdmm_core.morphable.model import MorphableModel, identity
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.scene import Surface, lights_of, palette_of, surface_of

LEAST_WEIGHT = 1e-3
"A unit that never reaches more is left out."
LEAST_SHADE = 0.04
"Change of the occlusion that is kept."
HEAD_MARGIN, DISTANCE_M = 1.12, 0.95
_STEPS = 32767


def write_page(target: Path | str | BinaryIO, model: MorphableModel, motion: FaceMotion, *, prompt: str = "", look: Look | None = None) -> None:
    """Write the motion of a face model as .html; equal motions give equal bytes. `prompt` stands above the curves.

    Raises InputError for a motion of another face model, and for a face model with joints, whose posing no blendshape can say.
    """
    check_blendshapes(model, motion, ".html")
    told = json.dumps(_told(model, motion, look or Look()), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    rate = f"{motion.fps:.6g} frames a second"
    filled = {
        "title": html.escape(prompt or "a face in motion"),
        "prompt": html.escape(prompt or "A face in motion"),
        "facts": f"{motion.duration_s:.2f} s · {motion.num_frames} frames · {rate}",
        "style": _file("page.css"),
        "data": told,
        "script": _file("viewer.js"),
    }
    page = re.sub(r"\{(\w+)\}", lambda m: filled[m[1]], _file("page.html")).encode()
    if isinstance(target, Path | str):
        Path(target).write_bytes(page)
    else:
        target.write(page)


def _file(name: str) -> str:
    return (files("tdmm_core.exchange") / "viewer" / name).read_text(encoding="utf-8").rstrip()


def _told(model: MorphableModel, motion: FaceMotion, look: Look) -> dict:
    """Everything that the viewer reads; the names are its own."""
    surface = surface_of(model)
    used = np.flatnonzero(motion.expression.max(axis=0) > LEAST_WEIGHT)
    base = identity(model, motion.shape) - model.pivot
    rest, step = _steps(base)
    moves, unit_steps = _moves(model, used)
    order = np.argsort(surface.material, kind="stable")
    packed, arrays = _packed({
        "rest": rest.reshape(-1), "triangles": surface.triangles[order].astype("<u2").reshape(-1), **_attributes(surface), **moves,
        **_shades(surface, used), "weights": np.round(motion.expression[:, used].clip(0, 1) * 65535).astype("<u2").reshape(-1),
        "turns": quaternions(motion.global_orient).astype("<f4").reshape(-1), "places": motion.transl.astype("<f4").reshape(-1),
    })  # fmt: skip
    low, high = base.min(axis=0), base.max(axis=0)
    centre = (low + high) / 2 + np.median(motion.transl, axis=0)
    return {
        "frames": motion.num_frames, "fps": motion.fps, "units": [motion.expression_names[u] for u in used], "step": step, "unit_steps": unit_steps,
        "groups": _groups(surface.material[order]), "palette": _numbers(palette_of(look)), "lights": _numbers(lights_of(look)),
        "iris_rad": surface.iris_rad, "marks": _marks(model, base), "centre": _numbers(centre), "distance": DISTANCE_M,
        "height": HEAD_MARGIN * float(high[1] - low[1]), "paint": _data_uri(surface.paint), "curves": curves_of(motion), "arrays": arrays,
        "packed": packed,
    }  # fmt: skip


def _steps(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Whole steps int16 of values, and the size of one."""
    step = max(float(np.abs(values).max(initial=0)), 1e-9) / _STEPS
    return np.round(values / step).astype("<i2"), step


def _moves(model: MorphableModel, used: np.ndarray) -> tuple[dict[str, np.ndarray], list[float]]:
    """Which vertices each unit moves and by how many steps, one unit after the other."""
    rows, moves, starts, sizes = [], [], [0], []
    for unit in used:
        move = model.expression_basis[unit]
        moved = np.flatnonzero(np.linalg.norm(move, axis=1) >= LEAST_MOVE_M)
        steps, size = _steps(move[moved])
        rows.append(moved.astype("<u2"))
        moves.append(steps.reshape(-1))
        starts.append(starts[-1] + len(moved))
        sizes.append(size)
    return {"move_starts": np.array(starts, "<f4"), "move_rows": _joined(rows, "<u2"), "moves": _joined(moves, "<i2")}, sizes


def _shades(surface: Surface, used: np.ndarray) -> dict[str, np.ndarray]:
    """What each unit adds to how open a vertex lies, in parts of 127."""
    rows, shades, starts = [], [], [0]
    for unit in used:
        added = np.zeros(0) if surface.occlusion_units is None else surface.occlusion_units[unit]
        changed = np.flatnonzero(np.abs(added) >= LEAST_SHADE)
        rows.append(changed.astype("<u2"))
        shades.append(np.round(added[changed] * 127).clip(-127, 127).astype("i1"))
        starts.append(starts[-1] + len(changed))
    return {"shade_starts": np.array(starts, "<f4"), "shade_rows": _joined(rows, "<u2"), "shades": _joined(shades, "i1")}


def _attributes(surface: Surface) -> dict[str, np.ndarray]:
    known = surface.attributes
    looks = np.stack([known[:, 2], known[:, 4], known[:, 5], np.zeros(len(known))], axis=1)
    return {
        "uv": np.round(known[:, 0:2].clip(0, 1) * 65535).astype("<u2").reshape(-1),
        "looks": np.round(looks.clip(0, 1) * 255).astype("u1").reshape(-1),
        "eye": np.round(known[:, 6:9].clip(-1, 1) * _STEPS).astype("<i2").reshape(-1),
        "occlusion": np.round(known[:, 3].clip(0, 1) * 255).astype("u1"),
    }


def _groups(material: np.ndarray) -> list[list[int]]:
    """Kind, first index and number of indices of each run of triangles of one material."""
    kinds, first, count = np.unique(material, return_index=True, return_counts=True)
    return [[int(k), int(3 * f), int(3 * c)] for k, f, c in zip(kinds, first, count, strict=True)]


def _marks(model: MorphableModel, base: np.ndarray) -> list[float]:
    """Height of the eyes and depth of the lips about the pivot, by which lids and lips throw their shadow; two more that stay free."""
    def middle(name: str, axis: int) -> float:
        if name not in model.region_names:
            return 0.0
        return float(base[np.unique(model.triangles[model.triangle_region == model.region_names.index(name)]), axis].mean())

    return [middle("iris", 1), middle("lips", 2), 0.0]


def _packed(arrays: dict[str, np.ndarray]) -> tuple[str, list[list]]:
    """All arrays in one deflated text, and where each lies: name, type, first byte, number."""
    stream, where = io.BytesIO(), []
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):  # so that each begins at a multiple of its own size
        where.append([name, f"{array.dtype.kind}{array.itemsize}", stream.tell(), int(array.size)])
        stream.write(array.tobytes())
    return base64.b64encode(zlib.compress(stream.getvalue(), 9)).decode(), where


def _joined(parts: list[np.ndarray], dtype: str) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype), *parts]).astype(dtype)


def _numbers(values: np.ndarray) -> list[float]:
    return [round(float(v), 6) for v in np.ravel(values)]


def _data_uri(picture: np.ndarray) -> str:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()
