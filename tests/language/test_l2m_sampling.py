"""Sampling: seeds, neighbours, lengths, the end, and the draw itself against a slow twin."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from l2m_cases import NUM_CODES, network, request

from tdmm_core.errors import InputError
from tdmm_core.language import stepping
from tdmm_core.language.config import AnimateConfig
from tdmm_core.language.l2m_dataset import pad_words
from tdmm_core.language.sampling import choose, guide, sample_codes
from tdmm_core.language.stepping import Steps


def test_equal_seeds_give_equal_codes_and_other_seeds_others() -> None:
    config = AnimateConfig()
    first, again, other = (sample_codes(network(), [request(5, seed=s)], config)[0] for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_a_motion_does_not_depend_on_its_neighbours(guidance: float) -> None:
    requests = [request(n, seed=n, num_frames=f) for n, f in ((3, 10), (9, 25), (1, 40), (5, None))]
    alone = [sample_codes(network(), [r], AnimateConfig(guidance=guidance))[0] for r in requests]
    together = sample_codes(network(), requests, AnimateConfig(guidance=guidance, batch_size=4))
    reordered = sample_codes(network(), requests[::-1], AnimateConfig(guidance=guidance, batch_size=3))[::-1]
    for a, b, c in zip(alone, together, reordered, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c)


@pytest.mark.parametrize("frames", [1, 2, 17, 40])
def test_exactly_as_long_as_asked(frames: int) -> None:
    (codes,) = sample_codes(network(), [request(4, num_frames=frames)], AnimateConfig())
    assert codes.shape == (frames,) and codes.min() >= 0 and codes.max() < NUM_CODES


def test_the_model_ends_a_motion_whose_length_is_free() -> None:
    net = copy.deepcopy(network())
    with torch.no_grad():
        for parameter in net.readout.parameters():
            parameter.mul_(0.02)  # every class equally likely, the end among them
    requests = [request(4, seed=s, num_frames=None) for s in range(40)]
    lengths = [len(c) for c in sample_codes(net, requests, AnimateConfig(top_p=1.0), min_frames=3)]
    assert min(lengths) >= 3 and len(set(lengths)) > 3 and max(lengths) <= 40


def test_what_the_network_was_not_made_for_is_refused() -> None:
    with pytest.raises(InputError, match="expected 1 to 40 frames, got 41"):
        sample_codes(network(), [request(4, num_frames=41)], AnimateConfig())
    with pytest.raises(InputError, match="12 word pieces, got 13"):
        sample_codes(network(), [request(13)], AnimateConfig())


def test_the_likeliest_code_needs_no_chance() -> None:
    a, b = (sample_codes(network(), [request(5, seed=s)], AnimateConfig(temperature=0.0))[0] for s in (1, 1))
    np.testing.assert_array_equal(a, b)
    one, two = (sample_codes(network(), [request(5, seed=1)], AnimateConfig(temperature=t, top_k=1))[0] for t in (1.0, 3.0))
    np.testing.assert_array_equal(one, a)
    np.testing.assert_array_equal(two, a)


def slow_choose(logits: np.ndarray, draw: float, config: AnimateConfig) -> int:
    """The draw as one would write it down: candidates from the likeliest on, then the first class that passes the draw."""
    logits = logits.astype(np.float64) / config.temperature
    likely = np.exp(logits - logits.max())
    order = sorted(range(len(likely)), key=lambda c: -likely[c])[: config.top_k or None]
    kept, reached, total = [], 0.0, sum(likely[c] for c in order)
    for c in order:
        if reached >= config.top_p * total:
            break
        kept.append(c)
        reached += likely[c]
    passed = 0.0
    for c in sorted(kept):
        passed += likely[c]
        if passed > draw * reached:
            return c
    return max(kept)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    top_k=st.sampled_from([0, 1, 3, 20, 50]),
    top_p=st.sampled_from([0.05, 0.5, 0.9, 1.0]),
    hot=st.sampled_from([0.3, 1.0, 2.0]),
)
def test_the_draw_equals_its_slow_twin(seed: int, top_k: int, top_p: float, hot: float) -> None:
    rng = np.random.default_rng(seed)
    logits = (3 * rng.standard_normal((6, 30))).astype(np.float32)
    draws = rng.random(6)
    config = AnimateConfig(temperature=hot, top_k=min(top_k, 30), top_p=top_p)
    fast = choose(torch.from_numpy(logits), torch.from_numpy(draws), config)
    assert fast.tolist() == [slow_choose(row, draw, config) for row, draw in zip(logits, draws, strict=True)]


def test_draws_have_the_model_s_frequencies() -> None:
    logits = torch.tensor([[0.0, 1.0, -1.0, 2.0]])
    draws = torch.from_numpy((np.arange(4000) + 0.5) / 4000)
    chosen = choose(logits.expand(4000, 4), draws, AnimateConfig(temperature=1.0, top_p=1.0))
    shares = np.bincount(chosen.numpy(), minlength=4) / 4000
    np.testing.assert_allclose(shares, logits.softmax(-1)[0].numpy(), atol=1e-3)


def test_guidance_moves_away_from_what_needs_no_prompt() -> None:
    prompted, free = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 2.0, 0.0]])
    both = torch.cat([prompted, free])
    torch.testing.assert_close(guide(prompted, 1.0), prompted.log_softmax(-1))
    shares = [guide(both, g).softmax(-1)[0, 0].item() for g in (1.5, 2.0, 4.0)]
    assert prompted.softmax(-1)[0, 0] < shares[0] < shares[1] < shares[2]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), guidance=st.sampled_from([0.0, 1.5, 3.0, 20.0]))
def test_guidance_leaves_the_end_as_likely_as_the_prompt_makes_it(seed: int, guidance: float) -> None:
    rng = np.random.default_rng(seed)
    both = torch.from_numpy((4 * rng.standard_normal((6, 9))).astype(np.float32))
    prompted, free = both.log_softmax(-1).double().chunk(2)
    guided = guide(both, guidance).double()
    torch.testing.assert_close(guided[:, -1], prompted[:, -1], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(guided.exp().sum(-1), torch.ones(3, dtype=torch.float64), atol=1e-4, rtol=0)
    pushed = (free + guidance * (prompted - free))[:, :-1]
    torch.testing.assert_close(guided[:, :-1].softmax(-1), pushed.softmax(-1), atol=1e-5, rtol=1e-4)


def test_a_motion_goes_on_from_what_came_before() -> None:
    """The first code after a given past has the logits that the whole sequence gives it, and the past is no part of the result."""
    net, past = network(), np.random.default_rng(3).integers(NUM_CODES, size=7)
    (whole,) = sample_codes(net, [request(5, num_frames=20)], AnimateConfig(temperature=0.0))
    rest = replace(request(5, num_frames=13), before=whole[:7])
    np.testing.assert_array_equal(sample_codes(net, [rest], AnimateConfig(temperature=0.0))[0], whole[7:])
    (other,) = sample_codes(net, [replace(rest, before=past)], AnimateConfig(temperature=0.0))
    assert other.shape == (13,) and (other != whole[7:]).any()
    with pytest.raises(InputError, match="expected 1 to 33 frames, got 34"):
        sample_codes(net, [replace(rest, num_frames=34)], AnimateConfig())


def test_motions_with_and_without_a_past_may_stand_in_one_call() -> None:
    requests = [request(4, seed=1), replace(request(11, seed=2), before=np.array([3, 4])), replace(request(4, seed=3), before=np.array([9, 1]))]
    together = sample_codes(network(), requests, AnimateConfig())
    for one, codes in zip(requests, together, strict=True):
        np.testing.assert_array_equal(sample_codes(network(), [one], AnimateConfig())[0], codes)


def begun(net, lengths: list[int], *, places: int = 4):
    """A cache that holds prompts of some lengths, and what is added to attention."""
    padded = pad_words([request(n, seed=n).words for n in lengths], 12)
    prefix, seen = net.prefix(padded["words"], padded["word_mask"], torch.full((len(lengths),), 20))
    cache = net.new_cache(len(lengths), prefix.shape[1] + places)
    net.start_motion(prefix, seen, cache)
    hidden = torch.nn.functional.pad(~seen, (0, places), value=False)[:, None, None]
    return cache, torch.zeros(hidden.shape).masked_fill_(hidden, -torch.inf)


@pytest.mark.parametrize(("rows", "conditioning", "small"), [(4, "words", 10**9), (8, "words", 0), (8, "sentence", 10**9)])
def test_steps_equal_their_slow_twin(rows: int, conditioning: str, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stepping, "SMALL", small)  # whether weights are copied
    net = network(conditioning)
    with torch.inference_mode():
        steps = Steps(net, rows=rows)
        (fast, added), (slow, _) = begun(net, [3, 9, 12, 5]), begun(net, [3, 9, 12, 5])
        for codes in (torch.arange(4), torch.tensor([7, 7, 0, 49]), torch.tensor([49, 7, 3, 3])):
            told = steps(codes, added[..., : fast.length + 1], fast)
            torch.testing.assert_close(told, net.next_code(codes, added[..., : slow.length + 1], slow), atol=2e-4, rtol=1e-4)
            assert fast.length == slow.length


def test_a_row_is_the_same_to_the_last_bit_wherever_it_stands_and_however_many_there_are() -> None:
    """What makes a motion independent of its neighbours."""
    net, found = network(), []
    with torch.inference_mode():
        steps = Steps(net, rows=8)
        whole, added = begun(net, [3, 9, 12, 5, 7, 2, 11, 4])
        for picked in ([2], [2, 0], [5, 2, 1], [0, 1, 3, 4, 2], [7, 6, 5, 4, 3, 2, 1, 0]):
            cache = net.new_cache(len(picked), whole.keys[0].shape[2])
            for mine, all_rows in ((cache.keys, whole.keys), (cache.values, whole.values)):
                for layer, memory in enumerate(all_rows):
                    mine[layer].copy_(memory[picked])
            cache.length, at = whole.length, picked.index(2)
            told = []
            for step in range(3):
                codes = (torch.arange(len(picked)) * 7 + step) % NUM_CODES
                codes[at] = 11 + step
                told.append(steps(codes, added[picked][..., : cache.length + 1], cache)[at].clone())
            found.append(torch.stack(told))
    assert all(torch.equal(found[0], other) for other in found[1:])
