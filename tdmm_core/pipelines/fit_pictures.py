"""Pictures of a fit to judge it by eye: `--preview`, a film beside its fit, and `--worst`, a sheet of a batch's worst fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.atomic import atomic_path, check_place, write_errors
from tdmm_core.domain.clip import ClipSource, MotionClip
from tdmm_core.domain.motion import OBSERVED
from tdmm_core.errors import InputError
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.fit_jobs import FitJob
from tdmm_core.pipelines.run import Run
from tdmm_core.video.reader import read_frames

NUM_WORST = 12
"Clips on a sheet of worst fits."
_SHOWN = (0.15, 0.5, 0.85)
"Which observed frames of a clip the sheet shows, as shares of their number."
_CELL_PX = (200, 200)
_MEASURE = "reprojection as a share of the distance between the eyes"


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What a fit may be given and asked for besides its motion."""

    shape: Path | None = None
    "A motion of the same person, whose shape is held."
    preview: Path | None = None
    "Film, overlay and mesh side by side, .mp4, of one clip."
    worst: Path | None = None
    "A contact sheet of the worst fits, .png."
    face_model: tuple[str, str] | None = None
    "Name and digest of the face model that the motion is to be of; None is the open head."


def check_extras(extras: Extras, num_jobs: int, run: Run) -> None:
    """Before any work: whether the pictures that are asked for can be made and written. Raises InputError."""
    if extras.preview is not None:
        if num_jobs != 1:
            raise InputError(f"--preview: shows one clip, got {num_jobs}; fit that clip alone, or ask for --worst sheet.png")
        _check(extras.preview, ".mp4", run)
    if extras.worst is not None:
        _check(extras.worst, ".png", run)


def _check(path: Path, suffix: str, run: Run) -> None:
    if path.suffix.lower() != suffix:
        raise InputError(f"{path}: expected a name ending in {suffix}, got {path.suffix or 'no suffix'!r}")
    check_place(path, force=run.force)


def write_preview(path: Path, job: FitJob, clip: MotionClip, run: Run) -> None:
    """Write the film of a fitted clip with the overlay and the mesh beside it, at the motion's rate."""
    from tdmm_core.rendering.overlay import side_by_side
    from tdmm_core.video.writer import write_video

    motion, camera = clip.motion, clip.camera
    assert motion is not None and camera is not None
    run.progress.start("preview", motion.num_frames, "frame")
    pictures = islice(_pictures(job.video, motion.fps), motion.num_frames)
    model = find_face_model(motion.face_model, motion.face_model_digest)
    with write_errors(path):
        write_video(path, _counted(side_by_side(model, motion, camera, pictures), run), fps=motion.fps)
    run.progress.finish()


def write_worst(path: Path, jobs: Sequence[FitJob], clips: ClipSource[MotionClip] | Sequence[MotionClip], run: Run) -> None:
    """Write a sheet of the fits with the greatest reprojection error (as a share of the eyes' distance), one clip a row, the worst first."""
    from PIL import Image

    from tdmm_core.rendering.overlay import captioned

    videos = {job.clip.id: job.video for job in jobs}
    fitted = [clip for clip in clips if clip.motion is not None]
    worst = sorted(fitted, key=lambda clip: -clip.quality.reprojection_share)[:NUM_WORST]
    run.progress.start("worst fits", len(worst), "clip")
    rows = [_title(len(worst), len(clips), len(clips) - len(fitted))]
    for clip in worst:
        rows.append(captioned(_strip(videos[clip.clip.id], clip), _words(clip)))
        run.progress.advance()
    run.progress.finish()
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        Image.fromarray(np.concatenate(rows)).save(file, format="png")


def _title(num_shown: int, num_clips: int, num_failed: int) -> np.ndarray:
    from tdmm_core.rendering.overlay import captioned

    plain = np.full((24, 2 * len(_SHOWN) * _CELL_PX[0], 3), 20, np.uint8)
    failed = f"; {num_failed} failed and are not shown" if num_failed else ""
    return captioned(plain, f"the {num_shown} worst of {num_clips} fits by {_MEASURE}{failed}")


def _words(clip: MotionClip) -> str:
    q = clip.quality
    lost = f", {q.num_bridged} bridged, {q.num_held} held" if q.num_bridged + q.num_held else ""
    return f"{clip.clip.id}: {100 * q.reprojection_share:.2f} %, face in {100 * q.detection_rate:.0f} % of frames{lost}"


def _strip(video: Path, clip: MotionClip) -> np.ndarray:
    """Three moments of a clip, film and overlay of each."""
    from tdmm_core.rendering.overlay import fit_strip

    motion, camera = clip.motion, clip.camera
    assert motion is not None and camera is not None
    seen = np.flatnonzero(motion.status == OBSERVED)
    which = [int(seen[int(share * (len(seen) - 1))]) for share in _SHOWN]
    film = {i: picture for i, picture in enumerate(islice(_pictures(video, motion.fps), max(which) + 1)) if i in which}
    some = replace(motion, **{name: values[which] for name, values in motion.frame_terms().items()})
    return fit_strip(find_face_model(motion.face_model, motion.face_model_digest), some, camera, [film[i] for i in which], size_px=_CELL_PX)


def _pictures(video: Path, fps: float) -> Iterator[np.ndarray]:
    """The film at a constant rate; where its end is damaged the last picture stays."""
    picture = None
    try:
        for _, picture in read_frames(video, fps=fps):
            yield picture
    except InputError:
        if picture is None:
            raise
        yield from repeat(picture)


def _counted(frames: Iterator[np.ndarray], run: Run) -> Iterator[np.ndarray]:
    for frame in frames:
        yield frame
        run.progress.advance()
