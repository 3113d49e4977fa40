"""What `tdmm fit` takes and gives besides motion: --face, --shape, --preview, --worst, and what a batch says of its bad clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from film_cases import empty, encode, person
from PIL import Image
from typer.testing import CliRunner, Result

from tdmm_cli.app import app
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.fit_shape import read_shape
from tdmm_core.video.reader import open_video, read_frames

QUICK = ("--set", "fit.num_keyframes=4", "--set", "fit.iterations=3", "--quiet", "--workers", "1")


def fit(*args: object) -> Result:
    return CliRunner().invoke(app, ["fit", *[str(a) for a in args], *QUICK], prog_name="tdmm")


def shape_of(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as data:
        return data["shape"]


@pytest.fixture(scope="module")
def films(landmark_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    encode(folder / "one.mp4", person(0)[:10])
    encode(folder / "other.mp4", person(0)[14:24])
    encode(folder / "two.mp4", [np.concatenate(pair, axis=1) for pair in zip(person(1)[:10], person(0)[:10], strict=True)])
    encode(folder / "nobody.mp4", [empty()] * 6)
    return folder


def test_a_known_shape_is_held(films: Path, tmp_path: Path) -> None:
    """The second take has the very shape of the first, from an npz and from an h5, and the artifact names where it came from."""
    assert fit(films / "one.mp4", "-o", tmp_path / "one.npz").exit_code == 0
    assert fit(films / "one.mp4", "-o", tmp_path / "one.h5").exit_code == 0
    assert fit(films / "other.mp4", "-o", tmp_path / "free.npz").exit_code == 0
    for known in ("one.npz", "one.h5"):
        assert fit(films / "other.mp4", "-o", tmp_path / "held.h5", "--shape", tmp_path / known, "--force").exit_code == 0
        with open_motion(tmp_path / "held.h5") as clips:
            assert np.allclose(clips[0].motion.shape, shape_of(tmp_path / "one.npz"), atol=1e-6)
            assert clips[0].quality.reprojection_share < 0.02
            assert [p.name for p in clips.header.parents] == ["other.mp4", known]
    assert not np.allclose(shape_of(tmp_path / "free.npz"), shape_of(tmp_path / "one.npz"), atol=0.05)


def test_a_shape_that_is_none_is_refused(films: Path, tmp_path: Path) -> None:
    from tdmm_core.exchange.npz import write_npz
    from tdmm_core.morphable.model import neutral_motion

    write_npz(tmp_path / "plain.npz", neutral_motion(load_open_head(), 3), prompt="", seed=0, settings={})
    done = fit(films / "one.mp4", "-o", tmp_path / "m.npz", "--shape", tmp_path / "plain.npz")
    assert done.exit_code == 2 and "expected a motion with a fitted shape" in done.stderr and not (tmp_path / "m.npz").exists()
    assert fit(films / "one.mp4", films / "two.mp4", "-o", tmp_path / "both.h5").exit_code == 0
    with pytest.raises(Exception, match="expected one person's shape, got 2 clips of several"):
        read_shape(tmp_path / "both.h5", load_open_head())


def test_another_face_is_asked_for_by_number(films: Path, tmp_path: Path) -> None:
    sides = []
    for number in (1, 2):
        assert fit(films / "two.mp4", "-o", tmp_path / f"{number}.npz", "--face", number).exit_code == 0
        with np.load(tmp_path / f"{number}.npz") as data:
            sides.append(float(data["transl"][:, 0].mean()))
    assert sides[0] * sides[1] < 0
    done = fit(films / "two.mp4", "-o", tmp_path / "3.npz", "--face", 3)
    assert done.exit_code == 2 and "got face 3; 2 faces were seen" in done.stderr and not (tmp_path / "3.npz").exists()


def test_a_preview_shows_film_overlay_and_mesh(films: Path, tmp_path: Path) -> None:
    done = fit(films / "one.mp4", "-o", tmp_path / "m.npz", "--preview", tmp_path / "p.mp4")
    assert done.exit_code == 0, done.output
    assert open_video(tmp_path / "p.mp4").size_px == (3 * 360, 360)
    frames = [frame.astype(int) for _, frame in read_frames(tmp_path / "p.mp4")]
    source = np.asarray(Image.fromarray(person(0)[5]).resize((360, 360))).astype(int)
    assert len(frames) == 10 and np.abs(frames[5][30:, :360] - source[30:]).mean() < 4
    middle = slice(120, 240)
    film, overlay, mesh = (frames[5][middle, 360 * i + 120 : 360 * i + 240] for i in range(3))
    # The overlay lies between film and mesh, and nothing of the key colour is left.
    assert np.abs(overlay - (0.4 * film + 0.6 * mesh)).mean() < 6
    assert not ((frames[5][..., 0] > 180) & (frames[5][..., 2] > 180) & (frames[5][..., 1] < 80)).any()


def test_a_bad_clip_stops_no_batch_and_the_worst_are_shown(films: Path, tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video\n" * 40)
    inputs = [films / "one.mp4", tmp_path / "text.mp4", films / "nobody.mp4", films / "other.mp4"]
    done = fit(*inputs, "-o", tmp_path / "m.h5", "--worst", tmp_path / "w.png")
    assert done.exit_code == 4 and "2 of 4 clips failed" in done.stderr
    with open_motion(tmp_path / "m.h5") as clips:
        assert [c.status for c in clips] == ["done", "failed", "failed", "done"]
        assert "a text file" in clips[1].error and "no face was found" in clips[2].error
    sheet = Image.open(tmp_path / "w.png")
    assert sheet.size == (1200, 24 + 2 * 200)


def test_pictures_that_cannot_be_made_are_refused_before_any_work(films: Path, tmp_path: Path) -> None:
    one, two = films / "one.mp4", films / "two.mp4"
    for argv, words in (
        ((one, two, "-o", tmp_path / "m.h5", "--preview", tmp_path / "p.mp4"), "shows one clip, got 2"),
        ((one, "-o", tmp_path / "m.h5", "--preview", tmp_path / "p.avi"), "ending in .mp4"),
        ((one, "-o", tmp_path / "m.h5", "--worst", tmp_path / "w.jpg"), "ending in .png"),
        ((one, "-o", tmp_path / "m.h5", "--shape", tmp_path / "gone.npz"), "no such file"),
    ):
        done = fit(*argv)
        assert done.exit_code == 2 and words in done.stderr, done.output
    assert list(tmp_path.iterdir()) == []
