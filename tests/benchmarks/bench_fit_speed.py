"""Speed and memory of `tdmm fit`, each beside what it rests on: decoding plus MediaPipe alone on the same film, one process on each side.

Speed: frames per second from file to artifact, cold processes, in turns; at least 0.8 of the other side. Memory: the process's peak at two lengths,
at most 1.5 GB for 200 s and at most 10 KB more for every frame more.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from film_cases import acted, filmed

from tdmm_core.video.reader import read_frames
from tdmm_core.video.writer import write_video

ROUNDS = int(os.environ.get("ROUNDS", "3"))
RATIO, PEAK_GB, KB_A_FRAME = 0.8, 1.5, 10
FACES = Path(__file__).resolve().parents[3] / "shared" / "data" / "faces"

ALONE = """
import sys, time
import decord, mediapipe
from mediapipe.tasks.python import BaseOptions, vision
from tdmm_core.assets.find import find_asset
options = vision.FaceLandmarkerOptions(
    base_options=BaseOptions(model_asset_path=str(find_asset("face-landmarker"))), running_mode=vision.RunningMode.VIDEO,
    output_face_blendshapes=True, output_facial_transformation_matrixes=True)
reader, found = decord.VideoReader(sys.argv[1], num_threads=1), 0
with vision.FaceLandmarker.create_from_options(options) as network:
    for i in range(len(reader)):
        picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=reader.next().asnumpy())
        found += bool(network.detect_for_video(picture, 40 * i).face_landmarks)
assert found > 0.5 * len(reader)
"""
"Decoding plus MediaPipe alone."

PEAK = """
import resource, sys
from tdmm_cli.app import app
try:
    app(sys.argv[1:])
finally:
    print("PEAK", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
"The command, and the most memory that it held, in KB."


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 s of an acted face, 640x360."""
    path = tmp_path_factory.mktemp("film") / "acted.mp4"
    frames = filmed(acted(np.arange(100) / 25), size=360)
    wide = [np.pad(f, ((0, 0), (140, 140), (0, 0)), mode="edge") for f in frames]
    write_video(path, (wide[i % 200 if i % 200 < 100 else 199 - i % 200] for i in range(500)))
    return path


def seconds(*argv: str) -> tuple[float, float]:
    """Wall and processor time of a Python process."""
    before, start = os.times(), time.perf_counter()
    subprocess.run([sys.executable, *argv], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = os.times()
    return time.perf_counter() - start, after.children_user + after.children_system - before.children_user - before.children_system


def compare(film: Path, out: Path) -> None:
    frames = sum(1 for _ in read_frames(film))
    walls: dict[str, list[float]] = {"fit": [], "alone": []}
    works: dict[str, list[float]] = {"fit": [], "alone": []}
    for _ in range(ROUNDS):
        for name, argv in (("alone", ("-c", ALONE, str(film))), ("fit", ("-m", "tdmm_cli", "fit", str(film), "-o", str(out), "--force", "--quiet"))):
            wall, work = seconds(*argv)
            walls[name].append(wall)
            works[name].append(work)
    fps = {name: frames / statistics.median(t) for name, t in walls.items()}
    work = {name: 1000 * statistics.median(t) / frames for name, t in works.items()}
    ratio = statistics.median(a / f for a, f in zip(walls["alone"], walls["fit"], strict=True))
    print(
        f"\n{film.name}, {frames} frames: fit {fps['fit']:.1f} fps, decoding plus MediaPipe alone {fps['alone']:.1f} fps, "
        f"ratio {ratio:.2f} (target {RATIO}); processor {work['fit']:.1f} and {work['alone']:.1f} ms a frame, ratio {work['alone'] / work['fit']:.2f}"
    )
    assert ratio >= RATIO


def test_speed_on_an_acted_face(film: Path, tmp_path: Path) -> None:
    compare(film, tmp_path / "m.h5")


@pytest.mark.parametrize("name", ["webcam_400x300.mp4", "closeeye_1280x704.mp4"])
def test_speed_on_real_faces(name: str, tmp_path: Path) -> None:
    if not (FACES / name).exists():
        pytest.skip(f"{name} is not beside the repository")
    compare(FACES / name, tmp_path / "m.h5")


def peak_kb(film: Path, out: Path) -> int:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "fit", str(film), "-o", str(out), "--force", "--quiet"], check=True, capture_output=True, text=True
    )
    return int(done.stdout.split("PEAK")[1])


def looped(film: Path, times: int, out: Path) -> int:
    """Write the film several times over, its packets as they are, and return the number of frames."""
    import av

    count = 0
    with av.open(str(out), "w") as target, av.open(str(film)) as first:
        stream = target.add_stream_from_template(first.streams.video[0])
        length = first.streams.video[0].duration
        for i in range(times):
            with av.open(str(film)) as source:
                for packet in source.demux(video=0):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + i * length, packet.dts + i * length
                        packet.stream = stream
                        target.mux(packet)
                        count += 1
    return count


def test_memory_of_a_long_film(film: Path, tmp_path: Path) -> None:
    peaks = {}
    for times in (4, 10):
        long = tmp_path / f"{times}.mp4"
        peaks[looped(film, times, long)] = peak_kb(long, tmp_path / "m.h5")
    (few, low), (many, high) = peaks.items()
    growth = (high - low) / (many - few)
    print(
        f"\nmemory: {high / 1e6:.2f} GB at {many} frames (200 s, target {PEAK_GB} GB), {low / 1e6:.2f} GB at {few}; "
        f"{growth:.1f} KB more for every frame (target {KB_A_FRAME})"
    )
    assert high / 1e6 <= PEAK_GB and growth <= KB_A_FRAME
