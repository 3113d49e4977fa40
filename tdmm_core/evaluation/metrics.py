"""Metrics as pure functions of arrays. Knows no model and no file; definitions as the manual of formats gives them."""

from __future__ import annotations

import numpy as np
from scipy import linalg

MM = 1000.0


def vertex_error_mm(vertices: np.ndarray, truth: np.ndarray, mask: np.ndarray) -> float:
    """Mean Euclidean distance in mm over the masked vertices.

    vertices, truth: (T, V, 3) metres, shape zero and head pose removed; mask: (V,) bool.
    """
    return float(np.linalg.norm(vertices[:, mask] - truth[:, mask], axis=-1).mean() * MM)


def jitter_mm(vertices: np.ndarray, mask: np.ndarray) -> float:
    """Mean acceleration in mm/frame^2 over the masked vertices of (T, V, 3) metres; NaN below three frames."""
    if len(vertices) < 3:
        return float("nan")
    return float(np.linalg.norm(np.diff(vertices[:, mask], n=2, axis=0), axis=-1).mean() * MM)


def parameter_l2(parameters: np.ndarray, truth: np.ndarray) -> float:
    """Mean over frames of the Euclidean distance between two (T, P) rows, over the truth's length.

    A shorter motion is held at its last frame, a longer one is cut (paper, table 3: L2).
    """
    index = np.minimum(np.arange(len(truth)), len(parameters) - 1)
    return float(np.linalg.norm(parameters[index] - truth, axis=-1).mean())


FEATURES = "clip-statistics-1"
"Name and version of the features behind the Frechet distance."


def motion_features(parameters: np.ndarray, lag_frames: int = 1) -> np.ndarray:
    """(3 P,) features of one (T, P) motion: mean, spread, and mean absolute velocity of every parameter."""
    lag = min(lag_frames, len(parameters) - 1)
    speed = np.abs(parameters[lag:] - parameters[:-lag]).mean(0) / lag if lag else np.zeros(parameters.shape[1])
    return np.concatenate([parameters.mean(0), parameters.std(0), speed])


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Frechet distance between Gaussians fitted to two (N, D) feature sets: |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2).

    Each set needs two rows at least. A little of the identity keeps the root real when N < D.
    """
    mean_a, mean_b = a.mean(0), b.mean(0)
    ridge = 1e-6 * np.eye(a.shape[1])
    cov_a, cov_b = np.cov(a, rowvar=False) + ridge, np.cov(b, rowvar=False) + ridge
    root_a = linalg.sqrtm(cov_a).real
    cross = linalg.eigvalsh(root_a @ cov_b @ root_a)  # same spectrum as C1 C2
    distance = ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(np.clip(cross, 0, None)).sum()
    return float(max(distance, 0.0))


def perplexity(codes: np.ndarray, num_codes: int) -> float:
    """exp of the entropy of code use; between 1 and `num_codes`."""
    share = np.bincount(codes.ravel(), minlength=num_codes) / codes.size
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))
