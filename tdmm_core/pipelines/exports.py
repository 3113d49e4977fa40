"""A motion for people and for other tools: film, contact sheet, glTF, web page, Live Link CSV.

Owns which form is whose; what a form looks like is its writer's. A form that a face model cannot be told in is refused with what helps.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from tdmm_core.artifacts.atomic import atomic_path, write_errors
from tdmm_core.domain.clip import MotionClip
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.pipelines.run import Run

if TYPE_CHECKING:
    from tdmm_core.morphable.model import MorphableModel
    from tdmm_core.rendering.look import Look

ExportForm = Literal["csv", "mp4", "glb", "html", "png"]
EXPORTS: tuple[ExportForm, ...] = get_args(ExportForm)
SHEET_FRAMES, SHEET_COLUMNS, SHEET_PX = 12, 4, 256
"Pictures of a contact sheet, evenly spread from the first frame to the last."


def write_export(form: ExportForm, path: Path, clip: MotionClip, motion: FaceMotion, run: Run) -> None:
    """Write one motion. Raises InputError where its face model cannot be told so, MissingPartError where its file is not known here."""
    match form:
        case "mp4":
            render_motion(path, motion, run)
        case "csv":
            from tdmm_core.exchange.live_link import write_live_link

            with atomic_path(path) as temporary:
                write_live_link(temporary, motion)
        case "glb":
            from tdmm_core.exchange.gltf import write_gltf

            with atomic_path(path) as temporary:
                write_gltf(temporary, _model(motion), motion, prompt=clip.clip.prompt)
        case "html":
            from tdmm_core.exchange.page import write_page

            with atomic_path(path) as temporary:
                write_page(temporary, _model(motion), motion, prompt=clip.clip.prompt)
        case "png":
            _write_sheet(path, motion, run)


def render_motion(path: Path, motion: FaceMotion, run: Run, *, look: Look | None = None) -> None:
    """Render a motion as a video. Raises MissingPartError where the file of its face model is not known here."""
    from tdmm_core.rendering.renderer import render
    from tdmm_core.video.writer import write_video

    model = _model(motion)
    run.progress.start("rendering", motion.num_frames, "frames")
    with write_errors(path):
        write_video(path, _counted(render(model, motion, look=look), run), fps=motion.fps)
    run.progress.finish()


def sheet_frames(num_frames: int) -> np.ndarray:
    """Which frames a contact sheet shows."""
    return np.unique(np.linspace(0, num_frames - 1, min(num_frames, SHEET_FRAMES)).round().astype(int))


def _write_sheet(path: Path, motion: FaceMotion, run: Run) -> None:
    from PIL import Image

    from tdmm_core.rendering.look import Look
    from tdmm_core.rendering.renderer import render
    from tdmm_core.rendering.sheet import contact_sheet

    shown = motion[sheet_frames(motion.num_frames)]
    run.progress.start("rendering", shown.num_frames, "frames")
    frames = list(_counted(render(_model(motion), shown, look=Look(width_px=SHEET_PX, height_px=SHEET_PX)), run))
    run.progress.finish()
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        Image.fromarray(contact_sheet(frames, SHEET_COLUMNS)).save(stream, "PNG")


def _model(motion: FaceMotion) -> MorphableModel:
    from tdmm_core.pipelines.face_models import find_face_model

    return find_face_model(motion.face_model, motion.face_model_digest)


def _counted(frames: Iterator[np.ndarray], run: Run) -> Iterator[np.ndarray]:
    for frame in frames:
        yield frame
        run.progress.advance()
