"""What `tdmm describe` is given, as clips: motions as they are, videos fitted first, several files one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from tdmm_core.artifacts.header import Parent, parent_of
from tdmm_core.artifacts.opening import VIDEO_SUFFIXES, check_exists
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.pipelines.joined import named_apart
from tdmm_core.pipelines.motion_input import read_motion_clips
from tdmm_core.pipelines.run import Run

Motions = Path | str | Sequence[Path | str]


def read_described(motions: Motions, run: Run, *, fit: FitConfig) -> ClipSource[MotionClip] | Sequence[MotionClip]:
    """The clips of one file or several; of one motion artifact as they are asked for. Clips that share a name are told apart.

    Raises InputError for a file that holds no motion, and whatever `tdmm fit` raises for a video.
    """
    paths = (motions,) if isinstance(motions, str | Path) else tuple(motions)
    if not paths:
        raise InputError("describe: expected a motion or a video, got none")
    if len(paths) == 1:
        return _clips(paths[0], run, fit)
    clips = [clip for path in paths for clip in _clips(path, run, fit)]
    names = named_apart([c.clip.id for c in clips])
    return [replace(c, clip=replace(c.clip, id=name)) for c, name in zip(clips, names, strict=True)]


def parents_of(motions: Motions) -> tuple[Parent, ...]:
    """The artifacts among the files, which a text artifact remembers."""
    paths = (motions,) if isinstance(motions, str | Path) else tuple(motions)
    return tuple(parent_of(Path(p)) for p in paths if str(p).endswith((".h5", ".hdf5")))


def _clips(path: Path | str, run: Run, config: FitConfig) -> ClipSource[MotionClip] | Sequence[MotionClip]:
    if Path(path).suffix.lower() not in VIDEO_SUFFIXES or Path(path).is_dir():
        return read_motion_clips(path)
    check_exists(Path(path))
    from tdmm_core.pipelines.fit import fit

    with TemporaryDirectory(prefix="tdmm-describe-") as folder:
        output = Path(folder) / f"{Path(path).stem or 'video'}.h5"
        fit([Path(path)], output, run, config=config)
        return [*read_motion_clips(output)]
