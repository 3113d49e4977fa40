"""The system libraries that MediaPipe needs: looked for before it is loaded, and named all at once."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Mapping

from tdmm_core.errors import MissingPartError

DEBIAN_PACKAGES: Mapping[str, str] = {
    "libxcb.so.1": "libxcb1",
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libEGL.so.1": "libegl1",
    "libGLESv2.so.2": "libgles2",
}
"Library as the loader asks for it: the Debian and Ubuntu package that brings it."


def missing_libraries(libraries: Mapping[str, str] = DEBIAN_PACKAGES) -> list[str]:
    """Those that the loader does not find; none on systems other than Linux, whose wheels bring what they need."""
    if sys.platform != "linux":
        return []
    return [name for name in libraries if not _loads(name)]


def require_libraries(libraries: Mapping[str, str] = DEBIAN_PACKAGES) -> None:
    """Raise MissingPartError with the one command that installs all of them when any is missing."""
    missing = missing_libraries(libraries)
    if missing:
        packages = " ".join(libraries.values())
        raise MissingPartError(
            f"fitting needs system libraries that are not here ({', '.join(missing)}); run: apt-get update && apt-get install -y {packages}"
        )


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
