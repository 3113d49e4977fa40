"""FLAME parameters as other tools keep them: which tool wrote a set of named arrays, and the motion that they are.

Owns the tools' key names and shapes. All of them turn about FLAME's own joints in FLAME's own frame, which is ours (+x the subject's left, +y up,
+z out of the face), with axis-angle in radians, eyelids left before right and eyes left before right, so numbers pass as they are; identity is one
for a clip, so that of several frames is their mean. Places in an image crop (`cam`, `camera_pose`) say nothing of the world and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError

_FLAME_SHAPE, _FLAME_EXPRESSION = 300, 100


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where a tool keeps what."""

    tool: str
    expression: str
    shape: str
    terms: Mapping[str, str]
    "Our term -> its key."
    stacked: Mapping[str, tuple[str, int]]
    "Our term -> key of several in a row, and which three numbers of them."
    fps: float | None = None
    "Where the format fixes one."
    frame_numbers: str = ""
    "Key of the frame numbers, where there are any."

    @property
    def keys(self) -> set[str]:
        """Those by which a file of this tool is known."""
        return {self.expression, self.shape, *self.terms.values(), *(key for key, _ in self.stacked.values())}


LAYOUTS = (
    Layout(
        tool="the TDMM-LM authors' SMIRK script", expression="expression", shape="identity",
        terms={"global_orient": "pose", "jaw_pose": "jaw", "eyelids": "eyelid"}, stacked={},
    ),
    Layout(
        tool="SMIRK", expression="expression_params", shape="shape_params",
        terms={"global_orient": "pose_params", "jaw_pose": "jaw_params", "eyelids": "eyelid_params"}, stacked={},
    ),
    Layout(
        tool="VHAP", expression="expr", shape="shape",
        terms={"global_orient": "rotation", "transl": "translation", "neck_pose": "neck_pose", "jaw_pose": "jaw_pose", "eye_pose": "eyes_pose"},
        stacked={}, frame_numbers="timestep_id",
    ),
    Layout(tool="DiffPoseTalk", expression="exp", shape="shape", terms={}, stacked={"global_orient": ("pose", 0), "jaw_pose": ("pose", 1)}, fps=25.0),
)  # fmt: skip
_WIDTHS = {"global_orient": 3, "transl": 3, "neck_pose": 3, "jaw_pose": 3, "eye_pose": 6, "eyelids": 2}


def layout_of(content: object) -> Layout | None:
    """The tool whose keys these are; None for anything else. A list of such dicts, one a frame, counts too."""
    first = content[0] if isinstance(content, list | tuple) and content else content
    if not isinstance(first, Mapping):
        return None
    return next((layout for layout in LAYOUTS if layout.keys <= first.keys()), None)


def flame_motion(name: str, content: object, *, face_model: str, digest: str, source_fps: float | None) -> FaceMotion:
    """The motion in the file `name`, on an edition of FLAME; `source_time_s` from frame numbers where the tool keeps them.

    Raises InputError for content of no known tool, arrays of other shapes, and where nobody says the rate.
    """
    layout = layout_of(content)
    if layout is None:
        raise InputError(f"{name}: expected FLAME parameters of {', '.join(known.tool for known in LAYOUTS)}, got something else")
    fps = source_fps or layout.fps
    if fps is None:
        raise InputError(f"{name}: parameters of {layout.tool}, which store no frame rate; say the video's: --source-fps 25")
    arrays = _per_key(content, layout)
    expression = _frames(name, layout.expression, arrays, None)[:, :_FLAME_EXPRESSION]
    terms = {term: _frames(name, key, arrays, _WIDTHS[term]) for term, key in layout.terms.items()}
    for term, (key, place) in layout.stacked.items():
        terms[term] = _frames(name, key, arrays, None)[:, 3 * place : 3 * place + 3]
    count = len(expression)
    uneven = next((term for term, values in terms.items() if len(values) != count), None)
    if uneven is not None:
        raise InputError(f"{name}: expected {count} frames of everything, as of {layout.expression}, got {len(terms[uneven])} of {uneven}")
    zero = np.zeros((count, 3), np.float32)
    return FaceMotion(
        expression=expression, expression_names=tuple(f"expression{i + 1}" for i in range(expression.shape[1])), shape=_shape(name, arrays, layout),
        **({"global_orient": zero, "transl": zero} | terms), source_time_s=_times(name, arrays, layout, count, fps), fps=fps, face_model=face_model,
        face_model_digest=digest,
    )  # fmt: skip


def _per_key(content: object, layout: Layout) -> dict[str, object]:
    if isinstance(content, Mapping):
        return dict(content)
    assert isinstance(content, list | tuple)
    keys = [*layout.keys, *([layout.frame_numbers] if layout.frame_numbers else [])]
    return {key: [frame[key] for frame in content if key in frame] for key in keys}


def _frames(name: str, key: str, arrays: Mapping[str, object], width: int | None) -> np.ndarray:
    """(T, width) float32 from an array or a list of one array a frame, each (width,) or (1, width)."""
    value = arrays[key]
    try:
        parts = [np.asarray(v, np.float32).reshape(-1) for v in value] if isinstance(value, Sequence) else None
        array = np.stack(parts) if parts else np.asarray(value, np.float32)
    except (ValueError, TypeError) as e:
        raise InputError(f"{name}: expected one array of numbers for each frame under {key}, got something else ({str(e)[:80]})") from e
    array = array.reshape(len(array), -1) if array.ndim > 1 else array[None]
    if width is not None and array.shape[1] != width:
        raise InputError(f"{name}: expected {width} numbers a frame under {key}, got {array.shape[1]}")
    if array.size == 0:
        raise InputError(f"{name}: expected at least one frame under {key}, got none")
    return array


def _shape(name: str, arrays: Mapping[str, object], layout: Layout) -> np.ndarray:
    return _frames(name, layout.shape, arrays, None).mean(axis=0)[:_FLAME_SHAPE]


def _times(name: str, arrays: Mapping[str, object], layout: Layout, count: int, fps: float) -> np.ndarray:
    if not layout.frame_numbers or layout.frame_numbers not in arrays:
        return np.arange(count) / fps
    numbers = _frames(name, layout.frame_numbers, arrays, None).ravel().astype(np.float64)
    if len(numbers) != count or (np.diff(numbers) <= 0).any():
        raise InputError(f"{name}: expected {count} growing frame numbers under {layout.frame_numbers}, got {len(numbers)}")
    return numbers / fps
