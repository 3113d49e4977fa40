from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tdmm_core.domain.motion import HELD, FaceMotion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_sixd
from tdmm_core.tokenization.autoencoder import MotionAutoencoder
from tdmm_core.tokenization.ends import turned
from tdmm_core.tokenization.training import as_tensors
from tdmm_core.tokenization.windows import Clips, Sampling, cut, mirror, mirrored_units, varied_window, whole_clip_windows
from tests.tokenization.conftest import a_motion, an_autoencoder, small_config

PLAIN = Sampling(frames=16, encoder_reach=3, decoder_reach=2)


@pytest.mark.parametrize(("num_frames", "start"), [(40, 0), (40, 24), (40, 12), (40, 36), (16, 0), (5, 0), (1, 0)])
def test_window_holds_the_ends_of_its_clip(num_frames: int, start: int):
    motion = a_motion(1, num_frames)
    window = cut(motion, start, PLAIN)
    for place, frame in enumerate(range(start - 5, start + 16 + 5)):
        assert np.array_equal(window["expression"][place], motion.expression[min(max(frame, 0), num_frames - 1)])
    assert window["counted"].tolist() == [frame < num_frames for frame in range(start, start + 16)]
    first = start - PLAIN.decoder_reach
    for place, frame in enumerate(range(first, start + 16 + PLAIN.decoder_reach)):
        assert window["code_index"][place] == min(max(frame, 0), num_frames - 1) - first


@pytest.mark.parametrize(("num_frames", "start"), [(40, 0), (40, 24), (40, 36), (17, 16), (5, 0), (1, 0)])
def test_codes_turn_back_at_the_ends(num_frames: int, start: int):
    """As far as a frame that counts sees."""
    code_index = cut(a_motion(1, num_frames), start, replace(PLAIN, code_ends=turned))["code_index"]
    first = start - PLAIN.decoder_reach
    for place in range(min(16 + 2 * PLAIN.decoder_reach, num_frames + PLAIN.decoder_reach - first)):
        assert code_index[place] == turned(np.array([first + place]), num_frames)[0] - first


def test_held_frames_do_not_count():
    motion = a_motion(1, 20)
    status = motion.status.copy()
    status[[3, 4, 19]] = HELD, 1, HELD
    windows = whole_clip_windows(replace(motion, status=status), PLAIN)
    counted = np.concatenate([w["counted"] for w in windows])
    assert np.flatnonzero(~counted).tolist() == [3, *range(19, 32)]


@pytest.mark.parametrize("num_frames", [1, 7, 16, 50])
def test_training_sees_what_whole_clips_give(num_frames: int):
    """Windows through the training's forward pass agree with coding and decoding the clip as a whole, up to its ends, where frames stand alone."""
    network: MotionAutoencoder = an_autoencoder(small_config(carry_share=0.0, stay_bonus_mm2=0.0)).eval()
    motion = a_motion(2, num_frames)
    sampling = Sampling(frames=16, encoder_reach=network.encoder.reach, decoder_reach=network.decoder.reach)
    batch = as_tensors(whole_clip_windows(motion, sampling))
    with torch.no_grad():
        made = network(batch["expression"], batch["sixd"], batch["code_index"], batch["counted"])
        sixd = torch.from_numpy(matrix_to_sixd(axis_angle_to_matrix(motion.global_orient)))[None]
        codes = network.encode(torch.tensor(motion.expression)[None], sixd)
        expression, rotation = network.decode(codes)
    inside = batch["counted"]
    assert torch.equal(made.codes[inside], codes[0])
    assert torch.allclose(made.expression[inside], expression[0], atol=1e-4)
    assert torch.allclose(made.sixd[inside], rotation[0], atol=1e-4)


def test_mirror_twice_is_nothing_and_swaps_sides():
    names = load_open_head().expression_names
    window = cut(a_motion(4), 0, PLAIN)
    once = mirror(window, names)
    left, right = names.index("mouthSmileLeft"), names.index("mouthSmileRight")
    assert np.array_equal(once["expression"][:, left], window["expression"][:, right])
    assert all(np.array_equal(mirror(once, names)[key], window[key]) for key in window)
    assert sorted(mirrored_units(names)) == list(range(len(names)))


def test_mirrored_rotation_is_the_reflected_one():
    motion = a_motion(4)
    flip = np.diag([-1.0, 1.0, 1.0]).astype(np.float32)
    window = cut(motion, 0, PLAIN)
    own = axis_angle_to_matrix(motion.global_orient[:11])
    reflected = matrix_to_sixd(flip @ own @ flip)
    assert np.allclose(mirror(window, motion.expression_names)["sixd"][5:16], reflected, atol=1e-6)


def _clips(motions: list[FaceMotion]) -> Clips:
    return Clips(read=motions.__getitem__, lengths=np.array([m.num_frames for m in motions]))


def test_variation_is_a_function_of_its_random_stream_and_stays_in_range():
    sampling = replace(PLAIN, mirror_share=0.5, borrow_share=0.5, blend_share=0.5)
    clips = _clips([a_motion(s, 20 + 7 * s) for s in range(5)])
    first, again, other = (varied_window(clips, 3, sampling, np.random.default_rng(s)) for s in (1, 1, 2))
    assert all(np.array_equal(first[k], again[k]) for k in first)
    assert not np.array_equal(first["expression"], other["expression"])
    for seed in range(20):
        window = varied_window(clips, seed % 5, sampling, np.random.default_rng(seed))
        assert window["expression"].min() >= 0 and window["expression"].max() <= 1
        assert window["expression"].dtype == np.float32 and window["sixd"].dtype == np.float32


def test_borrowing_takes_the_rotation_alone():
    clips = _clips([a_motion(0, 20), a_motion(1, 20)])
    plain, borrowed = (varied_window(clips, 0, replace(PLAIN, borrow_share=share), np.random.default_rng(7)) for share in (0.0, 1.0))
    assert np.array_equal(plain["expression"], borrowed["expression"])
    assert not np.allclose(plain["sixd"], borrowed["sixd"])


def test_long_clips_have_more_rows():
    assert _clips([a_motion(0, 16), a_motion(1, 40), a_motion(2, 1)]).rows(16).tolist() == [0, 1, 1, 1, 2]
