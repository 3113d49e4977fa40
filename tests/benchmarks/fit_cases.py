"""Scripted faces for the benchmarks of fitting: filmed by `tdmm synth`, seen by the landmark network once, and kept in the cache.

A set is known by its seed. `HELD_OUT` is for reports alone: no figure of calibration or of the solver was chosen by it; `TUNING` is for choosing.
Neither is calibration's own seed.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.motion import open_motion
from tdmm_core.assets.find import cache_folder, find_asset
from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.errors import MissingPartError
from tdmm_core.fitting.landmarks import SCORE_NAMES, FaceLandmarks, Landmarker
from tdmm_core.fitting.sightings import watch
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle, matrix_to_axis_angle
from tdmm_core.performance.lexicon import lexicon_digest
from tdmm_core.video.reader import read_frames

HELD_OUT, TUNING = 90210, 7002
SETTINGS = {
    "num_clips": 80, "num_subjects": 40, "min_duration_s": 2.4, "max_duration_s": 4.0, "num_paraphrases": 0, "validation_share": 0, "test_share": 0,
}  # fmt: skip
"Forty people, two clips of each: other words, another camera, another light."
_ARRAYS = ("times_s", "points_px", "scores", "rotations")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One clip: what is true of it and what the network saw."""

    id: str
    subject: str
    label: str
    script: Script
    truth: FaceMotion
    camera: Camera
    seen: FaceLandmarks


def scripted_cases(seed: int, model: MorphableModel, network: Path) -> list[Case]:
    """The clips of a seed, from the cache where they were made before with this lexicon and face model."""
    edition = hashlib.sha256(f"{lexicon_digest()} {model.digest} {SETTINGS}".encode()).hexdigest()[:12]
    folder = cache_folder() / "bench-fit" / f"{seed}-{edition}"
    corpus = folder / "faces.h5"
    if not corpus.exists():
        options = [word for key, value in SETTINGS.items() for word in ("--set", f"synth.{key}={value}")]
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "tdmm_cli", "synth", "-o", str(corpus), "--seed", str(seed), *options, "--quiet"], check=True)
    with open_motion(corpus.with_suffix(".motion.h5")) as clips:
        rows = list(clips)
    return [
        Case(
            id=row.clip.id,
            subject=row.clip.subject_id,
            label=row.clip.label,
            script=row.clip.script,
            truth=row.motion,
            camera=row.camera,
            seen=seen_once(folder / row.source, folder / f"{row.clip.id}.npz", network),
        )
        for row in rows
    ]


def seen_once(video: Path, kept: Path, network: Path) -> FaceLandmarks:
    """Landmarks of a video at 25 fps, kept in a file beside."""
    if not kept.exists():
        with Landmarker(network) as landmarker:
            seen = watch(landmarker, read_frames(video)).first
        part = kept.with_suffix(".part.npz")
        np.savez(part, size_px=seen.size_px, **{name: getattr(seen, name) for name in _ARRAYS})
        part.replace(kept)
    with np.load(kept, allow_pickle=False) as stored:
        width, height = (int(x) for x in stored["size_px"])
        return FaceLandmarks(**{name: stored[name] for name in _ARRAYS}, score_names=SCORE_NAMES, size_px=(width, height))


def real_videos(shared: Path) -> dict[str, Path]:
    """Real faces that are there: what a package brings, and the folder of shared data; looked at, never tuned on."""
    videos = {}
    for name in ("test-face-video", "test-late-face-video"):
        with contextlib.suppress(MissingPartError):
            videos[name] = find_asset(name)
    return videos | {path.stem: path for path in sorted((shared / "faces").glob("*.mp4"))}


def scores_as_motion(case: Case) -> FaceMotion:
    """What MediaPipe itself says: its scores as expression, its matrix as pose."""
    scores = np.nan_to_num(case.seen.scores)
    none = np.zeros(len(scores))
    names = case.truth.expression_names
    expression = np.stack([scores[:, SCORE_NAMES.index(n)] if n in SCORE_NAMES else none for n in names], 1)
    orient = matrix_to_axis_angle(case.seen.rotations)
    return replace(case.truth, expression=expression, global_orient=np.nan_to_num(orient))


def neutral(case: Case) -> FaceMotion:
    """A face at rest that looks straight ahead."""
    return replace(case.truth, expression=np.zeros_like(case.truth.expression), global_orient=np.zeros_like(case.truth.global_orient))


def vertex_errors_mm(model: MorphableModel, motion: FaceMotion, truth: FaceMotion, mask: str = "face") -> np.ndarray:
    """(T,) mean distance over a mask's vertices in every frame, shape and pose removed."""
    basis = model.expression_basis[:, model.masks[mask]]
    away = np.tensordot((motion.expression - truth.expression).astype(np.float32), basis, 1)  # (T, M, 3)
    return 1000 * np.linalg.norm(away, axis=-1).mean(1)


def size_mm(model: MorphableModel, motion: FaceMotion) -> np.ndarray:
    """(T,) how far expression moves the face in every frame: the neutral face's error."""
    return vertex_errors_mm(model, replace(motion, expression=np.zeros_like(motion.expression)), motion)


def rotation_errors_deg(motion: FaceMotion, truth: FaceMotion) -> np.ndarray:
    """(T,) geodesic angle between head rotations."""
    first, second = (axis_angle_to_matrix(m.global_orient.astype(np.float64)) for m in (motion, truth))
    return np.degrees(geodesic_angle(first, second))
