"""Proving an artifact: every digest is computed anew from the bytes and compared with the one that was written."""

from __future__ import annotations

from pathlib import Path

from tdmm_core.artifacts.columns import ColumnStore
from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.digest import file_digest, root_digest, row_digest
from tdmm_core.artifacts.header import read_header
from tdmm_core.artifacts.heaps import check_heaps
from tdmm_core.artifacts.model_folder import model_problems
from tdmm_core.artifacts.opening import damage, is_hdf5, open_hdf5
from tdmm_core.artifacts.report import read_report, report_digest
from tdmm_core.artifacts.schema import CORPUS, REPORT, SCHEMAS
from tdmm_core.errors import InputError


def verify(path: Path | str) -> list[str]:
    """One sentence for each problem, naming the clip or the file; empty where all is as it was written.

    Raises InputError where the path is no artifact at all, and where its texts would lead HDF5 astray.
    """
    path = Path(path)
    if path.is_dir():
        return model_problems(path)
    if is_hdf5(path):
        with open_hdf5(path):
            check_heaps(path)
    header = read_header(path)
    if header.kind not in SCHEMAS:
        raise InputError(f"{path}: unknown kind {header.kind!r}, written by {header.tool}; upgrade tdmm to read it")
    try:
        if header.kind == REPORT.kind:
            return _differs(path, report_digest(read_report(path), header.making), header.digest)
        return _clips(path, header.kind) + (_videos(path) if header.kind == CORPUS.kind else [])
    except InputError as e:
        return [str(e)]


def _clips(path: Path, kind: str) -> list[str]:
    columns = ColumnStore(path, SCHEMAS[kind])
    try:
        written, names = columns.texts("digest"), columns.texts("id")
        problems = []
        for i in range(columns.num_clips):
            try:
                with damage(path, f"clip {names[i]!r}"):
                    found = row_digest(columns.schema, columns.row(i))
                if found != written[i]:
                    problems.append(f"{path}: clip {names[i]!r} is damaged: its digest is {found[:12]}, written was {written[i][:12]}")
            except InputError as e:
                problems.append(str(e))
        try:
            root = root_digest(kind, columns.header.version, columns.header.config, written)
        except ValueError:
            root = "unreadable"
        return problems + _differs(path, root, columns.header.digest)
    finally:
        columns.close()


def _videos(path: Path) -> list[str]:
    """Compare the videos of a corpus with the digests that it remembers."""
    problems = []
    with open_corpus(path) as corpus:
        for i, clip in enumerate(corpus):
            video = corpus.video(i)
            if video is None or not clip.source_digest:
                continue
            if not video.is_file():
                problems.append(f"{path}: clip {clip.clip.id!r}: its video {video} is missing")
            elif file_digest(video) != clip.source_digest:
                problems.append(f"{path}: clip {clip.clip.id!r}: its video {video} is damaged or was replaced")
    return problems


def _differs(path: Path, found: str, written: str) -> list[str]:
    if found == written:
        return []
    return [f"{path}: the whole is damaged: its digest is {found[:12]}, written was {written[:12]}"]
