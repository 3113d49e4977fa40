"""FLAME on a made file of its layout: equality with the smplx package, speed of posing, and what a fit of filmed FLAME faces is off by.

The faces are scripted: identities, lights and lenses of their own, jaw, lids, gaze and expression in FLAME's own coefficients, known by definition.
The floor of a vertex error is a neutral face, that of a rotation a head that does not turn.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flame_cases import eyelid_basis, made_flame, made_performance, painted_flame, write_flame_pickle, write_smplx_folder

from tdmm_core.assets.find import cache_folder, find_asset
from tdmm_core.domain.clip import Camera
from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Event, Script
from tdmm_core.evaluation.studies import compare_motions, mean_of
from tdmm_core.exchange.npz import read_npz
from tdmm_core.fitting.config import FitConfig
from tdmm_core.morphable.model import geometry, neutral_motion
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.pipelines.face_models import name_face_model
from tdmm_core.pipelines.fit import fit
from tdmm_core.pipelines.fit_pictures import Extras
from tdmm_core.pipelines.run import Run
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render
from tdmm_core.video.writer import write_video

SIDE, SECONDS, CLIPS = 480, 4.0, 4
SKINS = ((0.86, 0.68, 0.58), (0.62, 0.44, 0.33), (0.93, 0.78, 0.70), (0.45, 0.31, 0.24))


def test_equal_to_smplx(tmp_path: Path) -> None:
    smplx = pytest.importorskip("smplx")
    import torch

    model, rng, count = made_flame(), np.random.default_rng(0), 64
    terms = {n: rng.normal(0, 0.5, (count, 3)) for n in ("global_orient", "neck_pose", "jaw_pose", "transl")}
    terms |= {"eye_pose": rng.normal(0, 0.5, (count, 6)), "expression": rng.normal(0, 1, (count, 100))}
    motion = replace(neutral_motion(model, count), shape=rng.normal(0, 1, 300), **terms)
    other = smplx.FLAME(str(write_smplx_folder(tmp_path)), num_betas=300, num_expression_coeffs=100, batch_size=count, dtype=torch.float64)
    given = {n: torch.tensor(np.array(getattr(motion, n)), dtype=torch.float64) for n in terms if n != "eye_pose"}
    eyes = torch.tensor(np.array(motion.eye_pose), dtype=torch.float64)
    shape = torch.tensor(np.tile(motion.shape, (count, 1)), dtype=torch.float64)
    with torch.no_grad():
        start = time.perf_counter()
        theirs = other(betas=shape, leye_pose=eyes[:, :3], reye_pose=eyes[:, 3:], **given).vertices.numpy()
        their_s = time.perf_counter() - start
    start = time.perf_counter()
    ours = geometry(model, motion, with_shape=True, with_pose=True)
    our_s = time.perf_counter() - start
    largest = np.abs(ours - theirs).max()
    print(f"\nsmplx: largest difference of a coordinate {largest:.1e} m over {count} random poses; target 1e-6")
    print(f"posing: {count / our_s:.0f} frames/s; smplx in float64 {count / their_s:.0f}")
    assert largest < 1e-6


def performances() -> Iterator[tuple[FaceMotion, Look]]:
    """Scripts of three random labels, each by another person under another light through another lens."""
    labels, rng = list(load_lexicon().labels.values()), np.random.default_rng(5)
    for i in range(CLIPS):
        chosen = [labels[int(rng.integers(len(labels)))] for _ in range(3)]
        starts = rng.uniform(0, 1.5, 3)
        ends = np.minimum(SECONDS, starts + rng.uniform(1, 2.4, 3))
        events = tuple(
            Event(kind=c.kind, label=c.name, start_s=float(a), end_s=float(b), intensity=0.8 if c.graded else 1.0, side=c.sides[0],
                  direction=c.directions[0] if c.directions else "", count=1)
            for c, a, b in zip(chosen, starts, ends, strict=True)
        )  # fmt: skip
        motion, focal = made_performance(Script(events=events, duration_s=SECONDS), seed=i), SIDE * (1.2, 1.6, 2.0, 2.5)[i % 4]
        camera = Camera(focal_px=focal, principal_point_px=(SIDE / 2, SIDE / 2), image_size_px=(SIDE, SIDE))
        away = np.tile([0.01, -0.02, -0.26 * focal / (SIDE * 0.75)], (motion.num_frames, 1))
        yield replace(motion, transl=away), Look(camera=camera, skin=SKINS[i % 4], key_direction=(0.5 * (-1) ** i, 0.5, 0.7))


def test_filmed_flame_faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = find_asset("face-landmarker")
    own = tmp_path / "cache"
    own.mkdir()
    (own / "assets").symlink_to(cache_folder() / "assets")
    monkeypatch.setenv("TDMM_CACHE", str(own))
    np.savez(tmp_path / "lids.npz", left=eyelid_basis()[0], right=eyelid_basis()[1])
    model = name_face_model(f"flame-2020:{write_flame_pickle(tmp_path / 'generic_model.pkl')}", eyelids=tmp_path / "lids.npz")
    rows, residuals, speed = [], [], []
    for i, (truth, look) in enumerate(performances()):
        write_video(tmp_path / f"{i}.mp4", render(painted_flame(), truth, look=look), fps=truth.fps)
        start = time.perf_counter()
        extras = Extras(face_model=(model.name, model.digest))
        summary = fit([tmp_path / f"{i}.mp4"], tmp_path / f"{i}.npz", Run(workers=1), config=FitConfig(), landmarker=network, extras=extras)
        speed.append(truth.num_frames / (time.perf_counter() - start))
        residuals.append((summary.residual_mm, summary.neutral_mm))
        rows.append(compare_motions(model, read_npz(tmp_path / f"{i}.npz")[0], truth))
        face, floor, turned = (rows[-1][key] for key in ("face_mm", "face_floor_mm", "rotation_deg"))
        print(f"\nclip {i}: face {face:.2f} mm (floor {floor:.2f}), rotation {turned:.2f} degrees", end="")
    mean = mean_of(rows)
    for region in ("face", "lips", "lids"):
        print(f"\n{region}: {mean[f'{region}_mm']:.2f} mm, floor {mean[f'{region}_floor_mm']:.2f}", end="")
    print(f"\nrotation: {mean['rotation_deg']:.2f} degrees, floor {mean['rotation_floor_deg']:.2f}")
    print(f"jitter: {mean['jitter_mm']:.3f} mm/frame^2, truth {mean['jitter_truth_mm']:.3f}")
    print("carried over from the open head: residual {:.2f} mm, neutral {:.2f}".format(*np.mean(residuals, axis=0)))
    print(f"speed: {np.median(speed):.0f} frames/s from file to file, landmarks of the face model found in the first clip")
    assert mean["face_mm"] < 0.75 * mean["face_floor_mm"]
    assert mean["rotation_deg"] < mean["rotation_floor_deg"]
