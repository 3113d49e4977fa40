"""The motion tokenizer: face motion to codes and back, and the folder it is kept in; knows neither artifacts nor training.

A folder in the Hugging Face shape: `config.json` (settings, face model, frame rate) and `model.safetensors`. The codes carry expression and
head rotation; identity and translation are not in them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.tokens import MotionTokens
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_sixd, sixd_to_matrix
from tdmm_core.tokenization.autoencoder import MotionAutoencoder
from tdmm_core.tokenization.carrying import SEGMENT_FRAMES, SEGMENTS_AT_ONCE
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.pieces import in_pieces, in_segments
from tdmm_core.tokenization.space import MotionSpace

KIND = "motion-tokenizer"
CONFIG_NAME, TENSORS_NAME = "config.json", "model.safetensors"
DEFAULT_FOLDER = Path(__file__).parents[1] / "pretrained" / KIND
VERSION = 2
FIRST_VERSION_LACKS = {"carry_share": 0.0, "stay_bonus_mm2": 0.0}
"Settings that came later, and what the first version's motion tokenizers do."
RUNNING = ("counts", "sums")
"Statistics of the codebook that only training needs."


class MotionTokenizer:
    """Codes motions of one face model. Works on the CPU; equal inputs give equal codes, whole or in pieces, alone or in a batch."""

    def __init__(self, autoencoder: MotionAutoencoder, config: TokenizerConfig, space: MotionSpace) -> None:
        self.autoencoder = autoencoder.eval().requires_grad_(False)
        self.config, self.space = config, space
        self._digest: str | None = None

    @property
    def num_codes(self) -> int:
        return self.config.num_codes

    @property
    def codes_per_frame(self) -> int:
        return self.config.codes_per_frame

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the settings and the tensors."""
        if self._digest is None:
            self._digest = _digest(*self._files())
        return self._digest

    @property
    def metric(self) -> np.ndarray:
        """(E, E) float32: |expression @ metric| is how far an expression moves the face, root mean square, in mm."""
        return self.autoencoder.features.metric.numpy().copy()

    def code_vectors(self) -> np.ndarray:
        """(K, D) float32: the first codebook. D is the face's geometry in mm (E) and the head's rotation (6), so near codes are near faces."""
        return self.autoencoder.quantizer.codebooks[0].vectors.numpy().copy()

    def encode(self, motion: FaceMotion) -> MotionTokens:
        """Codes of a motion, one row a frame. Raises InputError for another face model, frame rate or set of units."""
        return self.encode_batch([motion])[0]

    def decode(self, tokens: MotionTokens) -> FaceMotion:
        """The motion of codes: units clipped to 0..1, neutral identity, translation zero (codes carry neither).

        Raises InputError for codes of another motion tokenizer.
        """
        return self.decode_batch([tokens])[0]

    def encode_batch(self, motions: Sequence[FaceMotion]) -> list[MotionTokens]:
        """As `encode`, many at once."""
        for motion in motions:
            self.space.check(motion)
        sixd = [matrix_to_sixd(axis_angle_to_matrix(m.global_orient)) for m in motions]
        rows = [np.concatenate([m.expression, s], axis=1) for m, s in zip(motions, sixd, strict=True)]
        latents = in_pieces(rows, self.autoencoder.encoder.reach, self._latents)
        coded = in_segments(latents, SEGMENT_FRAMES, SEGMENTS_AT_ONCE, self.autoencoder.quantizer.codes)
        return [
            MotionTokens(
                codes=codes,
                num_codes=self.num_codes,
                tokenizer_digest=self.digest,
                status=motion.status,
                fps=self.space.fps,
                face_model=self.space.face_model,
                face_model_digest=self.space.face_model_digest,
            )
            for codes, motion in zip(coded, motions, strict=True)
        ]

    def decode_batch(self, many: Sequence[MotionTokens]) -> list[FaceMotion]:
        """As `decode`, many at once."""
        for tokens in many:
            self._check(tokens)
        rows = in_pieces([t.codes.astype(np.int64) for t in many], self.autoencoder.decoder.reach, self._decode_rows, ends=self.autoencoder.code_ends)
        return [self._motion(values, tokens) for values, tokens in zip(rows, many, strict=True)]

    def save(self, folder: Path | str) -> None:
        """Write `config.json` and `model.safetensors`, each complete or not at all."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in zip((CONFIG_NAME, TENSORS_NAME), self._files(), strict=True):
            _write(folder / name, content)

    @classmethod
    def load(cls, folder: Path | str) -> MotionTokenizer:
        """Read a folder that `save` wrote. Raises InputError that names what is missing or damaged."""
        folder = Path(folder)
        config_bytes, tensor_bytes = (_read(folder, name) for name in (CONFIG_NAME, TENSORS_NAME))
        config, space = _settings(config_bytes, folder)
        try:
            autoencoder = MotionAutoencoder(len(space.expression_names), config)
            tensors = load_tensors(tensor_bytes)
            autoencoder.load_state_dict(_running(autoencoder) | tensors)
        except (KeyError, ValueError, RuntimeError, SafetensorError) as e:
            reason = str(e).splitlines()[0]
            raise InputError(f"{folder / TENSORS_NAME}: damaged, or not of this {CONFIG_NAME} ({reason}); take another copy or train again") from e
        tokenizer = cls(autoencoder, config, space)
        tokenizer._digest = _digest(config_bytes, tensor_bytes)  # of the files: a later version may write the same settings otherwise
        return tokenizer

    def _latents(self, rows: torch.Tensor) -> torch.Tensor:
        network, units = self.autoencoder, len(self.space.expression_names)
        return network.encoder(network.features(rows[..., :units], rows[..., units:]))

    def _decode_rows(self, codes: torch.Tensor) -> torch.Tensor:
        network = self.autoencoder
        return torch.cat(network.features.back(network.decoder(network.quantizer.values(codes))), dim=-1)

    def _motion(self, values: np.ndarray, tokens: MotionTokens) -> FaceMotion:
        units = len(self.space.expression_names)
        return FaceMotion(
            expression=values[:, :units].clip(0, 1),
            expression_names=self.space.expression_names,
            global_orient=matrix_to_axis_angle(sixd_to_matrix(values[:, units:])),
            transl=np.zeros((len(values), 3), np.float32),
            status=tokens.status,
            fps=self.space.fps,
            face_model=self.space.face_model,
            face_model_digest=self.space.face_model_digest,
        )

    def _check(self, tokens: MotionTokens) -> None:
        if tokens.tokenizer_digest != self.digest:
            raise InputError(
                f"codes: made by another motion tokenizer ({tokens.tokenizer_digest[:12] or 'unnamed'}), this one is {self.digest[:12]}; "
                "give the one that made them, or encode the motion again"
            )
        if tokens.num_codes != self.num_codes or tokens.codes_per_frame != self.codes_per_frame:
            raise InputError(
                f"codes: expected {self.codes_per_frame} a frame below {self.num_codes}, got {tokens.codes_per_frame} below {tokens.num_codes}"
            )
        if tokens.num_frames == 0:
            raise InputError("codes: expected at least one frame, got none")

    def _files(self) -> tuple[bytes, bytes]:
        settings = asdict(self.config)
        del settings["training"]
        fields = {"model_type": KIND, "version": VERSION, "space": asdict(self.space), "tokenizer": settings}
        state = self.autoencoder.state_dict()
        running = _running(self.autoencoder)
        tensors = {name: value.contiguous() for name, value in state.items() if name not in running}
        return (json.dumps(fields, indent=2) + "\n").encode(), save_tensors(tensors)


def _running(autoencoder: MotionAutoencoder) -> dict[str, torch.Tensor]:
    return {name: value for name, value in autoencoder.state_dict().items() if name.rsplit(".", 1)[-1] in RUNNING}


def _settings(content: bytes, folder: Path) -> tuple[TokenizerConfig, MotionSpace]:
    path = folder / CONFIG_NAME
    try:
        fields = json.loads(content)
        kind, version = fields["model_type"], int(fields["version"])
    except (ValueError, KeyError, TypeError) as e:
        raise InputError(f"{path}: expected the settings of a motion tokenizer, got something else ({type(e).__name__}: {e})") from e
    if kind != KIND:
        raise InputError(f"{folder}: expected a {KIND}, got a model of type {kind!r}; tdmm tokenize --train makes one")
    if version > VERSION:
        raise InputError(f"{folder}: motion tokenizer version {version}; this tdmm reads up to version {VERSION}: upgrade it")
    try:
        space = fields["space"] | {"expression_names": tuple(fields["space"]["expression_names"])}
        settings = (FIRST_VERSION_LACKS if version == 1 else {}) | fields["tokenizer"]
        return TokenizerConfig(**settings), MotionSpace(**space)
    except (KeyError, TypeError) as e:
        raise InputError(f"{path}: damaged ({type(e).__name__}: {e}); take another copy or train again") from e


def _digest(*contents: bytes) -> str:
    total = hashlib.sha256()
    for content in contents:
        total.update(len(content).to_bytes(8, "little") + content)
    return total.hexdigest()


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as e:
        raise InputError(f"{folder}: expected a motion tokenizer folder, it has no {name}; tdmm tokenize --train makes one") from e


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@cache
def load_default() -> MotionTokenizer:
    """The motion tokenizer that the package carries. Raises MissingPartError when it is not installed."""
    if not (DEFAULT_FOLDER / CONFIG_NAME).is_file():
        raise MissingPartError(
            f"motion tokenizer: the package lacks its embedded one ({DEFAULT_FOLDER}); train one with tdmm tokenize --train, or install tdmm again"
        )
    return MotionTokenizer.load(DEFAULT_FOLDER)


@cache
def load_embedded(digest: str) -> MotionTokenizer | None:
    """The motion tokenizer of that digest where the package carries it: the default, or one of before that another embedded model still speaks."""
    for folder in (DEFAULT_FOLDER, *sorted(DEFAULT_FOLDER.parent.glob(f"{KIND}-*"))):
        if (folder / CONFIG_NAME).is_file() and (found := MotionTokenizer.load(folder)).digest == digest:
            return found
    return None
