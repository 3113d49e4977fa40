"""What of the bake can be tried without anny: eyeball mixing, quantising, the lid repair's pieces, and that loading needs none of it."""

import subprocess
import sys

import numpy as np
from scipy import sparse

from tdmm_core.morphable.bake_mesh import _eyeball, _ring_faces
from tdmm_core.morphable.bake_open_head import ARKIT, quantised
from tdmm_core.morphable.bake_source import Source


def coarse_eye(seed=0):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(40, 3))
    points = np.array([0.03, 0.04, 0.08]) + 0.015 * points / np.linalg.norm(points, axis=1, keepdims=True)
    quads = rng.permutation(40).reshape(-1, 4)
    nothing = np.zeros((0, 40, 3))
    return Source(vertices=points, quads={"helper-l-eye": quads}, unit_names=(), units=nothing, samples=nothing, sampled=np.arange(40))


def test_the_eyeball_follows_every_affine_motion_exactly():
    source = coarse_eye()
    mixing, direction, faces, is_iris = _eyeball(source, "helper-l-eye")
    assert sparse.issparse(mixing) and np.allclose(mixing.sum(axis=1), 1)
    rest = mixing @ source.vertices
    rng = np.random.default_rng(1)
    a, b = np.eye(3) + 0.2 * rng.normal(size=(3, 3)), rng.normal(size=3)
    assert np.allclose(mixing @ (source.vertices @ a.T + b), rest @ a.T + b, atol=1e-9)
    radius = np.linalg.norm(rest - [0.03, 0.04, 0.08], axis=1)
    assert np.all((radius > 0.0149) & (radius < 0.0156))
    assert np.allclose(np.linalg.norm(direction, axis=1), 1) and 0 < is_iris.sum() < len(faces)


def test_ring_faces_look_outward():
    faces = _ring_faces(3, 8)
    polar = np.radians([20, 50, 90])[:, None]
    around = (np.arange(8) * np.pi / 4)[None]
    rings = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar) + 0 * around], -1).reshape(-1, 3)
    points = np.concatenate([[[0, 0, 1.0]], rings])
    a, b, c = points[faces[:, 0]], points[faces[:, 1]], points[faces[:, 2]]
    assert (np.einsum("fc,fc->f", np.cross(b - a, c - a), a + b + c) > 0).all()


def test_quantising_errs_by_less_than_a_thousandth_of_a_millimetre():
    basis = np.random.default_rng(2).normal(0, 0.01, (3, 50, 3))
    stored = quantised("x", basis)
    back = stored["x_steps"].astype(np.float32) * stored["x_step_m"][:, None, None]
    assert np.abs(back - basis).max() < 1.1e-6


def test_arkit_order_has_every_unit_once():
    assert len(ARKIT) == len(set(ARKIT)) == 52


def test_loading_needs_neither_anny_nor_torch_nor_scipy():
    code = (
        "import sys; from tdmm_core.morphable.open_head import load_open_head; load_open_head();"
        "print([m for m in ('anny', 'torch', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
