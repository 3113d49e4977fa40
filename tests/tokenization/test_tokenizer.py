from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tdmm_core.domain.motion import HELD
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle, matrix_to_sixd, sixd_to_matrix
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.pieces import in_pieces
from tdmm_core.tokenization.space import MotionSpace
from tdmm_core.tokenization.tokenizer import MotionTokenizer, load_default, load_embedded
from tests.tokenization.conftest import a_motion, an_autoencoder, small_config


def test_codes_are_in_range_and_one_row_a_frame(tokenizer: MotionTokenizer):
    motion = a_motion(3)
    tokens = tokenizer.encode(motion)
    assert tokens.codes.shape == (motion.num_frames, 1) and tokens.codes.dtype == np.uint16
    assert int(tokens.codes.max()) < tokenizer.num_codes == tokens.num_codes
    assert tokens.tokenizer_digest == tokenizer.digest and tokens.face_model_digest == motion.face_model_digest


def test_decoded_motion_is_one(tokenizer: MotionTokenizer):
    motion = a_motion(3)
    status = motion.status.copy()
    status[5] = HELD
    motion = replace(motion, status=status)
    back = tokenizer.decode(tokenizer.encode(motion))
    assert back.num_frames == motion.num_frames and back.fps == motion.fps
    assert back.expression.min() >= 0 and back.expression.max() <= 1
    assert not back.transl.any() and np.array_equal(back.status, motion.status)
    assert back.expression_names == motion.expression_names and back.face_model_digest == motion.face_model_digest
    assert np.isfinite(axis_angle_to_matrix(back.global_orient)).all()


def test_translation_and_identity_are_not_in_the_codes(tokenizer: MotionTokenizer):
    motion = a_motion(5)
    moved = replace(motion, transl=motion.transl + 0.3, shape=np.ones(4, np.float32))
    assert np.array_equal(tokenizer.encode(motion).codes, tokenizer.encode(moved).codes)


@pytest.mark.parametrize("num_frames", [1, 2, 5])
def test_very_short_clips(num_frames: int, tokenizer: MotionTokenizer):
    motion = a_motion(3, num_frames)
    back = tokenizer.decode(tokenizer.encode(motion))
    assert back.num_frames == num_frames


def test_in_a_batch_as_alone(tokenizer: MotionTokenizer):
    motions = [a_motion(s, n) for s, n in enumerate((30, 1, 77, 4))]
    together = tokenizer.encode_batch(motions)
    for motion, tokens in zip(motions, together, strict=True):
        assert np.array_equal(tokens.codes, tokenizer.encode(motion).codes)
    for back, tokens in zip(tokenizer.decode_batch(together), together, strict=True):
        assert np.allclose(back.expression, tokenizer.decode(tokens).expression, atol=1e-5)
    assert tokenizer.encode_batch([]) == []


@pytest.mark.parametrize("piece_frames", [7, 64, 1000])
def test_in_pieces_as_whole(piece_frames: int, tokenizer: MotionTokenizer):
    rows = [np.random.default_rng(n).random((n, 58)).astype(np.float32) for n in (50, 3, 90)]
    encoder = tokenizer.autoencoder.encoder
    pieces = in_pieces(rows, encoder.reach, encoder, piece_frames=piece_frames)
    for row, made in zip(rows, pieces, strict=True):
        whole = in_pieces([row], encoder.reach, encoder)[0]
        assert made.shape == row.shape
        assert np.allclose(made, whole, atol=1e-5)


def test_context_matters_and_ends_at_the_reach(tokenizer: MotionTokenizer):
    rows = np.random.default_rng(0).random((60, 58)).astype(np.float32)
    changed = rows.copy()
    changed[30] += 1
    encoder = tokenizer.autoencoder.encoder
    difference = np.abs(in_pieces([rows], encoder.reach, encoder)[0] - in_pieces([changed], encoder.reach, encoder)[0]).max(axis=1)
    assert np.flatnonzero(difference > 1e-6).tolist() == list(range(30 - encoder.reach, 30 + encoder.reach + 1))


def test_saved_and_loaded_it_is_the_same(tmp_path: Path, tokenizer: MotionTokenizer):
    tokenizer.save(tmp_path / "one")
    again = MotionTokenizer.load(tmp_path / "one")
    motion = a_motion(9)
    tokens = tokenizer.encode(motion)
    assert again.digest == tokenizer.digest
    assert np.array_equal(again.encode(motion).codes, tokens.codes)
    assert np.array_equal(again.decode(tokens).expression, tokenizer.decode(tokens).expression)
    again.save(tmp_path / "two")
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in ("config.json", "model.safetensors"))
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == ["config.json", "model.safetensors"]


def test_digest_tells_tensors_and_settings_apart(config: TokenizerConfig, tokenizer: MotionTokenizer):
    space = tokenizer.space
    other_weights = MotionTokenizer(an_autoencoder(config, seed=1), config, space)
    other_rate = MotionTokenizer(an_autoencoder(config), config, replace(space, fps=30.0))
    same = MotionTokenizer(an_autoencoder(config), replace(config, training=replace(config.training, steps=7)), space)
    assert len({tokenizer.digest, other_weights.digest, other_rate.digest}) == 3
    assert same.digest == tokenizer.digest


