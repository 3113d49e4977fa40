"""`tdmm synth` with the embedded generator: a plan becomes a corpus with videos and true motion, or motion alone; by several processes, from
where it was interrupted.

Owns processes and the order of writing; what is planned and how it is performed is the room `synthesis`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from tdmm_core.artifacts.atomic import make_folder
from tdmm_core.artifacts.corpus import CorpusWriter, open_corpus
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.domain.clip import CorpusClip, MotionClip
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.lexicon import lexicon_digest
from tdmm_core.pipelines.carry_over import carry_over
from tdmm_core.pipelines.processes import spread
from tdmm_core.pipelines.refine import refined, refining
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard
from tdmm_core.pipelines.synth_output import Place, SynthSummary, motion_summary, place_of
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import PlannedClip, plan_clips
from tdmm_core.synthesis.scripted import make_motion, make_video

_MOTION_BLOCK = 128
"Clips that a process performs and the writer stages at a time, where there is no video: about half a second of work."


def synth(
    output: Path, run: Run, *, config: SynthConfig, video: bool = True, refine: str = "", shard: Shard | None = None, retry_failed: bool = False
) -> SynthSummary:
    """Make the corpus `output` (`c.h5`) with `c.motion.h5` and `c.videos/`; without `video`, the motion artifact `output` alone.

    With `shard`, its share alone as `c.I-of-N.h5`. `refine` names the language model that rewrites the sentences, if any. Clips that fail are
    recorded and counted; `retry_failed` makes those of a finished output anew. Interrupted at any instant, the same call goes on and ends in
    the same digest.
    Raises InputError where the output exists, cannot be written, or is no .h5 file.
    """
    # What the package brings and the clips follow from; blocks of another edition are not taken up.
    editions = {"lexicon_digest": lexicon_digest(), "face_model_digest": load_open_head().digest}
    settings = {k: v for k, v in asdict(config).items() if k != "generator"}
    place = place_of(output, run, {**settings, "video": video, **editions, **refining(refine)}, shard=shard, retry_failed=retry_failed)
    return _with_video(place, run, config, refine) if video else _motion_alone(place, run, config, refine)


def _motion_alone(place: Place, run: Run, config: SynthConfig, refine: str) -> SynthSummary:
    with MotionWriter(place.output, place.making, block_size=_MOTION_BLOCK, **place.options(run)) as writer:
        planned = refined(place.share(plan_clips(config, seed=run.seed)), place.output, run, model=refine)
        if place.retried:
            with open_motion(place.output) as finished:
                carry_over(writer, finished)
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
    return motion_summary(place.output, place.output, len(planned) - len(todo), header.digest)


def _with_video(place: Place, run: Run, config: SynthConfig, refine: str) -> SynthSummary:
    motion_path, options = place.output.with_suffix(".motion.h5"), place.options(run)
    with CorpusWriter(place.output, place.making, **options) as corpus, MotionWriter(motion_path, place.making, **options) as motion:
        planned = refined(place.share(plan_clips(config, seed=run.seed)), place.output, run, model=refine)
        if place.retried:
            with open_corpus(place.output) as rows, open_motion(motion_path) as truths:
                carry_over(corpus, rows)
                carry_over(motion, truths)
        make_folder(place.videos)
        known, moved = corpus.staged_ids(), motion.staged_ids()
        todo = [p for p in planned if not (p.clip.id in known and p.clip.id in moved)]
        run.progress.start("filming", len(planned), "clip")
        run.progress.advance(len(planned) - len(todo))
        for pairs in spread(partial(_film, config=config, folder=place.videos), [[p] for p in todo], run.workers):
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
    return motion_summary(place.output, motion_path, len(planned) - len(todo), header.digest)


def _perform(planned: Sequence[PlannedClip], *, config: SynthConfig) -> list[MotionClip]:
    return [make_motion(p, config) for p in planned]


def _film(planned: Sequence[PlannedClip], *, config: SynthConfig, folder: Path) -> list[tuple[CorpusClip, MotionClip]]:
    return [make_video(p, config, folder) for p in planned]


def _batches(planned: Sequence[PlannedClip], size: int) -> Iterator[list[PlannedClip]]:
    return (list(planned[i : i + size]) for i in range(0, len(planned), size))
