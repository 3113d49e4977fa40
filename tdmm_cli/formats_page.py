"""tdmm-formats(5): what each artifact holds, written from the schemas that the readers and writers follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tdmm_core.artifacts.schema import Column, Schema

HEAD = """.TH TDMM-FORMATS 5 "" "tdmm" "tdmm manual"
.SH NAME
tdmm\\-formats \\- the files that tdmm reads and writes
.SH DESCRIPTION
Stages hand over HDF5 artifacts. Every artifact carries the root attributes
.BR format " (\\(dqtdmm\\(dq),"
.BR kind ", " version ", " tool ", " created ", " recipe ", " config " (JSON),"
.BR seed ", " parents " (JSON: kind, digest and file name of every input)"
and
.BR digest .
.PP
A digest is SHA\\-256. Each clip has its own, over the little\\-endian bytes of its columns in the order below (columns marked * are left out); that
of the root is over kind, version, config and the sorted digests of the clips. Equal inputs, config and seed give an equal digest.
.PP
Columns under
.B /clips
have one row for each clip; those under
.B /frames
hold all frames of all clips in a row, and
.BR start " and " length
say which are whose. Frames are contiguous, uncompressed and little\\-endian. Every dataset has the attributes
.BR axes " and " unit .
Letters: E expression coefficients, S shape coefficients, Q codes per frame.
.PP
Frame of reference: right\\-handed, metres, origin at the head joint; +x is the subject's left, +y up, +z out of the face. A rotation vector with x >
0 looks down, y > 0 turns to the subject's left, z > 0 tilts toward the subject's right shoulder.
.PP
.B status
of a frame: 0 observed, 1 bridged (a short gap, interpolated), 2 held (nothing known).
"""

NPZ = """.SH MOTION FILES (npz)
Load with
.BR "numpy.load(path, allow_pickle=False)" .
Keys: expression (T,E) float32, expression_names (E,), global_orient (T,3) axis\\-angle in radians, transl (T,3) in metres, status (T,), shape (S,),
fps, face_model, face_model_digest, prompt, seed, tool, settings (JSON), codes (T,Q) where the motion was generated, and jaw_pose, neck_pose,
eye_pose, eyelids where the face model has them.
.SH LIVE LINK FACE (csv)
Every command that takes motion takes the recordings of the iPhone app, and a motion of the open head is written as one: 63 columns, Timecode
(HH:MM:SS:FF.mmm, FF counted at 60), BlendShapeCount, the 52 ARKit units from 0 to 1, and HeadYaw, HeadPitch, HeadRoll, LeftEyeYaw ... RightEyeRoll in
radians. Columns are read by name, case ignored. Pitch > 0 looks down, yaw > 0 turns to the subject's own right, roll > 0 tilts toward the own right
shoulder; the rotation is Rx(pitch) Ry(\\-yaw) Rz(roll) in the frame above. A recording is resampled to 25 frames a second by its time codes.
.SH GLTF (glb)
One mesh whose 52 morph targets are the ARKit units, named in mesh.extras.targetNames, and one node at the head joint. Weights, rotation and
translation of the node are animated, in seconds; materials are skin, eyes, mouth, teeth and tongue, with their pictures inside. The face looks
toward +z with the subject's left at +x, as everywhere; the prompt is in asset.extras.
.SH WEB PAGES (html)
One file that loads nothing from anywhere and plays the motion in any browser with WebGL: space plays and pauses, the arrow keys go frame by frame,
FILE.html#1.5 opens at 1.5 seconds.
.SH SENTENCES (txt, jsonl, json)
.B tdmm animate \\-\\-prompts
reads one sentence a line, or one JSON object a line with prompt and, where wanted, seconds and seed;
.B \\-\\-script
a JSON list of objects with prompt and seconds, performed one after the other in one motion of exactly that length.
.SH FILES OF OTHER TOOLS
.B tdmm fit
makes motion of FLAME parameters, judged by content: pickled dicts of the TDMM\\-LM authors' SMIRK script (expression, pose, eyelid, jaw, identity,
camera_pose), SMIRK's own (expression_params, jaw_params, eyelid_params, shape_params, pose_params), VHAP (npz: rotation, translation, neck_pose,
jaw_pose, eyes_pose, shape, expr, timestep_id) and DiffPoseTalk (npz: shape, exp, pose). The FLAME that they are of is named with
.BR \\-\\-face\\-model ,
a rate that they do not store with
.BR \\-\\-source\\-fps .
Pickles are read by a reader that knows arrays and refuses everything else.
.SH TABLES OF LABELS (csv)
What
.B tdmm synth \\-\\-footage DIR \\-\\-labels FILE.csv
reads: UTF\\-8, separated by comma, semicolon or tab, with a header. Columns: file (below DIR, with or without suffix; or video, path, filename),
label (a word of the lexicon, or any other), caption (or prompt, sentence, text, description), paraphrases (with | between them), intensity (0 to 1,
percent, or a word such as strong), subject, gender (female, male), split (train, validation, test), licence, talking (yes). file and label or caption
are needed; other columns are passed over.
.SH FACE MODELS
.B open\\-head\\-1
is carried by the package: expression holds the 52 ARKit units, 0 to 1.
.PP
.BR flame\\-2020 ", " flame\\-2023 " and " flame\\-2023\\-open
are read from your own file, .pkl as it is published or .npz with the same keys (v_template, f, shapedirs, posedirs, weights, J_regressor,
kintree_table), named once by
.BR "\\-\\-face\\-model flame:FILE" .
Pickles are read by an interpreter of their own that knows arrays, sparse matrices and the chumpy shell; nothing in a file is executed. The edition
is told by the SHA\\-256 of the published files, or by a text under the key edition; a file that is neither is named with its edition,
flame\\-2020:FILE. The digest is that of the geometry, so that .pkl and .npz of one model are one face model. shape is columns 0 to 299 of shapedirs,
expression columns 300 to 399; posing is FLAME's own, with translation after it. Eyelids, where a basis was named with
.BR \\-\\-eyelids ,
close before the joints turn. Fits have no neck_pose (it is zero): one camera cannot tell it from the head. Masks are measured from motion: lips lie
within 10 mm of where the mouth parts when the jaw opens, lids within 5 mm of an eyeball, the face is the front that expressions or the jaw usually
move by 1 mm.
.SH MODEL FOLDERS
config.json, model.safetensors and tdmm.json, which carries the header above.
.SH SEE ALSO
.BR tdmm (1)
"""


def formats_page() -> str:
    """The roff source of the page."""
    from tdmm_core.artifacts.schema import SCHEMAS

    return HEAD + "".join(_section(s) for s in SCHEMAS.values()) + NPZ


def _section(schema: Schema) -> str:
    from tdmm_core.artifacts.schema import MADE_BY

    lines = [f".SH KIND {schema.kind.upper()}, version {schema.version}", f"Made by {MADE_BY[schema.kind]}.".replace("-", "\\-"), ".nf"]
    if schema.shared:
        lines += ["", "Root attributes besides the header: " + ", ".join(schema.shared)]
    for group, columns in (("/clips", schema.clips), ("/frames", schema.frames)):
        if columns:
            lines += ["", f"\\fB{group}\\fR", *(_row(c) for c in columns)]
    if not (schema.clips or schema.frames):
        lines += ["", "One group for each table (metrics, per_clip, settings ...), one dataset for each column."]
    return "\n".join([*lines, ".fi", ""])


def _row(column: Column) -> str:
    width = "" if column.width is None else f" x {column.width} ({column.axis})"
    name = column.name + ("" if column.in_digest else "*")
    kind = "text" if column.dtype == "text" else column.dtype.lstrip("<|")
    unit = "" if column.unit == "1" else f", {column.unit}"
    return f"  {name:<22}{kind}{width}{unit}{', may be absent' if column.optional else ''}".replace("-", "\\-")
