from __future__ import annotations

import torch

from tdmm_core.tokenization.carrying import ALONE, Carrying, choose
from tdmm_core.tokenization.codebook import REVIVED_COUNT, Codebook
from tdmm_core.tokenization.kmeans import kmeans
from tdmm_core.tokenization.quantizer import Quantizer


def a_codebook(num_codes: int = 7, code_dim: int = 3, seed: int = 0, **settings: float) -> Codebook:
    codebook = Codebook(num_codes, code_dim, **settings)
    codebook.fill(torch.randn(num_codes, code_dim, generator=torch.Generator().manual_seed(seed)))
    return codebook


def nearest(latents: torch.Tensor, codebook: Codebook) -> torch.Tensor:
    return choose(latents[None], [codebook.vectors], ALONE)[0, :, 0]


def test_vectors_follow_the_means_of_what_chose_them():
    codebook = a_codebook(num_codes=2, code_dim=2, decay=0.9, dead_below=0.0)
    codebook.fill(torch.tensor([[0.0, 0.0], [10.0, 0.0]]))
    latents = torch.tensor([[1.0, 1.0], [3.0, 1.0], [9.0, 0.0]])
    codebook.follow(latents, torch.tensor([0, 0, 1]))
    count = 0.9 * 1 + 0.1 * 2
    total = 0.9 * torch.tensor([0.0, 0.0]) + 0.1 * (latents[0] + latents[1])
    assert torch.allclose(codebook.vectors[0], total / count)
    for _ in range(200):
        codebook.follow(latents, torch.tensor([0, 0, 1]))
    assert torch.allclose(codebook.vectors, torch.tensor([[2.0, 1.0], [9.0, 0.0]]), atol=1e-3)


def test_a_code_out_of_use_moves_to_the_worst_served_latent():
    codebook = a_codebook(num_codes=2, code_dim=1, decay=0.5, dead_below=0.2)
    codebook.fill(torch.tensor([[0.0], [1000.0]]))
    latents = torch.tensor([[0.1], [5.0], [-0.1]])
    for _ in range(3):
        codebook.follow(latents, nearest(latents, codebook))
    assert torch.allclose(codebook.vectors[1], torch.tensor([5.0]))
    assert codebook.counts[1] >= REVIVED_COUNT * 0.5
    assert nearest(torch.tensor([[5.0]]), codebook) == 1


def test_more_dead_codes_than_latents():
    codebook = a_codebook(num_codes=6, code_dim=1, decay=0.1, dead_below=0.5)
    codebook.fill(torch.arange(6.0)[:, None] * 100)
    codebook.follow(torch.tensor([[1.0], [3.0]]), torch.tensor([0, 0]))
    assert set(codebook.vectors[1:, 0].tolist()) == {1.0, 3.0}
    codebook.follow(torch.zeros(0, 1), torch.zeros(0, dtype=torch.long))
    assert torch.isfinite(codebook.vectors).all()


def test_kmeans_beats_random_points_and_repeats():
    points = torch.randn(2000, 4, generator=torch.Generator().manual_seed(3))
    first, again, few = (kmeans(points, 32, seed=5, iterations=i) for i in (10, 10, 0))
    assert torch.equal(first, again)
    error = [torch.cdist(points, means).min(dim=1).values.square().mean() for means in (first, few)]
    assert error[0] < 0.8 * error[1]


def test_kmeans_of_fewer_points_than_means():
    points = torch.randn(3, 2)
    means = kmeans(points, 8, seed=0)
    assert means.shape == (8, 2)
    assert torch.cdist(points, means).min(dim=1).values.max() < 0.01


def test_quantizer_gives_codes_in_range_that_give_its_values():
    quantizer = Quantizer(16, 5, codes_per_frame=3).eval()
    latents = torch.randn(4, 11, 5)
    quantizer.fill(latents.reshape(-1, 5), seed=0)
    made = quantizer(latents)
    assert made.codes.shape == (4, 11, 3)
    assert int(made.codes.min()) >= 0 and int(made.codes.max()) < 16
    assert torch.equal(made.codes, quantizer.codes(latents))
    assert torch.allclose(made.values, quantizer.values(made.codes), atol=1e-5)


def test_each_codebook_lowers_the_error():
    latents = torch.randn(1, 500, 6, generator=torch.Generator().manual_seed(0))
    errors = []
    for codes_per_frame in (1, 2, 3):
        quantizer = Quantizer(16, 6, codes_per_frame=codes_per_frame).eval()
        quantizer.fill(latents[0], seed=0)
        errors.append(float((quantizer(latents).values - latents).square().mean()))
    assert errors[0] > 1.2 * errors[1] > 1.2 * 1.2 * errors[2]


def test_gradient_passes_through_and_commitment_pulls_the_encoder():
    quantizer = Quantizer(8, 3).eval()
    latents = torch.randn(2, 4, 3, requires_grad=True)
    quantizer.fill(torch.randn(100, 3), seed=0)
    made = quantizer(latents)
    weight = torch.randn(2, 4, 3)
    (made.values * weight).sum().backward()
    assert torch.allclose(latents.grad, weight)
    latents.grad = None
    quantizer(latents).commitment.sum().backward()
    assert torch.allclose(latents.grad, 2 * (latents - made.values).detach(), atol=1e-5)


def test_codebooks_follow_latents_whatever_is_carried():
    latents, counted = torch.randn(3, 20, 2, generator=torch.Generator().manual_seed(2)), torch.ones(3, 20, dtype=torch.bool)
    states, values = [], []
    for carrying in (ALONE, Carrying(0.8, 0.1)):
        quantizer = Quantizer(6, 2, carrying=carrying)
        quantizer.fill(torch.randn(60, 2, generator=torch.Generator().manual_seed(1)), seed=0)
        made = quantizer.train()(latents, counted)
        states.append(quantizer.state_dict())
        values.append(made.values)
    assert not torch.equal(values[0], values[1])
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_codebook_only_follows_frames_that_count():
    quantizer = Quantizer(4, 2)
    quantizer.fill(torch.randn(50, 2), seed=0)
    before = quantizer.codebooks[0].counts.clone()
    counted = torch.zeros(1, 6, dtype=torch.bool)
    counted[0, 2] = True
    latents = torch.randn(1, 6, 2)
    quantizer.train()(latents, counted)
    after = quantizer.codebooks[0].counts
    hit = int(nearest(latents[0, 2:3], quantizer.codebooks[0]))
    assert int(after.argmax()) == hit
    assert torch.allclose(after.sum(), before.sum() * 0.99 + 0.01)
