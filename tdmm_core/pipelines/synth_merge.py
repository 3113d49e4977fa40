"""`tdmm synth --merge`: the shards of one plan become the artifact that a single run would have made, with the same digest."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tdmm_core.artifacts.corpus import CorpusFile, CorpusWriter, open_corpus
from tdmm_core.artifacts.header import Header, Making, read_header
from tdmm_core.artifacts.motion import MotionFile, MotionWriter, open_motion
from tdmm_core.artifacts.writer import ArtifactWriter
from tdmm_core.domain.clip import CorpusClip, MotionClip
from tdmm_core.errors import InputError
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import SETTING, Shard, parse_shard, shard_files
from tdmm_core.pipelines.synth_output import SynthSummary, corpus_summary, motion_summary

_BLOCK = 256


def merge(output: Path, run: Run, *, inputs: Sequence[Path] = ()) -> SynthSummary:
    """Unite the shards `inputs`, or those beside `output` (`c.1-of-4.h5` ...), as `output`, with their true motion where they have one.

    Videos stay where they are; rows name them from the new place. Raises InputError where a shard is missing, given twice or of another plan.
    """
    output = Path(output)
    files = [Path(p) for p in inputs] or shard_files(output)
    if not files:
        raise InputError(f"{output}: no shards lie beside it (such as {Shard(index=1, count=2).output(output).name}); name them after --merge")
    headers = [read_header(path) for path in files]
    making = _common_making(files, headers)
    if headers[0].kind == "motion":
        digest = _united(MotionWriter(output, making, force=run.force, resume=run.resume, block_size=_BLOCK), [open_motion(p) for p in files])
        return motion_summary(output, output, 0, digest)
    motions = [path.with_suffix(".motion.h5") for path in files]
    if any(path.exists() for path in motions):
        beside = output.with_suffix(".motion.h5")
        truth = _common_making(motions, [read_header(path) for path in motions])
        _united(MotionWriter(beside, truth, force=run.force, resume=run.resume, block_size=_BLOCK), [open_motion(p) for p in motions])
    digest = _united(CorpusWriter(output, making, force=run.force, resume=run.resume, block_size=_BLOCK), [open_corpus(p) for p in files])
    return motion_summary(output, beside, 0, digest) if any(p.exists() for p in motions) else corpus_summary(output, 0, digest)


def _common_making(files: Sequence[Path], headers: Sequence[Header]) -> Making:
    """How the whole is made. Raises InputError unless the files are all shards of one plan, each once."""
    shards = []
    for path, header in zip(files, headers, strict=True):
        if SETTING not in header.config:
            raise InputError(f"{path}: expected a shard, made by tdmm synth --shard, got a whole {header.kind}; later commands take several files")
        shards.append(parse_shard(str(header.config[SETTING])))
    whole = [_of_whole(header) for header in headers]
    for path, header, making in zip(files, headers, whole, strict=True):
        if header.kind != headers[0].kind or not making.same_as(whole[0]):
            raise InputError(f"{path}: is no shard of the plan of {files[0]}: settings, seed or inputs differ")
    counts = {s.count for s in shards}
    if len(counts) > 1:
        raise InputError(f"--merge: expected shards of one number, got some of {min(counts)} and some of {max(counts)}")
    have, count = sorted(s.index for s in shards), counts.pop()
    if have != list(range(1, count + 1)):
        odd = next((i for i in range(1, count + 1) if have.count(i) != 1), count)
        raise InputError(f"--merge: expected each of {count} shards once, got shard {odd} {have.count(odd)} times")
    return whole[0]


def _of_whole(header: Header) -> Making:
    return replace(header.making, config={k: v for k, v in header.config.items() if k != SETTING})


def _united(writer: ArtifactWriter, files: Sequence[CorpusFile] | Sequence[MotionFile]) -> str:
    with writer:
        known = writer.staged_ids()
        for file in files:
            with file:
                for index, name in enumerate(file.ids):
                    if name not in known:
                        writer.add(_moved(file[index], file.path, writer.path))
        return writer.commit().digest


def _moved(clip: CorpusClip | MotionClip, old: Path, new: Path) -> CorpusClip | MotionClip:
    """The clip as a file elsewhere names its video."""
    if isinstance(clip, MotionClip) or not clip.video or old.parent.resolve() == new.parent.resolve():
        return clip
    return replace(clip, video=Path(os.path.relpath(old.parent / clip.video, new.parent)).as_posix())
