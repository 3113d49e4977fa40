"""`tdmm synth`: a plan becomes a corpus with videos and true motion, or motion alone; by several processes, from where it was interrupted.

Owns files, processes and the order of writing; what is planned and how it is performed is the room `synthesis`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tdmm_core.artifacts.atomic import make_folder
from tdmm_core.artifacts.corpus import CorpusWriter
from tdmm_core.artifacts.header import Making
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.domain.clip import CorpusClip, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.lexicon import lexicon_digest
from tdmm_core.pipelines.processes import spread
from tdmm_core.pipelines.run import Run
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import PlannedClip, plan_clips
from tdmm_core.synthesis.scripted import make_motion, make_video

_MOTION_BLOCK = 128
"Clips that a process performs and the writer stages at a time, where there is no video: about half a second of work."


@dataclass(frozen=True, kw_only=True)
class SynthSummary:
    """What was made."""

    output: str
    motion: str
    "The true motion; the output itself where there is no video."
    num_clips: int
    num_failed: int
    num_frames: int
    num_resumed: int
    "Clips that an interrupted run had made already."
    digest: str


def synth(output: Path, run: Run, *, config: SynthConfig, video: bool = True) -> SynthSummary:
    """Make the corpus `output` (`c.h5`) with `c.motion.h5` and `c.videos/`; without `video`, the motion artifact `output` alone.

    Clips that fail are recorded and counted. Interrupted at any instant, the same call goes on and ends in the same digest.
    Raises InputError where the output exists, cannot be written, or is no .h5 file.
    """
    output = Path(output)
    if output.suffix != ".h5":
        raise InputError(f"{output}: expected an output name ending in .h5, got {output.suffix or 'no suffix'!r}")
    # What the package brings and the clips follow from; blocks of another edition are not taken up.
    editions = {"lexicon_digest": lexicon_digest(), "face_model_digest": load_open_head().digest}
    making = Making(recipe=run.recipe, config={**asdict(config), "video": video, **editions}, seed=run.seed)
    return _with_video(output, making, run, config) if video else _motion_alone(output, making, run, config)


def _motion_alone(output: Path, making: Making, run: Run, config: SynthConfig) -> SynthSummary:
    with MotionWriter(output, making, force=run.force, resume=run.resume, block_size=_MOTION_BLOCK) as writer:
        planned = plan_clips(config, seed=run.seed)
        done = writer.staged_ids()
        todo = [p for p in planned if p.clip.id not in done]
        run.progress.start("performing", len(planned), "clip")
        run.progress.advance(len(planned) - len(todo))
        for clips in spread(partial(_perform, config=config), list(_batches(todo, _MOTION_BLOCK)), run.workers):
            for clip in clips:
                writer.add(clip)
            run.progress.advance(len(clips))
        header = writer.commit([p.clip.id for p in planned])
        run.progress.finish()
    return _summary(output, output, len(planned), len(planned) - len(todo), header.digest)


def _with_video(output: Path, making: Making, run: Run, config: SynthConfig) -> SynthSummary:
    motion_path, videos = output.with_suffix(".motion.h5"), output.with_suffix(".videos")
    options = {"force": run.force, "resume": run.resume}
    with CorpusWriter(output, making, **options) as corpus, MotionWriter(motion_path, making, **options) as motion:
        planned = plan_clips(config, seed=run.seed)
        make_folder(videos)
        known, moved = corpus.staged_ids(), motion.staged_ids()
        todo = [p for p in planned if not (p.clip.id in known and p.clip.id in moved)]
        run.progress.start("filming", len(planned), "clip")
        run.progress.advance(len(planned) - len(todo))
        for pairs in spread(partial(_film, config=config, folder=videos), [[p] for p in todo], run.workers):
            for row, truth in pairs:
                if truth.clip.id not in moved:
                    motion.add(truth)
                if row.clip.id not in known:
                    corpus.add(row)
                run.progress.advance(1, row.error)
        order = [p.clip.id for p in planned]
        motion.commit(order)
        # The corpus comes last: where it stands, everything beside it is whole.
        header = corpus.commit(order)
        run.progress.finish()
    return _summary(output, motion_path, len(planned), len(planned) - len(todo), header.digest)


def _summary(output: Path, motion: Path, num_clips: int, num_resumed: int, digest: str) -> SynthSummary:
    with open_motion(motion) as file:
        failed, frames = int((file.statuses == "failed").sum()), int(file.lengths.sum())
    return SynthSummary(
        output=str(output), motion=str(motion), num_clips=num_clips, num_failed=failed, num_frames=frames, num_resumed=num_resumed, digest=digest
    )  # fmt: skip


def _perform(planned: Sequence[PlannedClip], *, config: SynthConfig) -> list[MotionClip]:
    return [make_motion(p, config) for p in planned]


def _film(planned: Sequence[PlannedClip], *, config: SynthConfig, folder: Path) -> list[tuple[CorpusClip, MotionClip]]:
    return [make_video(p, config, folder) for p in planned]


def _batches(planned: Sequence[PlannedClip], size: int) -> Iterator[list[PlannedClip]]:
    return (list(planned[i : i + size]) for i in range(0, len(planned), size))
