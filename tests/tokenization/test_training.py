from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tdmm_core.domain.motion import HELD, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_sixd
from tdmm_core.tokenization.kmeans import kmeans
from tdmm_core.tokenization.space import MotionSpace
from tdmm_core.tokenization.tokenizer import MotionTokenizer
from tdmm_core.tokenization.training import TokenizerTraining
from tdmm_core.tokenization.windows import Clips
from tdmm_core.training.engine import train
from tdmm_core.training.task import Place
from tests.tokenization.conftest import a_motion, small_config

HELD_OUT = [a_motion(s) for s in range(1000, 1012)]


def as_clips(motions: list[FaceMotion]) -> Clips:
    return Clips(read=motions.__getitem__, lengths=np.array([m.num_frames for m in motions]))


def a_training(num_clips: int = 60, **changes: object) -> TokenizerTraining:
    motions = [a_motion(s) for s in range(num_clips)]
    model = load_open_head()
    return TokenizerTraining(
        config=small_config(**changes), model=model, space=MotionSpace.of(motions[0]), train=as_clips(motions), validation=as_clips(HELD_OUT), seed=3
    )


def face_error_mm(difference: np.ndarray) -> float:
    model = load_open_head()
    basis = model.expression_basis[:, model.masks["face"]] * 1000
    moved = (difference @ basis.reshape(len(basis), -1)).reshape(len(difference), -1, 3)
    return float(np.linalg.norm(moved, axis=-1).mean())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> MotionTokenizer:
    training = a_training()
    task = training.task()
    train(task, training.config.training, Place(run_dir=tmp_path_factory.mktemp("run"), device="cpu"), seed=3)
    return training.tokenizer(task)


def test_it_beats_the_neutral_face_and_static_kmeans(trained: MotionTokenizer):
    """On clips it never saw. k-means has as many codes, in the same space, from the same clips, for expression and rotation together as well."""
    truth = np.concatenate([m.expression for m in HELD_OUT])
    features = trained.autoencoder.features

    def points(motions: list[FaceMotion]) -> torch.Tensor:
        sixd = matrix_to_sixd(axis_angle_to_matrix(np.concatenate([m.global_orient for m in motions])))
        return features(torch.from_numpy(np.concatenate([m.expression for m in motions])), torch.from_numpy(sixd))

    means = kmeans(points([a_motion(s) for s in range(60)]), trained.num_codes, seed=0)
    static = features.back(means[torch.cdist(points(HELD_OUT), means).argmin(dim=1)])[0].numpy()
    back = np.concatenate([trained.decode(t).expression for t in trained.encode_batch(HELD_OUT)])
    neutral, kmeans_mm, ours = (face_error_mm(difference) for difference in (truth, static - truth, back - truth))
    assert ours < 0.7 * neutral, (neutral, kmeans_mm, ours)
    assert ours < 0.95 * kmeans_mm, (neutral, kmeans_mm, ours)
    assert kmeans_mm < 0.9 * neutral  # the yardstick itself is sound


def test_gradient_reaches_every_weight():
    task = a_training(num_clips=4).task()
    for part in (task.model.autoencoder.encoder, task.model.autoencoder.decoder):
        torch.nn.init.normal_(part.correction.leave.weight, std=0.1)  # the zero start lets no gradient through on the first step
        for block in part.correction.blocks:
            torch.nn.init.normal_(block.mix.weight, std=0.1)
    task.model.train()(task.train_batch(0))["loss"].backward()
    assert {name for name, p in task.model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0} == set()


def test_batches_and_start_are_functions_of_the_seed():
    first, again = a_training(num_clips=5).task(), a_training(num_clips=5).task()
    for step in (0, 7):
        assert all(torch.equal(first.train_batch(step)[key], again.train_batch(step)[key]) for key in first.train_batch(step))
    assert not torch.equal(first.train_batch(0)["expression"], first.train_batch(1)["expression"])
    states = first.model.state_dict(), again.model.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_held_frames_change_nothing():
    """Frames of status HELD may hold anything: losses do not see them, and neither does the codebook's start."""
    motion = a_motion(1, 32)
    status = np.zeros(32, np.uint8)
    status[20:] = HELD
    spoilt = motion.expression.copy()
    spoilt[30:] = 1.0  # beyond the context of the observed frames
    tasks = []
    for expression in (motion.expression, spoilt):
        clips = as_clips([replace(motion, expression=expression, status=status)])
        training = TokenizerTraining(
            config=small_config(), model=load_open_head(), space=MotionSpace.of(motion), train=clips, validation=clips, seed=0
        )
        tasks.append(training.task())
    batch, other = (task.train_batch(0) for task in tasks)
    losses, others = (task.model.eval()(b) for task, b in zip(tasks, (batch, other), strict=True))
    assert not torch.equal(batch["expression"], other["expression"])
    assert torch.allclose(losses["loss"], others["loss"], atol=1e-5)


def test_training_on_nothing_is_refused():
    training = a_training(num_clips=1)
    with pytest.raises(InputError, match="at least one clip"):
        TokenizerTraining(config=training.config, model=training.model, space=training.space, train=as_clips([]), validation=as_clips([]), seed=0)
    held = replace(a_motion(0), status=np.full(60, HELD, np.uint8))
    with pytest.raises(InputError, match="only held ones"):
        TokenizerTraining(
            config=training.config, model=training.model, space=training.space, train=as_clips([held]), validation=as_clips([]), seed=0
        ).task()
