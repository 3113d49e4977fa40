"""The network: the cached path against all places at once, padding, masks, and what each part of the prefix reaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from l2m_cases import CONFIG, NUM_CODES, TEXT_DIM, network, words
from torch.nn import functional as fn

from tdmm_core.errors import InputError
from tdmm_core.language.config import AnimateConfig, L2MConfig
from tdmm_core.language.l2m_dataset import pad_words
from tdmm_core.language.l2m_network import IGNORED, CodeTable, L2MNetwork
from tdmm_core.language.l2m_objective import L2MObjective, ahead_loss
from tdmm_core.language.motion_transformer import rope_table, rotate


def batch_of(lengths: list[int], *, pad_to: int, frames: int = 15, seconds: int = 0) -> dict[str, torch.Tensor]:
    codes = torch.from_numpy(np.random.default_rng(3).integers(0, NUM_CODES, (len(lengths), frames)))
    return pad_words([words(n) for n in lengths], pad_to) | {"lengths": torch.full((len(lengths),), seconds), "codes": codes}


@pytest.mark.parametrize("conditioning", ["words", "sentence"])
@torch.inference_mode()
def test_the_cached_path_gives_the_logits_of_all_places_at_once(conditioning: str) -> None:
    net, batch = network(conditioning), batch_of([3, 7, 0], pad_to=7, seconds=15)
    whole = net(batch)[0]
    prefix, seen = net.prefix(batch["words"], batch["word_mask"], batch["lengths"])
    cache = net.new_cache(3, prefix.shape[1] + 15)
    steps = [net.start_motion(prefix, seen, cache)]
    places = fn.pad(seen, (0, 15), value=True)[:, None, None]
    for frame in range(15):
        steps.append(net.next_code(batch["codes"][:, frame], places[..., : cache.length + 1], cache))
    assert whole.std() > 0.5
    torch.testing.assert_close(torch.stack(steps, 1), whole, atol=2e-4, rtol=1e-4)


@torch.inference_mode()
def test_padding_on_the_left_changes_nothing() -> None:
    tight, wide = (network()(batch_of([4], pad_to=n))[0] for n in (4, 12))
    torch.testing.assert_close(tight, wide, atol=2e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_future_is_not_seen() -> None:
    batch = batch_of([5], pad_to=5)
    before = network()(batch)[0]
    batch["codes"][:, 9] = (batch["codes"][:, 9] + 1) % NUM_CODES
    after = network()(batch)[0]
    torch.testing.assert_close(before[:, :10], after[:, :10], atol=1e-5, rtol=0)
    assert (before[:, 10:] - after[:, 10:]).abs().max() > 0.01


@torch.inference_mode()
def test_every_word_its_order_and_the_length_reach_the_motion() -> None:
    batch = batch_of([5], pad_to=5)
    base = network()(batch)[0]
    for word in range(5):
        changed = batch | {"words": batch["words"].clone()}
        changed["words"][0, word] += 1
        assert (network()(changed)[0] - base).abs().mean() > 1e-3
    assert (network()(batch | {"words": batch["words"].flip(1)})[0] - base).abs().mean() > 1e-3
    assert (network()(batch | {"lengths": torch.tensor([15])})[0] - base).abs().mean() > 1e-3


@torch.inference_mode()
def test_without_words_what_lies_in_the_padding_does_not_matter() -> None:
    batch = batch_of([0], pad_to=6)
    noisy = batch | {"words": torch.randn_like(batch["words"])}
    assert not batch["word_mask"].any()
    torch.testing.assert_close(network()(batch)[0], network()(noisy)[0])


@torch.inference_mode()
def test_the_loss_is_cross_entropy_over_scored_places() -> None:
    batch = batch_of([4, 2], pad_to=4)
    targets = fn.pad(batch["codes"], (0, 1), value=NUM_CODES)
    targets[0, 5:] = IGNORED
    objective = L2MObjective(network()).eval()
    out = objective(batch | {"targets": targets})
    scores = network()(batch)[0].log_softmax(-1)
    kept = [(b, t) for b in range(2) for t in range(16) if targets[b, t] != IGNORED]
    slow = -np.mean([scores[b, t, targets[b, t]].item() for b, t in kept])
    hits = np.mean([scores[b, t].argmax().item() == targets[b, t].item() for b, t in kept])
    assert out["loss"].item() == out["code_loss"].item() == pytest.approx(slow, rel=1e-5)
    assert out["token_accuracy"].item() == pytest.approx(hits)


def test_codes_ahead_are_scored_in_training_alone() -> None:
    targets = torch.tensor([[0, 1, 2, 3, NUM_CODES], [4, 5, NUM_CODES, IGNORED, IGNORED]])
    logits = torch.randn(2, 5, NUM_CODES)
    scores = logits.log_softmax(-1)
    slow = -(scores[0, 0, 2] + scores[0, 1, 3]) / 2
    torch.testing.assert_close(ahead_loss(logits, targets, 2), slow)
    assert ahead_loss(logits, targets, 4) == 0
    objective = L2MObjective(network())
    batch = batch_of([4, 2], pad_to=4)
    out = objective.train()(batch | {"targets": fn.pad(batch["codes"], (0, 1), value=NUM_CODES)})
    network().eval()
    assert out["loss"] > out["code_loss"]


def test_holding_a_face_is_one_number() -> None:
    readout, table = network().readout, network().codes()
    hidden, before = torch.randn(3, CONFIG.width), torch.tensor([4, 0, 9])
    with torch.no_grad():
        apart = readout(hidden, table, before) - readout(hidden, table)
    held = torch.zeros_like(apart).scatter(1, before[:, None], readout.hold(hidden).detach())
    torch.testing.assert_close(apart, held, atol=1e-5, rtol=0)


def test_rotation_keeps_lengths_and_depends_on_distance_alone() -> None:
    table = rope_table(40, 8)
    q, k = torch.randn(2, 8)
    turned_q, turned_k = (rotate(x.expand(40, 8), table) for x in (q, k))
    torch.testing.assert_close(turned_q.norm(dim=-1), q.norm().expand(40))
    torch.testing.assert_close(turned_q[5] @ turned_k[2], turned_q[38] @ turned_k[35], atol=1e-5, rtol=0)
    first, second = q[0], q[4]
    assert turned_q[1, 0].item() == pytest.approx((first * np.cos(1) - second * np.sin(1)).item(), abs=1e-6)


@pytest.mark.parametrize("bad", [{"width": 30}, {"conditioning": "image"}, {"condition_dropout": 1.5}, {"code_noise": 0.9}, {"num_layers": 0}])
def test_impossible_settings_are_refused(bad: dict) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        L2MConfig(**bad)


@pytest.mark.parametrize("bad", [{"top_p": 0.0}, {"temperature": -1.0}, {"guidance": float("nan")}, {"batch_size": 0}, {"top_k": -1}])
def test_impossible_sampling_is_refused(bad: dict) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        AnimateConfig(**bad)


@torch.inference_mode(False)
def test_folding_the_tables_changes_nothing_but_their_making() -> None:
    torch.manual_seed(1)
    net = L2MNetwork(CONFIG, num_codes=NUM_CODES, text_dim=TEXT_DIM, code_vectors=torch.randn(NUM_CODES, 7)).eval()
    batch = batch_of([4, 2], pad_to=4)
    with torch.no_grad():
        before = net(batch)[0]
        after = net.fold()(batch)[0]
    torch.testing.assert_close(before, after)
    plain = L2MNetwork(CONFIG, num_codes=NUM_CODES, text_dim=TEXT_DIM)
    assert net.state_dict().keys() == plain.state_dict().keys()
    plain.load_state_dict(net.state_dict())


def test_codes_that_look_alike_begin_alike() -> None:
    torch.manual_seed(1)
    vectors = torch.randn(NUM_CODES, 7)
    vectors[1] = vectors[0] + 0.01
    rows = CodeTable(NUM_CODES, 32, code_vectors=vectors)().detach()
    apart = torch.cdist(rows, rows)
    assert apart[0, 1] < apart[0, 2:].min()
    plain = CodeTable(NUM_CODES, 32)().detach()
    assert torch.cdist(plain, plain)[0, 1] > 0.8 * torch.cdist(plain, plain)[0, 2:].min()
