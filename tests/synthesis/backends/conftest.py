"""What the tests of generators share: a tiny random pipeline on disk, a stand-in launcher, a planned request."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tdmm_core.synthesis.generation import Request

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def tiny_wan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Wan pipeline of random weights, saved as a hub would serve it."""
    pytest.importorskip("diffusers", reason="pip install 'tdmm[t2v]'")
    from tiny_wan import build_tiny_wan

    return build_tiny_wan(tmp_path_factory.mktemp("tiny") / "tiny-wan")


@pytest.fixture
def requests() -> list[Request]:
    return [Request(id=f"{i:06d}", prompt=f'Face {i}, "quoted", smiles; it\'s calm.', negative_prompt="text, cuts", seed=7) for i in range(3)]