def test_code_vectors_are_faces(tokenizer: MotionTokenizer):
    vectors = tokenizer.code_vectors()
    assert vectors.shape == (tokenizer.num_codes, 58) and vectors.dtype == np.float32
    vectors[:] = 0
    assert tokenizer.code_vectors().any()


def test_several_codes_a_frame_are_closer():
    errors = []
    for codes_per_frame in (1, 3):
        config = small_config(codes_per_frame=codes_per_frame)
        network = an_autoencoder(config)
        for part in (network.encoder, network.decoder):
            part.correction.leave.weight.data.zero_()
            part.correction.leave.bias.data.zero_()
        motion = a_motion(1)
        coder = MotionTokenizer(network, config, MotionSpace.of(motion))
        tokens = coder.encode(motion)
        assert tokens.codes.shape == (60, codes_per_frame)
        errors.append(np.abs(coder.decode(tokens).expression - motion.expression).mean())
    assert errors[1] < 0.9 * errors[0]


def test_strong_rotations_survive_the_door(tokenizer: MotionTokenizer):
    """The way through 6D loses nothing by itself."""
    motion = replace(a_motion(0), global_orient=np.random.default_rng(0).normal(0, 0.8, (60, 3)))
    features = tokenizer.autoencoder.features
    sixd = torch.from_numpy(matrix_to_sixd(axis_angle_to_matrix(motion.global_orient)))
    back = features.back(features(torch.tensor(motion.expression), sixd))[1].numpy()
    assert np.degrees(geodesic_angle(sixd_to_matrix(back), axis_angle_to_matrix(motion.global_orient))).max() < 0.1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"face_model": "flame-2023"}, "face model 'open-head-1', got 'flame-2023'"),
        ({"face_model_digest": "f" * 64}, "another edition"),
        ({"fps": 30.0}, "25 frames per second, got 30"),
        ({"expression_names": tuple(reversed(a_motion(0).expression_names))}, "expression names"),
    ],
)
def test_motion_of_another_kind_is_refused(change: dict, told: str, tokenizer: MotionTokenizer):
    with pytest.raises(InputError, match=told):
        tokenizer.encode(replace(a_motion(0), **change))


def test_codes_of_another_tokenizer_are_refused(tokenizer: MotionTokenizer):
    tokens = tokenizer.encode(a_motion(0))
    with pytest.raises(InputError, match="made by another motion tokenizer"):
        tokenizer.decode(replace(tokens, tokenizer_digest="0" * 64))
    with pytest.raises(InputError, match=r"below 64, got 2 below 64"):
        tokenizer.decode(replace(tokens, codes=np.zeros((4, 2), np.uint16), status=None))
    with pytest.raises(InputError, match="0 to 63"):
        MotionTokens(codes=np.array([[64]]), num_codes=64, tokenizer_digest=tokenizer.digest)


def test_folders_that_cannot_be_read(tmp_path: Path, tokenizer: MotionTokenizer):
    with pytest.raises(InputError, match=r"has no config\.json"):
        MotionTokenizer.load(tmp_path)
    tokenizer.save(tmp_path)
    tensors = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(tensors[:-100])
    with pytest.raises(InputError, match=r"model\.safetensors: damaged"):
        MotionTokenizer.load(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(tensors)
    fields = json.loads((tmp_path / "config.json").read_text())
    for change, told in (
        ({"model_type": "llama"}, "got a model of type 'llama'"),
        ({"version": 99}, "upgrade it"),
        ({"tokenizer": fields["tokenizer"] | {"num_codes": 32}}, "damaged"),
        ({"tokenizer": {"wings": 2}}, "damaged"),
    ):
        (tmp_path / "config.json").write_text(json.dumps(fields | change))
        with pytest.raises(InputError, match=told):
            MotionTokenizer.load(tmp_path)
    (tmp_path / "config.json").write_text("not json")
    with pytest.raises(InputError, match="expected the settings"):
        MotionTokenizer.load(tmp_path)


@pytest.mark.parametrize(
    "change",
    [{"num_codes": 1}, {"num_codes": 70_000}, {"codes_per_frame": 0}, {"decoder_dilations": (0,)}, {"mirror_share": 1.5}, {"rotation_mm": 0}],
)
def test_impossible_settings_are_named(change: dict):
    with pytest.raises(InputError, match=next(iter(change))):
        TokenizerConfig(**change)


def test_an_embedded_one_is_found_by_its_digest(tmp_path: Path, tokenizer: MotionTokenizer, monkeypatch: pytest.MonkeyPatch):
    """Also one of before, which another embedded model may still speak."""
    assert load_embedded(load_default().digest).digest == load_default().digest and load_embedded(tokenizer.digest) is None
    before = tmp_path / "motion-tokenizer-1"
    before.mkdir()
    tokenizer.save(before)
    monkeypatch.setattr("tdmm_core.tokenization.tokenizer.DEFAULT_FOLDER", tmp_path / "motion-tokenizer")
    load_embedded.cache_clear()
    assert load_embedded(tokenizer.digest).digest == tokenizer.digest and load_embedded("0" * 64) is None
    load_embedded.cache_clear()
