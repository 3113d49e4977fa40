"""Pictures of the open head: they are the same twice, come one at a time, and show what the motion says."""

import os
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.domain.clip import Camera
from tdmm_core.domain.mesh import Mesh
from tdmm_core.errors import InputError
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.rendering.look import Look
from tdmm_core.rendering.renderer import render, render_mesh
from tdmm_core.rendering.sheet import contact_sheet

SMALL, LARGER = Look(width_px=128, height_px=128), Look(width_px=256, height_px=256)


@pytest.fixture(scope="module")
def head():
    return load_open_head()


def with_units(head, **units):
    motion = neutral_motion(head, 1)
    expression = np.zeros((1, head.num_expression), np.float32)
    for name, value in units.items():
        expression[0, head.expression_names.index(name)] = value
    return replace(motion, expression=expression)


def picture(head, motion, look=SMALL):
    return next(iter(render(head, motion, look=look))).astype(int)


def middle(image, mask):
    rows, columns = np.nonzero(mask)
    return columns.mean(), rows.mean()


def test_equal_input_gives_equal_frames_of_the_right_size(head):
    motion = replace(neutral_motion(head, 3), global_orient=np.float32([[0, 0, 0], [0, 0.2, 0], [0.1, 0, 0]]))
    look = Look(width_px=96, height_px=64)
    first, second = list(render(head, motion, look=look)), list(render(head, motion, look=look))
    assert len(first) == 3 and all(f.shape == (64, 96, 3) and f.dtype == np.uint8 for f in first)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first[0], first[1])


def test_a_frame_does_not_depend_on_its_neighbours(head):
    motion = replace(neutral_motion(head, 40), expression=np.random.default_rng(0).uniform(0, 0.5, (40, 52)))
    frames = list(render(head, motion, look=SMALL))
    alone = next(iter(render(head, motion[35:36], look=SMALL)))
    assert np.abs(frames[35].astype(int) - alone).max() <= 2


def test_frames_stream(head):
    """Ten thousand frames would be 490 MB; the first comes without the others."""
    frames = render(head, neutral_motion(head, 10_000), look=SMALL)
    assert next(frames).shape == (128, 128, 3)
    assert next(frames).shape == (128, 128, 3)


def test_each_eye_closes_on_its_own_side(head):
    """The subject's left is on the picture's right."""
    rest = picture(head, neutral_motion(head, 1))
    for name, on_the_right in (("eyeBlinkLeft", True), ("eyeBlinkRight", False)):
        changed = np.abs(picture(head, with_units(head, **{name: 1.0})) - rest).sum(axis=2) > 60
        assert changed.sum() > 15
        assert (middle(rest, changed)[0] > 64) == on_the_right


def test_eyes_look_and_mouth_opens_into_the_dark(head):
    rest = picture(head, neutral_motion(head, 1), LARGER)
    look_left = picture(head, with_units(head, eyeLookOutLeft=1, eyeLookInRight=1), LARGER)
    darker, brighter = (rest - look_left).sum(axis=2) > 120, (look_left - rest).sum(axis=2) > 120
    assert middle(rest, darker)[0] > middle(rest, brighter)[0] + 2, "irises move to the subject's left"
    open_mouth = picture(head, with_units(head, jawOpen=0.7), LARGER)
    dark = (open_mouth.sum(axis=2) < 200) & (rest.sum(axis=2) > 300)
    assert dark.sum() > 60 and 150 < middle(rest, dark)[1] < 220


def test_turning_left_shows_on_the_right(head):
    turned = replace(neutral_motion(head, 1), global_orient=np.float32([[0, 0.6, 0]]))
    look = replace(SMALL, background_top=(0, 0, 1), background_bottom=(0, 0, 1))
    skin = picture(head, turned, look)[..., 0] > 60
    rest = picture(head, neutral_motion(head, 1), look)[..., 0] > 60
    band = slice(70, 100)
    assert np.nonzero(skin[band])[1].max() > np.nonzero(rest[band])[1].max()


