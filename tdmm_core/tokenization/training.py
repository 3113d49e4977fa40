"""Training the motion tokenizer: clips to a task of the training engine, and the trained network to a tokenizer. Knows no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tdmm_core.domain.motion import HELD
from tdmm_core.errors import InputError
from tdmm_core.morphable.model import MorphableModel
from tdmm_core.runtime.seeding import derive_seed, stream
from tdmm_core.tokenization.autoencoder import MotionAutoencoder
from tdmm_core.tokenization.config import TokenizerConfig
from tdmm_core.tokenization.geometry import face_geometry
from tdmm_core.tokenization.objective import ReconstructionObjective
from tdmm_core.tokenization.space import MotionSpace
from tdmm_core.tokenization.tokenizer import MotionTokenizer
from tdmm_core.tokenization.windows import Clips, Sampling, Window, stack, varied_window, whole_clip_windows
from tdmm_core.training.sampling import draw_rows
from tdmm_core.training.task import TrainingTask

STARTING_FRAMES = 50_000
"Frames that k-means starts the codebook from."
VALIDATION_CLIPS = 64
"Held-out clips, spread over the split, that a validation looks at."


@dataclass(frozen=True, kw_only=True)
class TokenizerTraining:
    """A training of one motion tokenizer."""

    config: TokenizerConfig
    model: MorphableModel
    space: MotionSpace
    train: Clips
    validation: Clips
    seed: int

    def __post_init__(self) -> None:
        if len(self.train.lengths) == 0:
            raise InputError("training data: expected at least one clip with motion in split train, got none")

    def task(self, identity: str = "") -> TrainingTask:
        """What the training engine needs; its model is a ReconstructionObjective whose codebook starts from the data."""
        torch.manual_seed(derive_seed(self.seed, "tokenizer weights"))
        autoencoder = MotionAutoencoder(len(self.space.expression_names), self.config)
        geometry = face_geometry(
            self.model, num_vertices=self.config.num_vertices, lips_weight=self.config.lips_weight, lids_weight=self.config.lids_weight
        )
        autoencoder.features.set_metric(torch.from_numpy(geometry.metric))
        sampling = self._sampling(autoencoder)
        autoencoder.quantizer.fill(self._starting_latents(autoencoder, sampling), seed=self.seed)
        rows = self.train.rows(self.config.window_frames)
        return TrainingTask(
            model=ReconstructionObjective(autoencoder, geometry, self.config),
            train_batch=lambda part: self._batch(part, rows, sampling),
            validation_batches=lambda: self._validation(sampling),
            identity=identity,
        )

    def tokenizer(self, task: TrainingTask) -> MotionTokenizer:
        """The motion tokenizer that the task's model holds now."""
        return MotionTokenizer(task.model.autoencoder.cpu().float(), self.config, self.space)

    def _batch(self, part: int, rows: np.ndarray, sampling: Sampling) -> dict[str, Tensor]:
        drawn = draw_rows(len(rows), part, config=self.config.training, seed=self.seed)
        return as_tensors([varied_window(self.train, int(rows[r]), sampling, stream(self.seed, "window", part, int(r))) for r in drawn])

    def _validation(self, sampling: Sampling) -> Iterator[dict[str, Tensor]]:
        count = len(self.validation.lengths)
        for clip in np.unique(np.linspace(0, count - 1, min(count, VALIDATION_CLIPS)).round().astype(int)):
            windows = [w for w in whole_clip_windows(self.validation.read(int(clip)), sampling) if w["counted"].any()]
            if windows:
                yield as_tensors(windows)

    def _starting_latents(self, autoencoder: MotionAutoencoder, sampling: Sampling) -> Tensor:
        """(n, D) features of frames of varied windows: what the encoder, which starts as the identity, makes of them."""
        random, found, count = stream(self.seed, "codebook"), [], 0
        rows = self.train.rows(self.config.window_frames)
        own = slice(sampling.reach, sampling.reach + sampling.frames)
        for row in random.permutation(np.resize(rows, max(len(rows), self.config.num_codes))):
            window = varied_window(self.train, int(row), sampling, random)
            features = autoencoder.features(torch.from_numpy(window["expression"][own]), torch.from_numpy(window["sixd"][own]))
            found.append(features[torch.from_numpy(window["counted"])])
            count += len(found[-1])
            if count >= STARTING_FRAMES:
                break
        if count == 0:
            raise InputError(f"training data: expected frames in which a face was seen, got only held ones (status {HELD})")
        return torch.cat(found)

    def _sampling(self, autoencoder: MotionAutoencoder) -> Sampling:
        config = self.config
        return Sampling(
            frames=config.window_frames,
            encoder_reach=autoencoder.encoder.reach,
            decoder_reach=autoencoder.decoder.reach,
            mirror_share=config.mirror_share,
            borrow_share=config.borrow_share,
            blend_share=config.blend_share,
            roam_share=config.roam_share,
            code_ends=autoencoder.code_ends,
        )


def as_tensors(windows: Sequence[Window]) -> dict[str, Tensor]:
    """Windows as one batch of CPU tensors."""
    return {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in stack(windows).items()}
