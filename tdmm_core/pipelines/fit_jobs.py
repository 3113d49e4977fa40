"""What `tdmm fit` is to do: one job for each clip of a corpus or each video file, with what is said of the clip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.header import Parent, parent_of
from tdmm_core.domain.clip import Clip, CorpusClip
from tdmm_core.errors import InputError
from tdmm_core.pipelines.joined import named_apart

_ARTIFACTS = {".h5", ".hdf5"}


@dataclass(frozen=True, kw_only=True)
class FitJob:
    """A clip to fit; one whose video was never made has failed before it began."""

    clip: Clip
    video: Path
    source: str
    "The video's name as the artifact remembers it."
    source_digest: str
    error: str = ""


def fit_jobs(inputs: Sequence[Path]) -> tuple[list[FitJob], tuple[Parent, ...]]:
    """The jobs of all inputs, in order, each with a name of its own, and the inputs as parents.

    Raises InputError for no input, an artifact that is no corpus, or a corpus without videos.
    """
    if not inputs:
        raise InputError("fit: expected a corpus (.h5) or video files, got nothing")
    paths = [Path(p) for p in inputs]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: {'expected a video or a corpus, got a folder' if path.is_dir() else 'no such file'}")
    parents = tuple(parent_of(p) for p in paths)
    jobs = [job for path, parent in zip(paths, parents, strict=True) for job in _jobs_of(path, parent)]
    names = named_apart([job.clip.id for job in jobs])
    return [replace(job, clip=replace(job.clip, id=name)) for job, name in zip(jobs, names, strict=True)], parents


def _jobs_of(path: Path, parent: Parent) -> Iterable[FitJob]:
    if path.suffix.lower() not in _ARTIFACTS:
        return [FitJob(clip=Clip(id=path.stem), video=path, source=path.name, source_digest=parent.digest)]
    with open_corpus(path) as corpus:
        jobs = [_corpus_job(path, row) for row in corpus]
    if jobs and all(job.error for job in jobs):
        raise InputError(f"{path}: a corpus none of whose {len(jobs)} clips has a video; make them with tdmm synth, or fit video files")
    return jobs


def _corpus_job(path: Path, row: CorpusClip) -> FitJob:
    error = "" if row.status == "done" and row.video else row.error or f"its video was not made (status {row.status})"
    return FitJob(clip=row.clip, video=path.parent / row.video, source=row.video, source_digest=row.source_digest, error=error)
