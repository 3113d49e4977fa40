"""`tdmm tokenize --atlas`: the alphabet of a motion tokenizer as one picture, the most used codes with the faces that they stood for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.artifacts.atomic import atomic_path, check_place
from tdmm_core.artifacts.tokens import open_tokens
from tdmm_core.domain.motion import HELD, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.pipelines.face_models import find_face_model
from tdmm_core.pipelines.run import Run

if TYPE_CHECKING:
    from tdmm_core.pipelines.motions import Motions
    from tdmm_core.tokenization.tokenizer import MotionTokenizer
    from tdmm_core.tokenization.usage import CodeUsage

_MOST, _COLUMNS, _CELL_PX = 60, 10, 176
"Codes shown, how many to a row, and the side of each."


def check_atlas(picture: Path, run: Run) -> None:
    """Raises InputError, before any work, for a picture that cannot be written."""
    if picture.suffix.lower() != ".png":
        raise InputError(f"--atlas {picture}: expected a picture ending in .png, got {picture.suffix or 'no suffix'!r}")
    check_place(picture, force=run.force)


def draw_atlas(picture: Path, tokens: Path, source: Motions, tokenizer: MotionTokenizer, run: Run) -> None:
    """Draw what the codes in `tokens` stood for in the motion that they were made from."""
    usage = _gathered(tokens, source, tokenizer, run)
    from PIL import Image

    with atomic_path(picture) as temporary, temporary.open("wb") as file:
        Image.fromarray(_sheet(usage, tokenizer)).save(file, format="png")


def _gathered(tokens: Path, source: Motions, tokenizer: MotionTokenizer, run: Run) -> CodeUsage:
    from tdmm_core.tokenization.usage import CodeUsage

    usage = CodeUsage(tokenizer.num_codes, tokenizer.metric)
    numbers = {name: i for i, name in enumerate(source.ids)}
    with open_tokens(tokens) as file:
        run.progress.start("atlas", len(file), "clips")
        for index, name in enumerate(file.ids):
            made, motion = file.tokens(index), source.read(numbers[str(name)])
            known = motion.status != HELD
            usage.add(made.codes[known, 0], motion.expression[known], motion.global_orient[known])
            run.progress.advance()
        run.progress.finish()
    return usage


def _sheet(usage: CodeUsage, tokenizer: MotionTokenizer) -> np.ndarray:
    """(H, W, 3) uint8."""
    from tdmm_core.rendering.look import Look
    from tdmm_core.rendering.overlay import captioned
    from tdmm_core.rendering.renderer import render
    from tdmm_core.rendering.sheet import contact_sheet

    codes = usage.most_used(_MOST)
    expression, rotation = usage.means(codes)
    space = tokenizer.space
    faces = FaceMotion(
        expression=expression.clip(0, 1), expression_names=space.expression_names, global_orient=rotation,
        transl=np.zeros_like(rotation), face_model=space.face_model, face_model_digest=space.face_model_digest,
    )  # fmt: skip
    model = find_face_model(space.face_model, space.face_model_digest)
    pictures = render(model, faces, look=Look(width_px=_CELL_PX, height_px=_CELL_PX))
    cells = [captioned(p, words) for p, words in zip(pictures, _captions(usage, codes), strict=True)]
    sheet = contact_sheet(cells, columns=_COLUMNS)
    strip = np.full((24, sheet.shape[1], 3), 20, np.uint8)
    return np.concatenate([captioned(strip, _title(usage, tokenizer, len(codes))), sheet])


def _captions(usage: CodeUsage, codes: np.ndarray) -> list[str]:
    spread_mm, spread_deg = usage.spreads(codes)
    share = usage.counts[codes] / usage.num_frames
    return [f"{c}: {100 * s:.1f} %  ±{m:.1f} mm ±{d:.1f}°" for c, s, m, d in zip(codes, share, spread_mm, spread_deg, strict=True)]


def _title(usage: CodeUsage, tokenizer: MotionTokenizer, num_shown: int) -> str:
    used = f"{usage.num_used} of {tokenizer.num_codes} codes used, as many as {usage.perplexity:.0f} evenly, over {usage.num_frames} frames"
    return f"motion tokenizer {tokenizer.digest[:12]}: {used}; the {num_shown} most used: share of frames, mean face, spread of face and head"
