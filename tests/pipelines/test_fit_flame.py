"""`tdmm fit VIDEO --face-model flame:FILE`: a made FLAME face is filmed and fitted; jaw, lids and expression are its own again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flame_cases import JAW_OPEN_RAD, eyelid_basis, made_flame, write_flame_pickle

from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.assets.find import cache_folder, find_asset
from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.exchange.npz import read_npz
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.model_landmarks import load_points, see_landmarks
from tdmm_core.fitting.system_libraries import missing_libraries
from tdmm_core.morphable.model import geometry, neutral_motion
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle
from tdmm_core.pipelines.crossing import landmarks_of
from tdmm_core.pipelines.face_models import _found, find_face_model, name_face_model
from tdmm_core.pipelines.fit import fit
from tdmm_core.pipelines.fit_pictures import Extras
from tdmm_core.pipelines.run import Run
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render
from tdmm_core.video.reader import open_video
from tdmm_core.video.writer import write_video

CONFIG = FitConfig(num_keyframes=6, iterations=4)
SIDE, FRAMES = 288, 20


@pytest.fixture(scope="module")
def landmark_file() -> Path:
    if missing_libraries():
        pytest.skip(f"system libraries are missing: {', '.join(missing_libraries())}")
    try:
        return find_asset("face-landmarker")
    except MissingPartError as e:
        pytest.skip(f"offline and not cached: {e}")


@pytest.fixture(scope="module")
def truth() -> FaceMotion:
    """The jaw opens and shuts, then both lids; the head turns to its left."""
    model, t = made_flame(), np.linspace(0, 1, FRAMES)
    wave = lambda start: np.clip(1 - np.abs(t - start) / 0.25, 0, 1)  # noqa: E731
    jaw, lids, turn = (np.zeros((FRAMES, n)) for n in (3, 2, 3))
    jaw[:, 0], lids[:] = 0.8 * JAW_OPEN_RAD * wave(0.3), wave(0.75)[:, None]
    turn[:, 1] = np.radians(12) * t
    away = 0.26 * 1.5 / 0.8
    place = np.tile([0.0, 0.02, -away], (FRAMES, 1))
    return replace(neutral_motion(model, FRAMES), jaw_pose=jaw, eyelids=lids, global_orient=turn, transl=place)


@pytest.fixture(scope="module")
def video(truth: FaceMotion, tmp_path_factory: pytest.TempPathFactory) -> Path:
    camera = Camera(focal_px=1.5 * SIDE, principal_point_px=(SIDE / 2, SIDE / 2), image_size_px=(SIDE, SIDE))
    path = tmp_path_factory.mktemp("flame") / "face.mp4"
    write_video(path, render(made_flame(), truth, look=Look(camera=camera)), fps=25)
    return path


@pytest.fixture(autouse=True, scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The made file, named once in a cache of its own that shares the landmark network."""
    folder = tmp_path_factory.mktemp("cache")
    network = cache_folder() / "assets"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TDMM_CACHE", str(folder))
        if network.exists():
            (folder / "assets").symlink_to(network)
        np.savez(folder / "lids.npz", l_eyelid=eyelid_basis()[0], r_eyelid=eyelid_basis()[1])
        name_face_model(f"flame-2020:{write_flame_pickle(folder / 'generic_model.pkl')}", eyelids=folder / "lids.npz")
        yield
    _found.cache_clear()


def test_a_filmed_flame_face_is_fitted(truth: FaceMotion, video: Path, landmark_file: Path, tmp_path: Path) -> None:
    model = find_face_model("flame-2020")
    extras = Extras(face_model=(model.name, model.digest), preview=tmp_path / "preview.mp4")
    summary = fit([video], tmp_path / "m.npz", Run(workers=1), config=CONFIG, landmarker=landmark_file, extras=extras)
    motion, meta = read_npz(tmp_path / "m.npz")
    assert open_video(tmp_path / "preview.mp4").num_frames == FRAMES
    assert (motion.face_model, motion.face_model_digest, motion.num_frames) == (model.name, model.digest, FRAMES)
    assert meta["settings"]["face_model_digest"] == model.digest
    assert summary.residual_mm < 0.4 * summary.neutral_mm and "carried over: residual" in summary.lines()[1]
    assert np.all(motion.neck_pose == 0) if motion.neck_pose is not None else True
    jaw, closed = motion.jaw_pose[:, 0], motion.eyelids.mean(axis=1)
    assert np.corrcoef(jaw, truth.jaw_pose[:, 0])[0, 1] > 0.9 and jaw.max() > 0.5 * truth.jaw_pose.max()
    assert np.corrcoef(closed, truth.eyelids[:, 0])[0, 1] > 0.85 and closed.max() > 0.5
    face = model.masks["face"]
    made, real = (geometry(model, m)[:, face] - geometry(model, neutral_motion(model, FRAMES))[:, face] for m in (motion, truth))
    assert np.linalg.norm(made - real, axis=2).mean() < 0.6 * np.linalg.norm(real, axis=2).mean()
    apart = np.degrees(geodesic_angle(*(axis_angle_to_matrix(m.global_orient) for m in (motion, truth))))
    assert apart.mean() < 6 and np.degrees(motion.global_orient[-1, 1] - motion.global_orient[0, 1]) == pytest.approx(12, abs=4)