def test_a_camera_sees_what_its_geometry_says(head):
    """A bright mesh point lands where the pinhole formula puts it."""
    camera = Camera(focal_px=300, principal_point_px=(70, 50), image_size_px=(160, 120))
    size = 0.004
    for x, y in ((0.0, 0.0), (0.1, 0.05), (-0.12, -0.08)):
        square = np.float32([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * size + np.float32([x, y, -0.8])
        look = Look(camera=camera, background_top=(0, 0, 0), background_bottom=(0, 0, 0))
        image = render_mesh(Mesh(vertices=square, triangles=np.int32([[0, 1, 2], [0, 2, 3]])), look=look)
        assert image.shape == (120, 160, 3)
        column, row = middle(image, image.sum(axis=2) > 100)
        assert column + 0.5 == pytest.approx(70 + 300 * x / 0.8, abs=0.6) and row + 0.5 == pytest.approx(50 - 300 * y / 0.8, abs=0.6)


def test_automatic_framing_ignores_where_the_head_is_but_not_how_it_moves(head):
    away = neutral_motion(head, 5)
    shifted = replace(away, transl=np.tile(np.float32([0.3, -0.2, -0.9]), (5, 1)))
    assert np.abs(picture(head, away) - picture(head, shifted)).mean() < 0.5
    moving = replace(away, transl=np.float32([[0, 0, 0]] * 4 + [[0.03, 0, 0]]))
    frames = list(render(head, moving, look=SMALL))
    assert np.array_equal(frames[0], frames[3]) and not np.array_equal(frames[0], frames[4])


def test_supersampling_smooths_but_keeps_the_picture(head):
    rough, fine = (picture(head, neutral_motion(head, 1), replace(SMALL, supersampling=n)) for n in (1, 4))
    assert 0 < np.abs(rough - fine).mean() < 4


def test_light_and_colours_count(head):
    motion = neutral_motion(head, 1)
    rest = picture(head, motion)
    for change in (
        dict(key_direction=(0.6, 0.4, 0.6)),
        dict(ambient=0.2),
        dict(skin=(0.45, 0.3, 0.22)),
        dict(iris=(0.3, 0.2, 0.1)),
        dict(lips=(0.6, 0.1, 0.2)),
    ):
        assert np.abs(picture(head, motion, replace(SMALL, **change)) - rest).max() > 10
    lit_left = picture(head, motion, replace(SMALL, key_direction=(-1, 0.2, 0.4)))
    lit_right = picture(head, motion, replace(SMALL, key_direction=(1, 0.2, 0.4)))
    assert lit_left[50:90, 40:60].mean() > lit_right[50:90, 40:60].mean()


@pytest.mark.parametrize(
    "bad", [dict(width_px=4), dict(supersampling=9), dict(ambient=-1), dict(key_direction=(0, 0, 0)), dict(skin=(1, 2, 0)), dict(iris=(0.1, 0.2))]
)
def test_impossible_looks_are_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        Look(**bad)


def test_another_models_motion_is_refused(head):
    with pytest.raises(InputError, match="flame-2020"):
        next(iter(render(head, replace(neutral_motion(head, 1), face_model="flame-2020"))))


def test_contact_sheet():
    frames = [np.full((4, 6, 3), 10 * i, np.uint8) for i in range(5)]
    sheet = contact_sheet(frames, 3, gap_px=2)
    assert sheet.shape == (10, 22, 3)
    assert (sheet[:4, :6] == 0).all() and (sheet[6:, 8:14] == 40).all() and (sheet[6:, 16:] == 245).all()
    assert contact_sheet(iter(frames), 9).shape == (4, 5 * 6 + 4 * 4, 3)
    with pytest.raises(InputError, match="expected frames"):
        contact_sheet([], 3)
    with pytest.raises(InputError, match="expected frames of"):
        contact_sheet([frames[0], np.zeros((2, 2, 3))], 3)


@pytest.mark.slow
def test_it_works_from_a_package_folder_that_cannot_be_written(tmp_path):
    """numba then keeps its cache elsewhere; NUMBA_CACHE_DIR is obeyed too."""
    root = Path(__file__).parents[2]
    package = tmp_path / "lib" / "tdmm_core"
    for room in ("rendering", "domain"):
        (package / room).mkdir(parents=True)
        for file in (root / "tdmm_core" / room).glob("*.py"):
            (package / room / file.name).write_bytes(file.read_bytes())
    for name in ("__init__.py", "errors.py"):
        (package / name).write_bytes((root / "tdmm_core" / name).read_bytes())
    folders = [package, *(p for p in package.rglob("*") if p.is_dir())]
    for folder in folders:
        folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    code = (
        "import numpy as np; from tdmm_core.domain.mesh import Mesh; from tdmm_core.rendering.renderer import render_mesh; import tdmm_core;"
        "assert 'lib' in tdmm_core.__file__;"
        "print(render_mesh(Mesh(vertices=np.eye(3), triangles=[[0, 1, 2]])).shape)"
    )
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "lib"), "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    finally:
        for folder in folders:
            folder.chmod(stat.S_IRWXU)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(512, 512, 3)" and any((tmp_path / "cache").rglob("*.nbi"))


def test_without_any_place_for_its_cache_it_compiles_in_memory(monkeypatch):
    from numba.core import caching

    from tdmm_core.rendering.kernel import kernel

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])

    @kernel
    def double(x):
        return 2 * x

    assert double(21) == 42
