"""Contact sheets: many frames in one picture."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tdmm_core.errors import InputError

GROUND = 245
"Grey of empty cells and gaps."


def contact_sheet(frames: Iterable[np.ndarray], columns: int, gap_px: int = 4) -> np.ndarray:
    """(H, W, 3) uint8: frames (h, w, 3) of one size, row by row, `columns` to a row, `gap_px` apart.

    Raises InputError without frames, with frames of different sizes, or with fewer than one column.
    """
    pictures = [np.asarray(frame, np.uint8) for frame in frames]
    if not pictures or columns < 1:
        raise InputError(f"contact sheet: expected frames and at least one column, got {len(pictures)} frames and {columns} columns")
    height, width = pictures[0].shape[:2]
    odd = next((p.shape for p in pictures if p.shape != (height, width, 3)), None)
    if odd is not None:
        raise InputError(f"contact sheet: expected frames of {(height, width, 3)}, got one of {odd}")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap_px) - gap_px, columns * (width + gap_px) - gap_px, 3), GROUND, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + gap_px), index % columns * (width + gap_px)
        sheet[top : top + height, left : left + width] = picture
    return sheet
