"""A run of its own, to be killed: goes on from what is staged, commits, ends. Argument: the artifact."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from artifact_cases import MAKING, motion_clip  # noqa: E402

from tdmm_core.artifacts.motion import MotionWriter  # noqa: E402

COUNT = 120

with MotionWriter(Path(sys.argv[1]), MAKING) as writer:
    staged = writer.staged_ids()
    for i in range(COUNT):
        if f"clip-{i:03d}" not in staged:
            writer.add(motion_clip(i))
    writer.commit([f"clip-{i:03d}" for i in range(COUNT)])
