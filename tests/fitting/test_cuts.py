"""Cuts of a film, told from motion, hands and flashes, on pictures and on plain numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.fitting.cuts import Thumbnails, cuts, thumbnail


def scene(seed: int, shift: float = 0) -> np.ndarray:
    """A picture of soft blotches, moved sideways by some pixels."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (9, 16))
    rows, columns = np.arange(90) / 90 * 8, (np.arange(160) + shift) / 160 * 15
    down = coarse[rows.astype(int)] * (1 - rows % 1)[:, None] + coarse[rows.astype(int) + 1] * (rows % 1)[:, None]
    left = np.clip(columns.astype(int), 0, 14)
    picture = down[:, left] * (1 - columns % 1) + down[:, left + 1] * (columns % 1)
    return np.repeat(picture[..., None], 3, axis=2).astype(np.uint8)


def shots(frames: list[np.ndarray], *, steady: bool = False) -> list[int]:
    thumbnails = Thumbnails()
    for frame in frames:
        thumbnails.add(frame)
    return thumbnails.shots(lambda i: steady).tolist()


def test_a_new_scene_is_a_new_shot_and_a_pan_is_none() -> None:
    assert shots([scene(0, i) for i in range(8)] + [scene(1, i) for i in range(8)]) == [0] * 8 + [1] * 8


def test_after_a_flash_or_an_insert_the_shot_goes_on() -> None:
    frames = [scene(0, 0.3 * i) for i in range(20)]
    frames[6:9] = [scene(5)] * 3
    assert shots(frames) == [0] * 6 + [1] * 3 + [0] * 11


def test_lights_that_go_up_are_no_cut() -> None:
    dim = [(scene(0, i) * 0.5).astype(np.uint8) for i in range(8)]
    assert shots(dim + [scene(0, 8 + i) for i in range(8)]) == [0] * 16


def test_one_grey_has_no_pattern() -> None:
    noise = np.random.default_rng(0)
    assert shots([np.clip(120 + noise.normal(0, 1, (90, 160, 3)), 0, 255).astype(np.uint8) for _ in range(12)]) == [0] * 12


def test_a_slight_jump_is_a_cut_only_where_the_face_jumps_too() -> None:
    """The picture changes by a little more than it usually does, as in an interview that was shortened."""
    frames = [scene(0) for _ in range(12)] + [scene(0, 3) for _ in range(12)]
    assert shots(frames) == [0] * 12 + [1] * 12 and shots(frames, steady=True) == [0] * 24


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.001, 0.2), min_size=12, max_size=60), st.integers(0, 60))
def test_only_what_stands_out_is_a_cut(changes: list[float], where: int) -> None:
    """A lone change far above all others is always found; changes that last never are."""
    calm = np.asarray(changes) * 0.01
    where = 1 + where % (len(calm) - 2)
    calm[where] = 0.5
    assert np.flatnonzero(cuts(calm)).tolist() == [where]
    assert not cuts(np.full(len(calm), changes[0])).any()


def test_thumbnails_of_any_size() -> None:
    for height, width in ((1, 1), (7, 300), (16, 9), (1080, 1920)):
        picture = np.random.default_rng(height).integers(0, 255, (height, width, 3), dtype=np.uint8)
        assert np.linalg.norm(thumbnail(picture)) < 1.001
