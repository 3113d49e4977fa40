"""`tdmm info FILE`: what a file or model folder is, how it was made, from what, and how much it holds. Only looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tdmm_core.artifacts.corpus import open_corpus
from tdmm_core.artifacts.digest import file_digest
from tdmm_core.artifacts.header import Header, read_header
from tdmm_core.artifacts.motion import open_motion
from tdmm_core.artifacts.opening import VIDEO_SUFFIXES, check_exists, is_hdf5, is_zip
from tdmm_core.artifacts.report import read_report
from tdmm_core.artifacts.schema import MADE_BY
from tdmm_core.artifacts.text import open_text
from tdmm_core.artifacts.tokens import open_tokens
from tdmm_core.artifacts.verify import verify as verify_artifact
from tdmm_core.domain.motion import BRIDGED, HELD
from tdmm_core.errors import InputError
from tdmm_core.exchange.flame_files import Layout
from tdmm_core.exchange.npz import read_npz
from tdmm_core.pipelines.face_models import face_file_facts, known_face_models
from tdmm_core.pipelines.foreign_motion import foreign_layout
from tdmm_core.pipelines.installation import Installation, inspect_installation
from tdmm_core.pipelines.motion_input import is_take, read_take

_FACE_FILES = (".pkl", ".npz")
__all__ = ["FileFacts", "Installation", "inspect", "inspect_installation"]


@dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What is known of a file."""

    path: str
    kind: str
    "corpus, motion, tokens, text, report, the kind of a model, face-model, npz, csv, flame (parameters of another tool) or video."
    what: str
    "The kind in words."
    digest: str
    size_bytes: int
    made: Mapping[str, object] = field(default_factory=dict)
    "recipe, seed, tool, created, config: how it was made."
    parents: tuple[Mapping[str, str], ...] = ()
    "kind, digest and name of each input."
    holds: Mapping[str, object] = field(default_factory=dict)
    "Counts, and what its clips share."
    verified: bool = False
    problems: tuple[str, ...] = ()
    "What --verify found."

    def lines(self) -> list[str]:
        """The facts as lines for people."""
        lines = [f"{self.path}: {self.what}"]
        lines += [f"  {name:<18} {_shown(value)}" for name, value in self.holds.items()]
        lines += [f"  {name:<18} {_shown(value)}" for name, value in self.made.items()]
        lines += [f"  {'from':<18} {p['name']} ({p['kind']}, {p['digest'][:12]})" for p in self.parents]
        lines += [f"  {'size':<18} {self.size_bytes / 1e6:.2f} MB", f"  {'digest':<18} {self.digest}"]
        if self.verified:
            lines += [f"  {'verified':<18} {'nothing is damaged' if not self.problems else f'{len(self.problems)} problems'}"]
        return [*lines, *(f"  problem: {p}" for p in self.problems)]


def inspect(path: Path | str, *, verify: bool = False) -> FileFacts:
    """What `path` is; with `verify` every digest is computed anew. Raises InputError where it is nothing that this tool knows."""
    path = Path(path)
    if path.is_dir():
        return _model(path, verify=verify)
    check_exists(path)
    layout = foreign_layout(path)
    if layout is not None:
        return _foreign(path, layout)
    if path.suffix.lower() in _FACE_FILES and (facts := face_file_facts(path)) is not None:
        what = "a FLAME model file; tdmm info --face-model flame:FILE names it for later commands"
        return FileFacts(path=str(path), kind="face-model", what=what, digest=file_digest(path), size_bytes=path.stat().st_size, holds=facts)
    if is_zip(path):
        return _npz(path, verify=verify)
    if is_take(path):
        return _live_link(path)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return _video(path)
    if not is_hdf5(path):
        raise InputError(f"{path}: nothing that tdmm knows; it looks into artifacts (.h5), motions (.npz, .csv), model folders and videos")
    return _artifact(path, verify=verify)


def _artifact(path: Path, *, verify: bool) -> FileFacts:
    problems = tuple(verify_artifact(path)) if verify else ()
    header = read_header(path)
    try:
        holds = _holds(path, header.kind)
    except InputError as e:
        if not verify:
            raise
        holds, problems = {}, problems or (str(e),)
    return _of_header(path, header, f"a {header.kind} artifact, version {header.version}", holds, problems, verify=verify)


def _model(path: Path, *, verify: bool) -> FileFacts:
    header = read_header(path)
    problems = tuple(verify_artifact(path)) if verify else ()
    files = {p.name: p.stat().st_size for p in sorted(path.iterdir()) if p.is_file()}
    return _of_header(path, header, f"a {header.kind} model (made by {MADE_BY.get(header.kind, 'tdmm')})", {"files": files}, problems, verify=verify)


def _of_header(path: Path, header: Header, what: str, holds: Mapping[str, object], problems: tuple[str, ...], *, verify: bool) -> FileFacts:
    made = {name: getattr(header, name) for name in ("recipe", "seed", "tool", "created")} | {"config": dict(header.config)}
    size = sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) if path.is_dir() else path.stat().st_size
    return FileFacts(
        path=str(path), kind=header.kind, what=what, digest=header.digest, size_bytes=size, made=made,
        parents=tuple(asdict(p) for p in header.parents), holds=holds, verified=verify, problems=problems,
    )  # fmt: skip


