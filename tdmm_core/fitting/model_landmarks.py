"""Where the network's landmarks lie on a face model: read from an embedding file, or seen in pictures of the model itself from several sides."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.fitting.calibrate import surface_points
from tdmm_core.fitting.correspondence import Calibration
from tdmm_core.fitting.landmarks import NUM_LANDMARKS, NUM_SCORES, Landmarker
from tdmm_core.fitting.pictures import PICTURE_PX, Scenes
from tdmm_core.fitting.registration import SurfacePoints
from tdmm_core.morphable.model import MorphableModel, neutral_motion
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render

_VERSION = 1
_POSES_DEG = tuple((pitch, yaw, 0.0) for yaw in (-24, -12, 0, 12, 24) for pitch in (-12, 0, 12))
_FOCAL, _FILL = 1.6, 0.8
"Of the pictures: focal length and height of the head as shares of the picture's side."
_HEAD = 1.6
"Height of a head in faces."


def of_calibration(calibration: Calibration) -> SurfacePoints:
    """All landmarks as calibration found them."""
    return SurfacePoints(
        indices=np.arange(NUM_LANDMARKS), triangles=calibration.triangles, barycentric=calibration.barycentric.astype(np.float64)
    )


def of_embedding(arrays: Mapping[str, object], model: MorphableModel) -> SurfacePoints:
    """Landmarks from an embedding file of the usual layout (lmk_face_idx, lmk_b_coords, landmark_indices). Raises InputError for another."""
    names = ("lmk_face_idx", "lmk_b_coords", "landmark_indices")
    lacking = [n for n in names if n not in arrays]
    if lacking:
        raise InputError(f"landmark embedding: expected {', '.join(names)}, lacks {', '.join(lacking)}; leave it out and the landmarks are found")
    triangles, weights, indices = (np.asarray(arrays[n]) for n in names)
    fits = triangles.ndim == 1 and indices.shape == triangles.shape and weights.shape == (len(triangles), 3)
    if not fits or triangles.max(initial=0) >= len(model.triangles) or indices.max(initial=0) >= NUM_LANDMARKS:
        raise InputError(f"landmark embedding: expected points of {model.name} and landmarks 0 to {NUM_LANDMARKS - 1}, got shapes {triangles.shape}")
    order = np.argsort(indices)
    return SurfacePoints(indices=indices[order], triangles=triangles[order], barycentric=weights[order].astype(np.float64))


def see_landmarks(model: MorphableModel, landmarker: Landmarker) -> SurfacePoints:
    """Draw the resting face from several sides, look, and take the surface point that follows each landmark best.

    Raises InputError where the network finds no face in most of the pictures.
    """
    motion = _views(model)
    side = (PICTURE_PX / 2, PICTURE_PX / 2)
    camera = Camera(focal_px=_FOCAL * PICTURE_PX, principal_point_px=side, image_size_px=(PICTURE_PX, PICTURE_PX))
    seen = [landmarker.see(picture) for picture in render(model, motion, look=Look(camera=camera, supersampling=1))]
    found = [i for i, s in enumerate(seen) if s is not None]
    if len(found) < len(seen) // 2:
        raise InputError(f"{model.name}: a face was found in {len(found)} of {len(seen)} pictures of it; give a landmark embedding with --landmarks")
    count = len(found)
    scenes = Scenes(
        person=np.zeros(count, int), expression=np.zeros((count, model.num_expression)),
        shape=np.zeros((count, model.num_shape)), rotation=motion.global_orient[found],
        transl=motion.transl[found], focal_px=np.full(count, camera.focal_px), points_px=np.stack([s[0] for s in seen if s is not None]),
        scores=np.zeros((count, NUM_SCORES)), network_rotations=np.zeros((count, 3, 3)),
    )  # fmt: skip
    triangles, barycentric = surface_points(model, scenes)
    return SurfacePoints(indices=np.arange(NUM_LANDMARKS), triangles=triangles, barycentric=barycentric.astype(np.float64))


def save_points(folder: Path, model: MorphableModel, points: SurfacePoints) -> Path:
    """Keep landmarks that were seen, under the face model's digest."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / _file_name(model)
    part = path.with_suffix(".part")
    with part.open("wb") as f:
        np.savez_compressed(f, version=_VERSION, face_model_digest=model.digest, **vars(points))
    part.replace(path)
    return path


def load_points(folder: Path, model: MorphableModel) -> SurfacePoints | None:
    """What `save_points` kept for this edition of the face model; None where there is none, or one of another version or a damaged one."""
    path = folder / _file_name(model)
    if not path.is_file():
        return None
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        version, digest = int(arrays.pop("version")), str(arrays.pop("face_model_digest"))
        return SurfacePoints(**arrays) if (version, digest) == (_VERSION, model.digest) else None
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError, zlib.error):
        return None


def _file_name(model: MorphableModel) -> str:
    return f"landmarks-{model.digest[:16]}.npz"


def _views(model: MorphableModel) -> FaceMotion:
    """The resting face turned to every side, in the middle of the picture."""
    motion = replace(neutral_motion(model, len(_POSES_DEG)), global_orient=np.radians(_POSES_DEG))
    face = model.posed_geometry(motion)[:, model.masks["face"]]
    height = _HEAD * float(np.ptp(model.template[model.masks["face"], 1]))
    return replace(motion, transl=np.array([0, 0, -height * _FOCAL / _FILL]) - face.mean(axis=1))
