"""The corpus at the paper's size: planning 57,200 clips, and performing without video, linear in their number and flat in memory.

Targets: a plan with scripts, sentences and paraphrases in at most 60 s and 1 GB; at least 2,000 clips of 4 to 6 s a minute on two cores from
`tdmm synth --no-video`. Floors: importing what planning imports; a run of a single clip. `TDMM_BENCH_CLIPS` takes another set of sizes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

PLANNED, SIZES = 57_200, tuple(map(int, os.environ.get("TDMM_BENCH_CLIPS", "1000,5000,20000").split(",")))
_PLAN = """
import resource, sys, time
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import plan_clips
count = int(sys.argv[1])
start, cpu = time.perf_counter(), time.process_time()
clips = plan_clips(SynthConfig(num_clips=count, min_duration_s=4.0), seed=3) if count else ()
sentences = sum(1 + len(p.clip.paraphrases) for p in clips)
print(time.perf_counter() - start, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(clips), sentences)
"""


def planned(count: int) -> list[float]:
    done = subprocess.run([sys.executable, "-c", _PLAN, str(count)], check=True, capture_output=True, text=True)
    return list(map(float, done.stdout.split()))


def performed(count: int, folder: Path) -> tuple[float, float, float, float]:
    """Seconds by the clock, seconds of all cores, MB of the largest process, MB of the file, of `tdmm synth --no-video`."""
    out = folder / f"{count}.h5"
    settings = (f"synth.num_clips={count}", "synth.min_duration_s=4", "synth.max_duration_s=6")
    command = [sys.executable, "-m", "tdmm_cli", "synth", "-o", str(out), "--no-video", "--seed", "3", "--workers", "2", "--quiet"]
    start = time.perf_counter()
    process = subprocess.Popen([*command, *(word for s in settings for word in ("--set", s))], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    size = out.stat().st_size / 2**20
    out.unlink()
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, size


def test_planning_at_the_papers_size() -> None:
    floor = planned(0)
    wall, cpu, memory, clips, sentences = planned(PLANNED)
    print(
        f"\nplan of {clips:,.0f} clips with {sentences:,.0f} sentences: {wall:.1f} s by the clock, {cpu:.1f} s of one core, {memory:.0f} MB "
        f"(imports alone {floor[2]:.0f} MB); targets 60 s, 1024 MB"
    )
    assert clips == PLANNED and sentences == 6 * PLANNED
    # Busy machines stretch the clock, not the work.
    assert min(wall, cpu) <= 60 and memory <= 1024


def test_performing_without_video(tmp_path: Path) -> None:
    floor = performed(1, tmp_path)
    print(f"\none clip alone: {floor[0]:.1f} s, {floor[2]:.0f} MB")
    rows = []
    for count in SIZES:
        wall, cpu, memory, size = performed(count, tmp_path)
        rows.append((count, wall - floor[0], cpu - floor[1], memory))
        print(
            f"{count:6,d} clips: {wall:6.1f} s by the clock, {60 * count / wall:7,.0f} clips a minute; {cpu:6.1f} s of all cores, "
            f"{1000 * (cpu - floor[1]) / count:.1f} ms a clip; largest process {memory:.0f} MB; file {size:.0f} MB"
        )
    count, wall, cpu, _ = rows[-1]
    print(f"target 2,000 clips a minute on two cores; by the work done {60 * count / (cpu / 2):,.0f}")
    assert 60 * count / min(wall, cpu / 2) >= 2000
    each = [cpu / count for count, _, cpu, _ in rows]
    assert max(each) <= 1.3 * min(each), "the cost of a clip does not grow with their number"
    # Clips pass through; what stays is the plan, two kilobytes a clip.
    assert rows[-1][3] - rows[0][3] <= 0.006 * (rows[-1][0] - rows[0][0]) + 40
