"""System libraries: a missing one is found before MediaPipe is loaded, and the command that installs all is given."""

from __future__ import annotations

import sys

import pytest

from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.fitting.config import FitConfig
from tdmm_core.fitting.system_libraries import DEBIAN_PACKAGES, missing_libraries, require_libraries

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems' wheels bring their libraries")


@linux
def test_all_five_packages_are_named_when_one_library_is_missing() -> None:
    with pytest.raises(MissingPartError) as failure:
        require_libraries({**DEBIAN_PACKAGES, "libnosuchthing.so.9": "libnosuchthing9"})
    message = str(failure.value)
    assert "libnosuchthing.so.9" in message
    assert "apt-get install -y libxcb1 libgl1 libglib2.0-0 libegl1 libgles2" in message


@linux
def test_what_is_there_is_not_reported() -> None:
    assert missing_libraries({"libc.so.6": "libc6"}) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("fps", 0), ("focal_px", -1), ("focal_guess", 0.1), ("num_keyframes", 0), ("smoothness", -1), ("bridge_s", 9)],
)
def test_impossible_settings_say_what_they_got(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"fit.{name}.*{value}"):
        FitConfig(**{name: value})
