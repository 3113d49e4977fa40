"""Pictures to face landmarks: the only place that knows MediaPipe.

Gives what the network says, frame by frame, and judges nothing: gaps, noise and bias are other modules' matter.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tdmm_core.errors import InputError
from tdmm_core.fitting.system_libraries import require_libraries

if TYPE_CHECKING:
    from types import TracebackType

NUM_LANDMARKS = 478
NUM_SCORES = 52
IRIS_CENTRES = (468, 473)
"The landmark in the middle of each iris: the subject's right, then left."


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceLandmarks:
    """What was seen in N frames; rows of frames without a face are NaN."""

    times_s: np.ndarray
    "(N,) float64, strictly increasing."
    points_px: np.ndarray
    "(N, 478, 2) float64, x right and y down from the picture's upper left corner."
    scores: np.ndarray
    "(N, 52) float64, 0 to 1, in the order of `score_names`."
    score_names: tuple[str, ...]
    rotations: np.ndarray
    "(N, 3, 3) float64, the network's own idea of the head's rotation, in the project's frame."
    size_px: tuple[int, int]
    "Width, height."

    @property
    def found(self) -> np.ndarray:
        """(N,) bool, whether there was a face."""
        return np.isfinite(self.points_px[:, 0, 0])


class Landmarker:
    """The network, opened for one clip at a time; a context manager, since MediaPipe must be closed before Python ends."""

    def __init__(self, path: Path, *, confidence: float = 0.5, video: bool = True) -> None:
        """Open the model file. `video` tracks from frame to frame; otherwise each picture stands alone.

        Raises MissingPartError without the system libraries, InputError for a file that is no landmark model.
        """
        require_libraries()
        self._video, self._warm = video, False
        with _quiet_stderr():
            self._network = _open_network(Path(path), confidence, video)

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with _quiet_stderr():
            self._network.close()

    def see(self, frame: np.ndarray, time_s: float = 0.0) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Points (478, 2) in pixels, scores (52,) and rotation (3, 3) of the one face in an (H, W, 3) uint8 picture, or None.

        With `video`, times must increase from call to call.
        """
        import mediapipe

        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        with contextlib.nullcontext() if self._warm else _quiet_stderr():
            seen = self._network.detect_for_video(picture, round(time_s * 1000)) if self._video else self._network.detect(picture)
        self._warm = True
        if not seen.face_landmarks:
            return None
        size = np.array([frame.shape[1], frame.shape[0]], np.float64)
        points = np.array([(p.x, p.y) for p in seen.face_landmarks[0]], np.float64) * size
        scores = np.array([c.score for c in seen.face_blendshapes[0]], np.float64)
        return points, scores, np.asarray(seen.facial_transformation_matrixes[0], np.float64)[:3, :3]

    @property
    def score_names(self) -> tuple[str, ...]:
        """Names of the scores: ARKit's units less `tongueOut`, and `_neutral` first."""
        return SCORE_NAMES


def see_clip(landmarker: Landmarker, frames: Iterable[tuple[float, np.ndarray]]) -> FaceLandmarks:
    """Walk (time in seconds, picture) pairs; a picture whose time did not advance is the one before and is skipped.

    Raises InputError when there is no picture at all.
    """
    times: list[float] = []
    seen: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    nothing = (np.full((NUM_LANDMARKS, 2), np.nan), np.full(NUM_SCORES, np.nan), np.full((3, 3), np.nan))
    size = (0, 0)
    for time_s, frame in frames:
        # MediaPipe counts in whole milliseconds from zero up.
        if times and time_s - times[-1] < 1e-3:
            continue
        size = (frame.shape[1], frame.shape[0])
        start = times[0] if times else time_s
        times.append(time_s)
        seen.append(landmarker.see(frame, time_s - start) or nothing)
    if not times:
        raise InputError("fitting: expected at least one frame, got none")
    points, scores, rotations = (np.stack(column) for column in zip(*seen, strict=True))
    return FaceLandmarks(times_s=np.asarray(times), points_px=points, scores=scores, score_names=SCORE_NAMES, rotations=rotations, size_px=size)


def _open_network(path: Path, confidence: float, video: bool) -> object:
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(path)),
        running_mode=vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE,
        num_faces=1,
        min_face_detection_confidence=confidence,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    try:
        return vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as e:
        raise InputError(f"{path}: expected a MediaPipe face landmark model (face_landmarker.task), got a file that it cannot open") from e


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Send the process's error output to nowhere: MediaPipe's native code writes there at will. Python's own stays."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# fmt: off
SCORE_NAMES: tuple[str, ...] = (
    "_neutral", "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight",
    "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft",
    "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthFunnel", "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight",
)
# fmt: on
"The network's own order, proved by a test."
