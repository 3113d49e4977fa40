"""Writing motion for whichever verb yields it, by the suffix of the output: npz, h5, a folder of npz, npz on stdout, or an export.

The one place that knows output suffixes; what a form looks like is its writer's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from tdmm_core.artifacts.atomic import atomic_path, check_place, make_folder, write_errors
from tdmm_core.artifacts.header import Making
from tdmm_core.artifacts.motion import MotionWriter
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError, TdmmError
from tdmm_core.exchange.npz import write_npz
from tdmm_core.morphable.resample import resample
from tdmm_core.pipelines.exports import EXPORTS, ExportForm, write_export
from tdmm_core.pipelines.run import Run

Form = Literal["npz", "h5", "folder", "stdout"] | ExportForm
Outputs = Path | str | Sequence[Path | str]
"One output or several."
_SUFFIXES: Mapping[str, Form] = {".npz": "npz", ".h5": "h5", ".hdf5": "h5"} | {f".{form}": form for form in EXPORTS}
_KNOWN = (
    ".npz (one clip), .h5 (a motion artifact), .csv (Live Link Face), .mp4 (rendered), .png (contact sheet), .glb (glTF), .html (a page that plays "
    "it), - (npz on stdout)"
)


def check_output(path: Path | str, *, force: bool = False, many: bool = False, resumable: bool = False) -> Form:
    """Check, before any expensive work, that motion can be written to `path`, and say in which form.

    With `many` clips a name without a suffix is a folder of npz files. For a `resumable` run an existing `.h5` is left to its writer, which knows
    whether this very run finished it. Raises InputError for an unknown suffix, an output that exists without `force`, and a place that cannot be
    written.
    """
    if str(path) == "-":
        return _check_stdout(many=many)
    path = Path(path)
    if path.is_dir() or (many and not path.suffix):
        return _check_folder(path, force=force, many=many)
    form = _SUFFIXES.get(path.suffix.lower())
    if form is None:
        more = ", or a folder" if many else ""
        raise InputError(f"{path}: unknown suffix {path.suffix!r} for a motion; known are {_KNOWN}{more}")
    if many and form != "h5":
        raise InputError(f"{path}: {path.suffix} holds one clip; give a folder (-o NAME/) or a motion artifact (.h5) for several")
    check_place(path, force=force or (resumable and form == "h5"))
    return form


def check_outputs(outputs: Outputs, *, force: bool = False, many: bool = False, resumable: bool = False) -> dict[Path | str, Form]:
    """Each output with its form, as `check_output`. Raises InputError, besides, where there is none or one is named twice."""
    return {target: check_output(target, force=force, many=many, resumable=resumable) for target in listed(outputs)}


def listed(outputs: Outputs) -> list[Path | str]:
    """Outputs as a list. Raises InputError where there is none or one is named twice."""
    targets = [outputs] if isinstance(outputs, str | Path) else list(outputs)
    if not targets:
        raise InputError("-o: expected the name of a file or folder to write, got none")
    twice = next((t for i, t in enumerate(targets) if str(t) in map(str, targets[:i])), None)
    if twice is not None:
        raise InputError(f"-o {twice}: named twice; name each output once")
    return targets


def write_motion_output(
    path: Path | str,
    clips: ClipSource[MotionClip] | Sequence[MotionClip],
    run: Run,
    *,
    settings: Mapping[str, object] | None = None,
    codes: Sequence[np.ndarray | None] | None = None,
    making: Making | None = None,
) -> tuple[Path, ...]:
    """Write clips to `path`, by its suffix. `settings` says how they were sampled or fitted; `codes[i]` (T, Q) belong to `clips[i]`.

    `making` is what an `.h5` remembers; without it, recipe, seed and settings are. Returns the files that were written (none for stdout).
    Raises InputError as `check_output`, or where a single-clip form is given another number of clips; TdmmError for a clip that failed.
    """
    settings = dict(settings or {})
    form = check_output(path, force=run.force, many=_holds_many(path, clips), resumable=True)
    making = making or Making(recipe=run.recipe, config=settings, seed=run.seed)
    path = Path(path)
    if form == "h5":
        return _write_artifact(path, clips, run, making)
    if form == "folder":
        return _write_folder(path, clips, run, settings=settings, codes=codes)
    clip = _only(path, clips)
    if form in EXPORTS:
        write_export(form, path, clip, _motion_of(clip), run)
        return (path,)
    codes_of_clip = codes[0] if codes else None
    if form == "stdout":
        _write_stdout(clip, run, settings, codes_of_clip)
        return ()
    _write_file(path, clip, run, settings, codes_of_clip)
    return (path,)


def at_rate(clips: ClipSource[MotionClip] | Sequence[MotionClip], fps: float | None) -> ClipSource[MotionClip] | Sequence[MotionClip]:
    """The clips resampled to `fps`; as they are for None. Raises InputError for a rate that no motion can have."""
    if fps is None:
        return clips
    if not 1 <= fps <= 240:
        raise InputError(f"--fps: expected 1 to 240 frames a second, got {fps:g}")
    return [replace(c, motion=resample(c.motion, fps)) if c.motion is not None and c.motion.fps != fps else c for c in clips]


def _check_stdout(*, many: bool) -> Form:
    if many:
        raise InputError("-o -: stdout takes one clip; give a folder (-o NAME/) or a motion artifact (.h5) for several")
    if sys.stdout.isatty():
        raise InputError("-o -: npz is binary and stdout is a terminal; send it to a file or a pipe, as in ... -o - | tdmm describe -")
    return "stdout"


def _check_folder(path: Path, *, force: bool, many: bool) -> Form:
    if not many:
        raise InputError(f"{path}: a folder, and there is one clip; give a file name: {_KNOWN}")
    if path.exists() and not path.is_dir():
        raise InputError(f"{path}: a file; expected a folder to write 000.npz, 001.npz, ... into")
    there = sorted(path.glob("[0-9][0-9][0-9]*.npz"))
    if there and not force:
        raise InputError(f"{path}: holds {there[0].name} already; use --force to replace what is there, or another folder with -o")
    make_folder(path)
    check_place(path / "000.npz", force=True)
    return "folder"


def _holds_many(path: Path | str, clips: ClipSource[MotionClip] | Sequence[MotionClip]) -> bool:
    return len(clips) != 1 or (str(path) != "-" and (Path(path).is_dir() or not Path(path).suffix))


def _write_artifact(path: Path, clips: ClipSource[MotionClip] | Sequence[MotionClip], run: Run, making: Making) -> tuple[Path, ...]:
    with MotionWriter(path, making, force=run.force, resume=run.resume, block_size=64) as writer:
        staged = writer.staged_ids()
        order = []
        for clip in clips:
            order.append(clip.clip.id)
            if clip.clip.id not in staged:
                writer.add(clip)
        writer.commit(order)
    return (path,)


def _write_folder(
    path: Path,
    clips: ClipSource[MotionClip] | Sequence[MotionClip],
    run: Run,
    *,
    settings: Mapping[str, object],
    codes: Sequence[np.ndarray | None] | None,
) -> tuple[Path, ...]:
    """Files named 000.npz, 001.npz, ... in the order of the clips; the number of a failed clip stays free."""
    digits = max(3, len(str(len(clips) - 1)))
    written = []
    for i, clip in enumerate(clips):
        if clip.motion is not None:
            written.append(path / f"{i:0{digits}d}.npz")
            _write_file(written[-1], clip, run, settings, codes[i] if codes else None)
    return tuple(written)


def _write_file(path: Path, clip: MotionClip, run: Run, settings: Mapping[str, object], codes: np.ndarray | None) -> None:
    motion = _motion_of(clip)
    with atomic_path(path) as temporary:
        write_npz(temporary, motion, prompt=clip.clip.prompt, seed=run.seed, settings=settings, codes=codes)


def _write_stdout(clip: MotionClip, run: Run, settings: Mapping[str, object], codes: np.ndarray | None) -> None:
    with write_errors(Path("stdout")):
        write_npz(sys.stdout.buffer, _motion_of(clip), prompt=clip.clip.prompt, seed=run.seed, settings=settings, codes=codes)
        sys.stdout.buffer.flush()


def _only(path: Path, clips: ClipSource[MotionClip] | Sequence[MotionClip]) -> MotionClip:
    if len(clips) != 1:
        raise InputError(f"{path}: expected one clip for this form, got {len(clips)}; a motion artifact (.h5) holds several")
    return clips[0]


def _motion_of(clip: MotionClip) -> FaceMotion:
    if clip.motion is None:
        raise TdmmError(f"clip {clip.clip.id!r} failed and has no motion: {clip.error}")
    return clip.motion
