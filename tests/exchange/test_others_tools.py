"""Exports before other people's tools: the Khronos validator, Blender and a real browser. Each skips where its tool is not here.

- The validator: `npm install --prefix FOLDER gltf-validator`, with TDMM_GLTF_VALIDATOR=FOLDER.
- Blender: a virtual environment with the PyPI package `bpy`, with TDMM_BPY_PYTHON=its python.
- The browser: `chromium` on the path.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))

from golden_pose import golden_motion

from tdmm_core.exchange.gltf import write_gltf
from tdmm_core.exchange.page import write_page
from tdmm_core.morphable.open_head import load_open_head

MODEL = load_open_head()
FRAMES = (0, 20, 49)
VALIDATE = """
const { validateBytes } = require('gltf-validator');
validateBytes(new Uint8Array(require('fs').readFileSync(process.argv[1]))).then((r) => console.log(JSON.stringify(r.issues)));
"""


@pytest.fixture(scope="module")
def glb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("glb") / "golden.glb"
    write_gltf(path, MODEL, golden_motion(shape_seed=1), prompt="a golden pose")
    return path


def test_the_validator_finds_no_error_and_no_warning(glb: Path) -> None:
    folder = os.environ.get("TDMM_GLTF_VALIDATOR", "")
    if not shutil.which("node") or not (Path(folder) / "node_modules" / "gltf-validator").is_dir():
        pytest.skip("node with gltf-validator is not here (TDMM_GLTF_VALIDATOR)")
    done = subprocess.run(["node", "-e", VALIDATE, str(glb)], cwd=folder, capture_output=True, text=True, check=True)
    issues = json.loads(done.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues


def test_blender_plays_a_golden_pose_to_its_known_side(glb: Path, tmp_path: Path) -> None:
    python = os.environ.get("TDMM_BPY_PYTHON", "")
    if not python or not Path(python).exists():
        pytest.skip("a Python with bpy is not here (TDMM_BPY_PYTHON)")
    script, out = Path(__file__).with_name("blender_plays.py"), tmp_path / "played.npz"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([python, str(script), str(glb), str(out), "25", *map(str, FRAMES)], check=True, capture_output=True, env=environment)
    with np.load(out) as played:
        vertices, keys, materials = played["vertices"], played["keys"], set(played["materials"])
    assert list(keys[1:]) == list(MODEL.expression_names) and materials == {"skin", "eyes", "mouth", "teeth", "tongue"}
    nose = vertices[0][:, 2].argmax()
    assert vertices[-1][nose, 0] - vertices[0][nose, 0] > 0.04  # to the subject's left
    drawn = np.unique(MODEL.triangles)
    for seen, posed in zip(vertices, MODEL.posed_geometry(golden_motion(shape_seed=1))[list(FRAMES)], strict=True):
        assert np.abs(np.sort(seen, axis=0)[[0, -1]] - np.sort(posed[drawn], axis=0)[[0, -1]]).max() < 1e-4
        nearest = [np.linalg.norm(seen - point, axis=1).min() for point in posed[drawn][::50]]
        assert max(nearest) < 5e-5


def test_a_browser_shows_the_face_without_a_word_on_its_console(tmp_path: Path) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        pytest.skip("no chromium on the path")
    page, picture = tmp_path / "golden.html", tmp_path / "golden.png"
    write_page(page, MODEL, golden_motion(), prompt="a smile with a raised left eyebrow")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    options += ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1000,700", "--virtual-time-budget=4000"]
    done = subprocess.run([chromium, *options, f"--screenshot={picture}", f"{page.as_uri()}#1.9"], capture_output=True, text=True, timeout=180)
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "GL Driver Message" not in line]
    assert said == [] and picture.exists(), done.stderr[-2000:]
    shown = np.asarray(Image.open(picture).convert("RGB"), np.int16)[:600, :580]
    red, green, blue = np.moveaxis(shown, -1, 0)
    skin = (red > green + 15) & (green > blue) & (red > 120)
    lips = (red > green + 60) & (np.abs(green - blue) < 30)
    assert 0.15 < skin.mean() < 0.7
    assert lips.sum() > 200 and np.nonzero(lips)[1].mean() > np.nonzero(skin)[1].mean() + 20  # turned to its own left, our right
