from __future__ import annotations

import numpy as np
import pytest

from tdmm_core.tokenization.usage import CodeUsage


def test_sums_give_what_the_frames_give():
    random = np.random.default_rng(0)
    metric = random.normal(size=(4, 4))
    codes, expression, rotation = random.integers(0, 5, 300), random.random((300, 4)), random.normal(0, 0.1, (300, 3))
    usage = CodeUsage(8, metric)
    for part in (slice(0, 7), slice(7, 7), slice(7, 300)):
        usage.add(codes[part], expression[part], rotation[part])
    assert (usage.num_frames, usage.num_used) == (300, 5)
    order = usage.most_used(99)
    assert sorted(order) == [0, 1, 2, 3, 4] and (np.diff(usage.counts[order]) <= 0).all()
    means, spreads = usage.means(order), usage.spreads(order)
    for place, code in enumerate(order):
        mine = codes == code
        assert np.allclose(means[0][place], expression[mine].mean(axis=0), atol=1e-5)
        assert np.allclose(means[1][place], rotation[mine].mean(axis=0), atol=1e-5)
        from_mean = (expression[mine] - expression[mine].mean(axis=0)) @ metric
        turned = rotation[mine] - rotation[mine].mean(axis=0)
        assert spreads[0][place] == pytest.approx(np.sqrt(np.square(from_mean).sum(axis=1).mean()), rel=1e-5)
        assert spreads[1][place] == pytest.approx(np.degrees(np.sqrt(np.square(turned).sum(axis=1).mean())), rel=1e-5)


def test_perplexity_counts_codes_as_good_as_used():
    usage = CodeUsage(16, np.eye(1))
    assert usage.perplexity == 0 and len(usage.most_used(3)) == 0
    usage.add(np.repeat(np.arange(4), 10), np.zeros((40, 1)), np.zeros((40, 3)))
    assert usage.perplexity == pytest.approx(4)
    usage.add(np.zeros(4000, int), np.zeros((4000, 1)), np.zeros((4000, 3)))
    assert 1 < usage.perplexity < 1.2
