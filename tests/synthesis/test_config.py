"""Settings of the corpus refuse what cannot be."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tdmm_core.errors import InputError
from tdmm_core.synthesis.config import SynthConfig


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"num_clips": 0}, "num_clips: expected at least 1, got 0"),
        ({"min_duration_s": 5.0, "max_duration_s": 4.0}, "got 5.0 and 4.0"),
        ({"single_share": 0.9}, "to add up to 1"),
        ({"held_share": 1.5}, "held_share: expected 0 to 1"),
        ({"image_width_px": 101}, "even number"),
        ({"test_share": 0.7}, "test_share: expected 0 to 0.5"),
        ({"min_intensity": 0.9, "max_intensity": 0.6}, "intensities"),
        ({"fps": 0.0}, "fps"),
        ({"supersampling": 9}, "supersampling"),
    ],
)
def test_impossible_settings_are_refused(given, told):
    with pytest.raises(InputError, match=re.escape(told)):
        SynthConfig(**given)


def test_config_needs_the_standard_library_alone():
    code = "import sys, tdmm_core.synthesis.config; sys.exit(any(m in sys.modules for m in ('numpy', 'torch', 'h5py', 'numba')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