def _holds(path: Path, kind: str) -> dict[str, object]:
    match kind:
        case "corpus":
            return _corpus(path)
        case "motion":
            return _motion(path)
        case "tokens":
            return _tokens(path)
        case "text":
            with open_text(path) as texts:
                return {"descriptions": len(texts), "clips": len(set(texts.ids))}
        case "report":
            report = read_report(path)
            return {"tables": {name: len(t.rows) for name, t in report.tables.items()}, "settings": dict(report.settings)}
    raise InputError(f"{path}: unknown kind {kind!r}; a newer tdmm wrote it: upgrade to read it")


def _corpus(path: Path) -> dict[str, object]:
    with open_corpus(path) as corpus:
        frames, rates = corpus.frame_counts, corpus.rates
        seconds = float(np.sum(frames / np.where(rates > 0, rates, np.inf)))
        counted = {"splits": corpus.splits, "statuses": corpus.statuses, "backends": corpus.backends, "labels": corpus.labels}
        return _clips(len(corpus), frames, seconds) | {name: _counts(values) for name, values in counted.items()}


def _motion(path: Path) -> dict[str, object]:
    with open_motion(path) as motion:
        status = motion.frame_status
        return _clips(len(motion), motion.lengths, float(motion.lengths.sum()) / motion.fps) | {
            "splits": _counts(motion.splits),
            "statuses": _counts(motion.statuses),
            "bridged frames": int(np.count_nonzero(status == BRIDGED)),
            "held frames": int(np.count_nonzero(status == HELD)),
            "fps": motion.fps,
            "face model": _face_model(motion.face_model, motion.face_model_digest),
            "expression": f"{len(motion.expression_names)} coefficients",
        }


def _face_model(name: str, digest: str) -> str:
    """Its name and digest, and whether it is known here; one that is not can be named."""
    known = any(m["name"] == name and m["digest"] == digest and m["here"] for m in known_face_models())
    return f"{name} {digest[:12]}".strip() + ("" if known or not digest else " (not known here)")


def _tokens(path: Path) -> dict[str, object]:
    with open_tokens(path) as tokens:
        return _clips(len(tokens), tokens.lengths, float(tokens.lengths.sum()) / tokens.fps) | {
            "splits": _counts(tokens.splits),
            "fps": tokens.fps,
            "codes": f"{tokens.num_codes}, {tokens.codes_per_frame} a frame, carrying {', '.join(tokens.terms)}",
            "motion tokenizer": tokens.tokenizer_digest,
        }


def _npz(path: Path, *, verify: bool) -> FileFacts:
    motion, meta = read_npz(path)
    holds: dict[str, object] = {
        "frames": motion.num_frames,
        "seconds": round(motion.duration_s, 3),
        "fps": motion.fps,
        "held frames": int(np.count_nonzero(motion.status == HELD)),
        "face model": _face_model(motion.face_model, motion.face_model_digest),
        "expression": f"{len(motion.expression_names)} coefficients",
        "prompt": meta["prompt"],
    }
    if meta["codes"] is not None:
        holds["codes"] = "x".join(map(str, np.shape(meta["codes"])))
    made = {"seed": meta["seed"], "tool": meta["tool"], "settings": meta["settings"]}
    return FileFacts(
        path=str(path),
        kind="npz",
        what="one motion",
        digest=file_digest(path),
        size_bytes=path.stat().st_size,
        made=made,
        holds=holds,
        verified=verify,
    )


def _foreign(path: Path, layout: Layout) -> FileFacts:
    what = f"FLAME parameters of {layout.tool}; tdmm fit makes motion of them"
    fps: dict[str, object] = {"fps": layout.fps or "not stored: say it with --source-fps"}
    return FileFacts(path=str(path), kind="flame", what=what, digest=file_digest(path), size_bytes=path.stat().st_size, holds=fps)


def _live_link(path: Path) -> FileFacts:
    take = read_take(path)
    times = take.motion.source_time_s
    holds: dict[str, object] = {
        "frames": take.motion.num_frames,
        "seconds": round(float(times[-1] - times[0]) + 1 / take.motion.fps, 3) if times is not None else 0.0,
        "fps": round(take.motion.fps, 3),
        "frames without a face": int(np.count_nonzero(take.motion.status == HELD)),
        "head": "streamed" if take.has_head else "not streamed: it stays still",
        "expression": "52 ARKit units",
    }
    what = "a Live Link Face recording; every command that takes motion takes it"
    return FileFacts(path=str(path), kind="csv", what=what, digest=file_digest(path), size_bytes=path.stat().st_size, holds=holds)


def _video(path: Path) -> FileFacts:
    from tdmm_core.video.reader import open_video

    video = open_video(path)
    holds = {
        "frames": video.num_frames,
        "fps": round(video.fps, 3),
        "seconds": round(video.duration_s, 3),
        "size": "x".join(map(str, video.size_px)),
    }
    what = "a video; tdmm fit makes motion of it"
    return FileFacts(path=str(path), kind="video", what=what, digest=file_digest(path), size_bytes=path.stat().st_size, holds=holds)


def _clips(clips: int, frames: np.ndarray, seconds: float) -> dict[str, object]:
    return {"clips": clips, "frames": int(frames.sum()), "seconds": round(seconds, 3)}


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(str(v) or "(none)" for v in values).items()))


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_shown(v) if not isinstance(v, Mapping) else '{' + _shown(v) + '}'}" for k, v in value.items()) or "none"
    return str(value)