def test_several_videos_become_one_artifact_of_that_face_model(video: Path, landmark_file: Path, tmp_path: Path) -> None:
    model = find_face_model("flame-2020")
    other = tmp_path / "again.mp4"
    other.write_bytes(video.read_bytes())
    extras = Extras(face_model=(model.name, model.digest), worst=tmp_path / "worst.png")
    fit([video, other], tmp_path / "m.h5", Run(workers=1), config=CONFIG, landmarker=landmark_file, extras=extras)
    with open_motion(tmp_path / "m.h5") as clips:
        assert (clips.face_model, clips.face_model_digest) == (model.name, model.digest)
        assert [c.clip.id for c in clips] == ["face", "again"] and clips[0].motion.jaw_pose is not None and clips[0].camera is not None
    assert read_header(tmp_path / "m.h5").config["face_model_digest"] == model.digest


def test_landmarks_are_seen_once_and_kept_by_the_digest(landmark_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = find_face_model("flame-2020")
    found = landmarks_of(model, Run())
    kept = load_points(cache_folder() / "calibration", model)
    assert kept is not None and np.array_equal(kept.triangles, found.triangles) and len(kept.indices) == 478
    nose, eyes = kept.of(model)[1], kept.of(model)[[468, 473]]
    assert nose[2] > model.template[:, 2].max() - 0.006 and abs(nose[0]) < 0.004
    # the irises' landmarks: the subject's right, then left
    assert np.linalg.norm(eyes - model.articulation.joints[[4, 3]], axis=1).max() < 0.022 and eyes[0, 0] < 0 < eyes[1, 0]
    monkeypatch.setattr("tdmm_core.pipelines.crossing.see_landmarks", lambda *_: pytest.fail("seen again"))
    landmarks_of.__globals__["_seen"].cache_clear()
    assert np.array_equal(landmarks_of(model, Run()).triangles, found.triangles)
    path = cache_folder() / "calibration" / f"landmarks-{model.digest[:16]}.npz"
    path.write_bytes(path.read_bytes()[:100])
    assert load_points(cache_folder() / "calibration", model) is None and see_landmarks is not None


def test_an_embedding_that_the_user_names_is_used(tmp_path: Path) -> None:
    model = find_face_model("flame-2020")
    rng = np.random.default_rng(0)
    indices = rng.permutation(478)[:105]
    face = np.flatnonzero(model.masks["face"][model.triangles].all(1))
    np.savez(
        tmp_path / "embedding.npz", lmk_face_idx=rng.choice(face, 105), lmk_b_coords=rng.dirichlet(np.ones(3), 105), landmark_indices=indices
    )
    name_face_model(f"flame-2020:{cache_folder() / 'generic_model.pkl'}", landmarks=tmp_path / "embedding.npz")
    assert np.array_equal(landmarks_of(model, Run()).indices, np.sort(indices))


def test_what_cannot_be_written_is_told_before_any_work(video: Path, tmp_path: Path) -> None:
    model = find_face_model("flame-2020")
    with pytest.raises(InputError, match=r"a\.csv: holds the 52 ARKit units"):
        fit([video], tmp_path / "a.csv", Run(), config=CONFIG, extras=Extras(face_model=(model.name, model.digest)))
    with pytest.raises(MissingPartError, match="name its file once: tdmm info --face-model flame:PATH"):
        fit([video], tmp_path / "a.npz", Run(), config=CONFIG, extras=Extras(face_model=("flame-2023", "ab" * 32)))
