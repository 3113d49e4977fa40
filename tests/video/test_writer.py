"""Writing video: same frames, same bytes; a failure leaves nothing under the final name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from tdmm_core.errors import InputError
from tdmm_core.video.writer import write_video


def moving_square(num_frames: int, height: int = 48, width: int = 64) -> Iterator[np.ndarray]:
    for i in range(num_frames):
        frame = np.full((height, width, 3), (40, 90, 160), np.uint8)
        frame[10:30, 2 * i : 2 * i + 20] = (220, 60, 30)
        yield frame


def decoded(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


def test_what_is_written_is_what_was_given(tmp_path: Path) -> None:
    assert write_video(tmp_path / "a.mp4", moving_square(12), fps=25) == 12
    error = np.abs(decoded(tmp_path / "a.mp4").astype(int) - np.stack(list(moving_square(12))))
    assert error.mean() < 4
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert float(container.streams.video[0].average_rate) == 25
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"


def test_same_frames_same_bytes(tmp_path: Path) -> None:
    """Many times over, with used memory in between: the encoder's own chance showed about once in a hundred files."""
    digests = set()
    for i in range(80):
        litter = [np.random.default_rng(i).integers(0, 255, 5_000 * k, dtype=np.uint8) for k in range(1, 6)]
        del litter
        write_video(tmp_path / "a.mp4", moving_square(9), fps=24)
        digests.add(hashlib.sha256((tmp_path / "a.mp4").read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.mark.parametrize(("height", "width"), [(47, 64), (48, 63), (47, 63)])
def test_odd_sizes_are_padded(tmp_path: Path, height: int, width: int) -> None:
    write_video(tmp_path / "a.mp4", moving_square(3, height, width))
    assert decoded(tmp_path / "a.mp4").shape[1:3] == (48, 64)


def broken_after(num_frames: int) -> Iterator[np.ndarray]:
    yield from moving_square(num_frames)
    raise RuntimeError("the renderer died")


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "a.mp4"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError):
        write_video(target, broken_after(4))
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([], "at least one frame"),
        ([np.zeros((4, 4), np.uint8)], "expected (height, width, 3) uint8"),
        ([np.zeros((4, 4, 3), np.float32)], "uint8"),
        ([np.zeros((4, 4, 3), np.uint8), np.zeros((6, 4, 3), np.uint8)], "expected 4x4"),
    ],
)
def test_bad_frames_are_refused_in_a_sentence(tmp_path: Path, frames: list[np.ndarray], words: str) -> None:
    with pytest.raises(InputError) as failure:
        write_video(tmp_path / "a.mp4", frames)
    assert words in str(failure.value)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.*cannot be written"):
        write_video(tmp_path / "nowhere" / "a.mp4", moving_square(2))
