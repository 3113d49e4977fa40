"""Pictures to face landmarks: the only place that knows MediaPipe.

Gives what the network says, frame by frame, and judges nothing: whose face it is, gaps, noise and bias are other modules' matter.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
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
MOST_FACES = 4
"Faces that are looked at in each picture of a video."
IRIS_CENTRES = (468, 473)
"The landmark in the middle of each iris: the subject's right, then left."


@dataclass(frozen=True, kw_only=True, eq=False)
class Sighting:
    """One face in one picture."""

    points_px: np.ndarray
    "(478, 2) float32, x right and y down from the picture's upper left corner."
    scores: np.ndarray
    "(52,) float32, 0 to 1, in the order of SCORE_NAMES."
    rotation: np.ndarray
    "(3, 3) float32, the network's own idea of the head's rotation, in the project's frame."


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceLandmarks:
    """What was seen of one face in N frames; rows of frames without it are NaN."""

    times_s: np.ndarray
    "(N,) float64, strictly increasing."
    points_px: np.ndarray
    "(N, 478, 2) float32, x right and y down from the picture's upper left corner."
    scores: np.ndarray
    "(N, 52) float32, 0 to 1, in the order of `score_names`."
    score_names: tuple[str, ...]
    rotations: np.ndarray
    "(N, 3, 3) float32, the network's own idea of the head's rotation, in the project's frame."
    size_px: tuple[int, int]
    "Width, height."
    shots: np.ndarray | None = None
    "(N,) int, which shot each frame belongs to; None: all one shot. Nothing is carried over from one shot to the next."

    @property
    def found(self) -> np.ndarray:
        """(N,) bool, whether there was a face."""
        return np.isfinite(self.points_px[:, 0, 0])


class Landmarker:
    """The network, opened for one clip at a time; a context manager, since MediaPipe must be closed before Python ends."""

    def __init__(self, path: Path, *, confidence: float = 0.5, video: bool = True) -> None:
        """Open the model file. `video` tracks from frame to frame; otherwise each picture stands alone and its one best face is looked at.

        Raises MissingPartError without the system libraries, InputError for a file that is no landmark model.
        """
        require_libraries()
        self._video, self._num_pictures = video, 0
        with _quiet_stderr():
            self._network = _open_network(Path(path), confidence, video)

    def __enter__(self) -> Landmarker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with _quiet_stderr():
            self._network.close()

    def see(self, frame: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Points (478, 2) in pixels, scores (52,) and rotation (3, 3) of the first face in an (H, W, 3) uint8 picture, or None."""
        faces = self.see_all(frame)
        return (faces[0].points_px, faces[0].scores, faces[0].rotation) if faces else None

    def see_all(self, frame: np.ndarray) -> tuple[Sighting, ...]:
        """Every face in an (H, W, 3) uint8 picture, up to MOST_FACES; with `video`, pictures are taken in the order of time."""
        import mediapipe

        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
        with contextlib.nullcontext() if self._num_pictures else _quiet_stderr():
            # With several faces the network filters nothing over time, so that its clock only has to go on.
            seen = self._network.detect_for_video(picture, 40 * self._num_pictures) if self._video else self._network.detect(picture)
        self._num_pictures += 1
        size = np.array([frame.shape[1], frame.shape[0]], np.float32)
        return tuple(
            Sighting(
                points_px=np.array([(p.x, p.y) for p in points], np.float32) * size,
                scores=np.array([c.score for c in scores], np.float32),
                rotation=np.asarray(matrix, np.float32)[:3, :3],
            )
            for points, scores, matrix in zip(seen.face_landmarks, seen.face_blendshapes, seen.facial_transformation_matrixes, strict=True)
        )

    @property
    def score_names(self) -> tuple[str, ...]:
        """Names of the scores: ARKit's units less `tongueOut`, and `_neutral` first."""
        return SCORE_NAMES


def _open_network(path: Path, confidence: float, video: bool) -> object:
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(path)),
        running_mode=vision.RunningMode.VIDEO if video else vision.RunningMode.IMAGE,
        # With one face in VIDEO mode MediaPipe smooths the landmarks, which makes them late by 7 to 22 ms at 25 fps.
        num_faces=MOST_FACES if video else 1,
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
