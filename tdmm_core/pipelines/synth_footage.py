"""`tdmm synth --footage`: videos that exist become a corpus, told by names, a table or a layout, or described by a model that looks at them.

Videos stay where they are and are named relative to the corpus: collections are large, and their licences seldom allow copies. Owns files and the
order of writing; what a name or an answer means is the room `synthesis`'s.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from tdmm_core.artifacts.corpus import CorpusWriter, open_corpus
from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.header import parent_of
from tdmm_core.domain.clip import CorpusClip
from tdmm_core.errors import InputError, MissingPartError, ServiceError, TdmmError
from tdmm_core.performance.lexicon import lexicon_digest
from tdmm_core.pipelines.carry_over import carry_over
from tdmm_core.pipelines.run import Run
from tdmm_core.pipelines.shards import Shard
from tdmm_core.pipelines.synth_output import SynthSummary, corpus_summary, place_of
from tdmm_core.synthesis.annotation import Seer, about_failure, annotate, open_seer
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.footage import BACKEND, Footage, described, gather
from tdmm_core.synthesis.label_table import read_labels
from tdmm_core.synthesis.layouts import LAYOUTS
from tdmm_core.video.reader import open_video


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where footage comes from and who says what it shows."""

    folder: Path
    layout: str = "names"
    labels: Path | None = None
    "A CSV file; videos that it does not name are told by the layout."
    annotator: str | None = None
    "The model that describes what nobody has told: see `open_seer`."
    licence: str = ""
    origin: str = ""
    "Where the footage was got, in words or as an address."

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise InputError(f"--layout: expected one of {', '.join(LAYOUTS)}, got {self.layout!r}")


def collect(output: Path, run: Run, *, config: SynthConfig, source: Source, shard: Shard | None = None, retry_failed: bool = False) -> SynthSummary:
    """Make the corpus `output` of the videos under a folder. What cannot be read or described is recorded as failed, and counted.

    Interrupted at any instant, the same call goes on, and no model is asked twice. Raises InputError for a folder without videos, paths that do
    not fit the layout, and where neither names nor an annotator say what is shown.
    """
    output = Path(output)
    found = _found(source, config, run)
    parents = (parent_of(source.labels),) if source.labels else ()
    place = place_of(output, run, _settings(found, source, config), shard=shard, retry_failed=retry_failed, parents=parents)
    with CorpusWriter(place.output, place.making, **place.options(run)) as writer:
        clips = place.share(found)
        if place.retried:
            with open_corpus(place.output) as finished:
                carry_over(writer, finished)
        known = writer.staged_ids()
        todo = [f for f in clips if f.clip.id not in known]
        seer = open_seer(source.annotator, device=run.device) if source.annotator and any(f.wants_words for f in todo) else None
        run.progress.start("collecting", len(clips), "video")
        run.progress.advance(len(clips) - len(todo))
        work = partial(_row, source=source, seer=seer, folder=place.output.parent, num_sentences=config.num_paraphrases + 1)
        for row in _several(work, todo, seer.at_once if seer else 1):
            writer.add(row)
            run.progress.advance(1, row.error)
        header = writer.commit([f.clip.id for f in clips])
        run.progress.finish()
    return corpus_summary(place.output, len(clips) - len(todo), header.digest)


def _found(source: Source, config: SynthConfig, run: Run) -> list[Footage]:
    tell = LAYOUTS[source.layout]
    if source.labels:
        table = read_labels(source.labels)
        if table.passed_over:
            run.progress.log(f"{source.labels}: these columns mean nothing here: {', '.join(table.passed_over)}")
        tell = table.teller(tell)
    found = gather(source.folder, tell, config, seed=run.seed, licence=source.licence)
    if source.labels and (absent := table.absent([f.path.relative_to(source.folder) for f in found])):
        run.progress.log(f"{source.labels}: {len(absent)} of {len(table.rows)} names are of no video in {source.folder}, the first is {absent[0]}")
    silent = [f for f in found if f.wants_words]
    if silent and not source.annotator:
        if len(silent) == len(found):
            raise InputError(
                f"--footage {source.folder}: expected names with words such as happy_01.mp4, got {silent[0].path.name}; "
                "give --labels FILE.csv, or --annotate MODEL to have the videos described"
            )
        run.progress.log(
            f"{source.folder}: of {len(silent)} of {len(found)} videos nobody says what they show; --annotate MODEL would have them described"
        )
    return found


def _settings(found: Sequence[Footage], source: Source, config: SynthConfig) -> dict[str, object]:
    """What decides the corpus. The list of videos is part of it, so that a run does not go on over another folder."""
    names = "\n".join(f.clip.id for f in found)
    own = {k: v for k, v in asdict(source).items() if k not in ("folder", "labels", "annotator")}
    if source.annotator:
        own["annotator"] = _annotator_name(source.annotator)
    plan = {k: getattr(config, k) for k in ("num_paraphrases", "validation_share", "test_share")}
    return {"footage": own, "videos": hashlib.sha256(names.encode()).hexdigest(), **plan, "lexicon_digest": lexicon_digest()}


def _annotator_name(name: str) -> str:
    return Path(name).resolve().name if Path(name).is_dir() else name


def _row(footage: Footage, *, source: Source, seer: Seer | None, folder: Path, num_sentences: int) -> CorpusClip:
    """The row of a video. Raises MissingPartError and InputError where the model could describe no other either."""
    told = footage.told
    about = {"layout": source.layout, "origin": source.origin, **told.about}
    subject = {"gender": told.gender} if told.gender else {}
    row: dict[str, object] = {
        "clip": footage.clip, "subject": json.dumps(subject), "backend": BACKEND, "settings": _json(about),
        "video": Path(os.path.relpath(footage.path, folder)).as_posix(),
    }  # fmt: skip
    try:
        video = open_video(footage.path)
        row |= {"fps": round(video.fps, 3), "num_frames": video.num_frames, "source_digest": file_digest(footage.path)}
    except TdmmError as e:
        return _failed(row, f"failed: {str(e).replace(str(footage.path), footage.path.name)}")
    if footage.wants_words and seer is not None:
        row |= {"settings": _json(about | {"annotated_by": seer.name}), "model": seer.name, "model_revision": getattr(seer, "revision", "")}
        try:
            seen = annotate(footage.path, seer, num_sentences=num_sentences)
        except MissingPartError:
            raise
        except TdmmError as e:
            if isinstance(e, ServiceError) and (e.status == 429 or e.reason == "UNREACHED"):
                raise
            return _failed(row, about_failure(e, footage.path))
        row["clip"] = described(footage, seen.sentences, seen.label).clip
    return CorpusClip(**row, status="done")  # type: ignore[arg-type]


def _failed(row: dict[str, object], error: str) -> CorpusClip:
    return CorpusClip(**row, status="failed", error=error)  # type: ignore[arg-type]


def _json(about: dict[str, object]) -> str:
    return json.dumps({k: v for k, v in about.items() if v != ""}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _several(work: Callable[[Footage], CorpusClip], todo: Sequence[Footage], at_once: int) -> Iterator[CorpusClip]:
    """The rows in order, some made together; what one raises ends the run, and nothing more is begun."""
    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(todo), at_once):
            yield from pool.map(work, todo[start : start + at_once])
