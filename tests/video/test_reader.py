"""Reading video: frames by time stamp, at any rate, and a sentence for whatever cannot be read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tdmm_core.errors import InputError
from tdmm_core.video.reader import Video, open_video, read_frames
from tdmm_core.video.writer import write_video


def gray(level: int) -> np.ndarray:
    return np.full((32, 32, 3), level, np.uint8)


def level_of(frame: np.ndarray) -> float:
    return float(frame.mean())


def write_variable_rate(path: Path, times_s: Sequence[float]) -> None:
    """Frame i has gray level 8 i + 8 and appears at times_s[i]."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=1000)
        stream.width = stream.height = 32
        stream.pix_fmt, stream.time_base, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000), Fraction(1, 1000)
        for i, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(gray(8 * i + 8), format="rgb24")
            frame.pts, frame.time_base = round(time_s * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(("source", "wanted"), [(25, 25), (24, 25), (30, 25), (60, 25), (12.5, 25), (25, 10)])
def test_length_is_kept_and_levels_rise_with_time(tmp_path: Path, source: float, wanted: float) -> None:
    write_video(tmp_path / "a.mp4", (gray(8 * i + 8) for i in range(30)), fps=source)
    seen = list(read_frames(tmp_path / "a.mp4", fps=wanted))
    assert len(seen) == round(30 / source * wanted)
    for k, (time_s, frame) in enumerate(seen):
        assert abs(time_s - k / wanted) <= 0.5 / source + 1e-3
        assert abs(level_of(frame) - (8 * time_s * source + 8)) < 4


def test_variable_rate_goes_by_time_stamps(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.5, 0.52, 0.54, 0.56, 1.0, 1.04]
    write_variable_rate(tmp_path / "v.mp4", times)
    video = open_video(tmp_path / "v.mp4")
    assert np.allclose(video.frame_times_s, times, atol=2e-3)
    for k, (time_s, frame) in enumerate(read_frames(tmp_path / "v.mp4", fps=25)):
        nearest = int(np.abs(np.asarray(times) - k / 25).argmin())
        assert abs(time_s - times[nearest]) < 2e-3 or abs(abs(time_s - k / 25) - abs(times[nearest] - k / 25)) < 2e-3
        assert abs(level_of(frame) - (8 * times.index(min(times, key=lambda t, s=time_s: abs(t - s))) + 8)) < 4


def brute_indices(times: np.ndarray, end_s: float, fps: float) -> list[int]:
    """The slow twin: for each instant, look at every frame."""
    instants = [times[0] + k / fps for k in range(max(1, round((end_s - times[0]) * fps)))]
    return [min(range(len(times)), key=lambda i: (round(abs(times[i] - t), 6), i)) for t in instants]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=30), st.sampled_from([10.0, 24.0, 25.0, 60.0]), st.floats(-1, 5))
def test_indices_equal_a_search_of_every_frame(steps_ms: list[int], fps: float, start_s: float) -> None:
    times = round(start_s, 3) + np.cumsum([0, *steps_ms])[:-1] / 1000
    video = Video(path=Path("x"), size_px=(2, 2), frame_times_s=times, end_s=times[-1] + steps_ms[-1] / 1000)
    indices = video.frame_indices(fps)
    assert (np.diff(indices) >= 0).all()
    wanted = np.asarray(brute_indices(times, video.end_s, fps))
    instants = times[0] + np.arange(len(wanted)) / fps
    # Between two frames equally near either is right.
    assert np.allclose(np.abs(times[indices] - instants), np.abs(times[wanted] - instants), atol=2e-6)


def damaged_copies(folder: Path) -> dict[str, Path]:
    whole = folder / "whole.mp4"
    noise = np.random.default_rng(0)
    write_video(whole, (noise.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(40)))
    data = whole.read_bytes()
    texts = {
        "no such file": None,
        "an empty file": b"",
        "a text file": b"not a video\n" * 50,
        "cut off or damaged": data[: len(data) // 2],
        "another or unknown format": bytes(range(255, 0, -1)) * 40,
    }
    for i, content in enumerate(texts.values()):
        if content is not None:
            (folder / f"bad{i}.mp4").write_bytes(content)
    return {words: folder / f"bad{i}.mp4" for i, words in enumerate(texts)}


def test_what_cannot_be_read_is_said_in_one_sentence(tmp_path: Path) -> None:
    for words, path in damaged_copies(tmp_path).items():
        with pytest.raises(InputError) as failure:
            list(read_frames(path))
        message = str(failure.value)
        assert words in message and str(path) in message and "\n" not in message


def test_a_file_whose_middle_is_gone_is_refused_not_looped(tmp_path: Path) -> None:
    damaged_copies(tmp_path)
    data = bytearray((tmp_path / "whole.mp4").read_bytes())
    half = len(data) // 2
    data[half:] = bytes(len(data) - half)
    (tmp_path / "hole.mp4").write_bytes(data)
    with pytest.raises(InputError, match="cut off or damaged"):
        list(read_frames(tmp_path / "hole.mp4"))


def test_sound_without_picture_is_named(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(InputError, match="without a picture track"):
        open_video(tmp_path / "a.mp4")


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a folder"):
        open_video(tmp_path)


def test_memory_stays_flat_over_a_long_video(tmp_path: Path) -> None:
    """Twelve hundred frames of 0.4 MB each pass through in far less than they hold together."""
    resource = pytest.importorskip("resource")
    write_video(tmp_path / "long.mp4", (np.full((360, 400, 3), i % 250, np.uint8) for i in range(1200)))
    frames = read_frames(tmp_path / "long.mp4")
    for _ in range(50):
        next(frames)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert sum(1 for _ in frames) == 1150
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 100
