"""What each kind of artifact holds: its columns in order, their types, units and axes, and what all its clips share.

Owns the names under which columns are stored; no other room sees one. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One term over all clips or over all frames."""

    name: str
    dtype: str = TEXT
    "`text` or a little-endian numpy type."
    width: int | str | None = None
    "None: one value a row; a number: that many; a letter: as many as the first clip with frames has."
    axis: str = ""
    "Name of the second axis."
    unit: str = "1"
    optional: bool = False
    "A frame column that a clip may lack; its rows are NaN then."
    in_digest: bool = True
    "False for places and paths, which are no part of what a clip is."


@dataclass(frozen=True, kw_only=True)
class Schema:
    """The columns of one kind, in the order in which digests take them."""

    kind: str
    version: int = 1
    clips: tuple[Column, ...] = ()
    frames: tuple[Column, ...] = ()
    shared: tuple[str, ...] = ()
    "Root attributes that hold for every clip."
    unshared: Mapping[str, object] = field(default_factory=dict)
    "What those attributes are where no clip has frames."
    keys: tuple[str, ...] = ("id",)
    "Clip columns that together name a row."


def _text(name: str, *, in_digest: bool = True) -> Column:
    return Column(name=name, in_digest=in_digest)


def _number(name: str, unit: str = "1", dtype: str = "<f8", *, in_digest: bool = True) -> Column:
    return Column(name=name, dtype=dtype, unit=unit, in_digest=in_digest)


def _term(name: str, width: int | str | None, axis: str, unit: str, *, dtype: str = "<f4", optional: bool = False) -> Column:
    return Column(name=name, dtype=dtype, width=width, axis=axis, unit=unit, optional=optional)


_SAID = (_text("script"), _text("prompt"), _text("paraphrases"), _text("label"), _text("category"), _text("subject_id"), _text("split"))
_PLACE = (_number("start", "frame", "<i8", in_digest=False), _number("length", "frame", "<i8"))
_STATUS = _term("status", None, "", "1", dtype="|u1")
_FATE = (_text("status"), _text("error", in_digest=False), _text("digest", in_digest=False))

CORPUS = Schema(
    kind="corpus",
    clips=(
        _text("id"), *_SAID, _text("subject"), _text("backend"), _text("model"), _text("model_revision"), _text("settings"),
        _number("seed", dtype="<i8"), _text("video", in_digest=False), _text("source_digest"), _text("licence"),
        _number("fps", "Hz"), _number("num_frames", "frame", "<i8"), *_FATE,
    ),
)  # fmt: skip

MOTION = Schema(
    kind="motion",
    clips=(
        _text("id"), *_PLACE, *_SAID, _text("source", in_digest=False), _text("source_digest"), _number("source_fps", "Hz"), _text("licence"),
        Column(name="shape", dtype="<f4", width="S", axis="coefficient"),
        _number("focal_px", "px"),
        Column(name="principal_point_px", dtype="<f8", width=2, axis="xy", unit="px"),
        Column(name="image_size_px", dtype="<i8", width=2, axis="xy", unit="px"),
        _number("detection_rate"), _number("reprojection_px", "px"), _number("reprojection_share"), _number("jitter_mm", "mm/frame^2"),
        _number("num_bridged", "frame", "<i8"), _number("num_held", "frame", "<i8"), *_FATE,
    ),
    frames=(
        _term("expression", "E", "coefficient", "1"),
        _term("global_orient", 3, "axis_angle", "rad"),
        _term("transl", 3, "xyz", "m"),
        _STATUS,
        _term("source_time_s", None, "", "s", dtype="<f8", optional=True),
        _term("jaw_pose", 3, "axis_angle", "rad", optional=True),
        _term("neck_pose", 3, "axis_angle", "rad", optional=True),
        _term("eye_pose", 6, "left_right_axis_angle", "rad", optional=True),
        _term("eyelids", 2, "left_right", "1", optional=True),
    ),
    shared=("fps", "face_model", "face_model_digest", "expression_names"),
    unshared={"fps": 25.0, "face_model": "", "face_model_digest": "", "expression_names": []},
)  # fmt: skip

TOKENS = Schema(
    kind="tokens",
    clips=(_text("id"), *_PLACE, *_SAID, _text("licence"), _text("digest", in_digest=False)),
    frames=(_term("codes", "Q", "code", "1", dtype="<u2"), _STATUS),
    shared=("fps", "num_codes", "codes_per_frame", "terms", "tokenizer_digest", "face_model", "face_model_digest"),
    unshared={"fps": 25.0, "num_codes": 0, "codes_per_frame": 0, "terms": [], "tokenizer_digest": "", "face_model": "", "face_model_digest": ""},
)

TEXTS = Schema(
    kind="text",
    clips=(_text("id"), _text("question"), _text("answer"), _text("model_digest"), _text("digest", in_digest=False)),
    keys=("id", "question"),
)

REPORT = Schema(kind="report")

SCHEMAS: Mapping[str, Schema] = {s.kind: s for s in (CORPUS, MOTION, TOKENS, TEXTS, REPORT)}

MADE_BY: Mapping[str, str] = {
    "corpus": "tdmm synth",
    "motion": "tdmm fit (or tdmm synth, tdmm animate)",
    "tokens": "tdmm tokenize",
    "text": "tdmm describe",
    "report": "tdmm eval",
    "motion-tokenizer": "tdmm tokenize --train",
    "language-to-motion": "tdmm train-l2m",
    "motion-to-language": "tdmm train-m2l",
}
"The command that makes each kind."
