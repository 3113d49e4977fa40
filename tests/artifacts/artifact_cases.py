"""Items of every kind for the tests of this folder: by seed, by hypothesis, and those of the golden files."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from tdmm_core.artifacts.corpus import CorpusWriter, open_corpus
from tdmm_core.artifacts.header import Making, Parent
from tdmm_core.artifacts.motion import MotionWriter, open_motion
from tdmm_core.artifacts.report import write_report
from tdmm_core.artifacts.text import TextWriter, open_text
from tdmm_core.artifacts.tokens import TokensWriter, open_tokens
from tdmm_core.domain.clip import Camera, Clip, CorpusClip, FitQuality, MotionClip, TokenClip
from tdmm_core.domain.description import Description
from tdmm_core.domain.motion import FRAME_TERMS, FaceMotion
from tdmm_core.domain.report import Report, Table
from tdmm_core.domain.script import Event, Script
from tdmm_core.domain.tokens import MotionTokens

MAKING = Making(recipe="tiny", config={"count": 3, "rate": 0.5}, seed=7, parents=(Parent(kind="corpus", digest="ab" * 32, name="c.h5"),))
SCRIPT = Script(events=(Event(kind="expression", label="pout", start_s=0.0, end_s=0.4, intensity=0.5),), duration_s=1.0)
NAMES = ("jawOpen", "mouthPucker", "browInnerUp")
WRITERS = {"corpus": CorpusWriter, "motion": MotionWriter, "tokens": TokensWriter, "text": TextWriter}
OPENERS = {"corpus": open_corpus, "motion": open_motion, "tokens": open_tokens, "text": open_text}


def clip(i: int) -> Clip:
    return Clip(id=f"clip-{i:03d}", script=SCRIPT if i % 2 else None, prompt=f"a slow pout {i} ü", paraphrases=("x", "y"), label="pout", split="test")


def face_motion(frames: int, seed: int = 0, **more: object) -> FaceMotion:
    rng = np.random.default_rng([seed, frames])
    draw = lambda *shape: rng.random(shape, dtype=np.float32)  # noqa: E731
    return FaceMotion(
        expression=draw(frames, 3), expression_names=NAMES, global_orient=draw(frames, 3), transl=draw(frames, 3), shape=draw(2),
        status=rng.integers(0, 3, frames), face_model_digest="cd" * 32, **more,
    )  # fmt: skip


def motion_clip(i: int) -> MotionClip:
    """Every third failed; the others have this or that term."""
    if i % 3 == 2:
        return MotionClip(clip=clip(i), motion=None, source="bad.mp4", status="failed", error="no face found in bad.mp4")
    terms = {"source_time_s": np.arange(i + 1) / 25} if i % 2 else {"eyelids": np.full((i + 1, 2), 0.25)}
    camera = Camera(focal_px=512.5, principal_point_px=(10.25, 20.5), image_size_px=(640, 480)) if i % 2 else None
    quality = FitQuality(detection_rate=0.75, num_held=i) if i % 2 else FitQuality()
    return MotionClip(clip=clip(i), motion=face_motion(i + 1, **terms), source="a.mp4", source_digest="ef" * 32, camera=camera, quality=quality)


def items(kind: str, count: int) -> list:
    make: dict[str, Callable[[int], object]] = {
        "corpus": lambda i: CorpusClip(clip=clip(i), seed=2**62 + i, video=f"c.videos/{i}.mp4", num_frames=25 * i, status="done", error="e" * i),
        "motion": motion_clip,
        "tokens": lambda i: TokenClip(clip=clip(i), tokens=motion_tokens(i + 1)),
        "text": lambda i: Description(id=f"clip-{i:03d}", question="what?", answer=f"a pout {i} — «ü»", model_digest="aa" * 32),
    }
    return [make[kind](i) for i in range(count)]


def motion_tokens(frames: int) -> MotionTokens:
    codes = np.arange(2 * frames).reshape(frames, 2) % 64
    return MotionTokens(codes=codes, num_codes=64, tokenizer_digest="12" * 32, status=np.arange(frames) % 3, face_model_digest="cd" * 32)


def write(path: Path, kind: str, written: list, making: Making = MAKING, **options: object):
    with WRITERS[kind](path, making, **options) as writer:
        for item in written:
            writer.add(item)
        return writer.commit([name_of(i) for i in written])


def name_of(item: object) -> str:
    return item.clip.id if hasattr(item, "clip") else item.id


def read(path: Path, kind: str) -> list:
    with OPENERS[kind](path) as file:
        return list(file)


def same(a: object, b: object) -> bool:
    """Equality that takes NaN for equal to NaN and arrays by their values."""
    if isinstance(a, MotionClip):
        return a.motion == b.motion and repr(_without(a)) == repr(_without(b))
    if isinstance(a, TokenClip):
        x, y = a.tokens, b.tokens
        arrays = np.array_equal(x.codes, y.codes) and np.array_equal(x.status, y.status)
        told = (x.num_codes, x.tokenizer_digest, x.fps, x.face_model) == (y.num_codes, y.tokenizer_digest, y.fps, y.face_model)
        return arrays and told and a.clip == b.clip
    return a == b


def _without(clip: MotionClip) -> MotionClip:
    return replace(clip, motion=None, status="failed", error=clip.error + clip.status)


REPORT = Report(
    tables={
        "metrics": Table.of([{"name": "vertex error", "value": 0.5, "floor": 2}, {"name": "rotation error", "value": 1, "floor": 3.5}]),
        "mixed": Table.of([{"cell": "n/a", "count": 1}, {"cell": 0.25, "count": 2}]),
        "empty": Table(columns=("a", "b"), rows=()),
    },
    settings={"temperature": 1.0, "clips": 3, "judge": "none"},
)

TEXT = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)
WORD = st.text("abcdefghij-_é", min_size=1, max_size=8)
COUNT = st.integers(0, 2**31)
NUMBER = st.floats(-1e6, 1e6) | st.just(float("nan"))
EVENTS = st.builds(
    Event, kind=st.sampled_from(["expression", "head"]), label=WORD, start_s=st.floats(0, 1), end_s=st.floats(1.5, 2), intensity=st.floats(0, 1)
)
CLIP = st.builds(
    Clip,
    id=WORD,
    script=st.none() | st.builds(Script, events=st.lists(EVENTS, max_size=2).map(tuple), duration_s=st.just(2.5)),
    prompt=TEXT,
    paraphrases=st.lists(TEXT, max_size=2).map(tuple),
    label=TEXT,
    category=TEXT,
    subject_id=TEXT,
    split=st.sampled_from(["train", "validation", "test"]),
    licence=TEXT,
)
CORPUS_CLIP = st.builds(
    CorpusClip, clip=CLIP, subject=TEXT, settings=TEXT, seed=st.integers(-(2**63), 2**63 - 1), video=TEXT, fps=st.floats(1, 100),
    num_frames=COUNT, status=st.sampled_from(["planned", "done", "failed"]), error=TEXT,
)  # fmt: skip


@st.composite
def face_motions(draw: st.DrawFn) -> FaceMotion:
    frames = draw(st.integers(1, 5))
    named = draw(st.sets(st.sampled_from(["jaw_pose", "neck_pose", "eye_pose", "eyelids"])))
    terms = {n: np.full((frames, FRAME_TERMS[n]), draw(st.floats(-3, 3, width=32)), np.float32) for n in named}
    times = np.arange(frames) / 30 if draw(st.booleans()) else None
    return face_motion(frames, draw(COUNT), source_time_s=times, **terms)


CAMERA = st.builds(Camera, focal_px=st.floats(1, 1e5), principal_point_px=st.tuples(NUMBER, NUMBER), image_size_px=st.tuples(COUNT, COUNT))
MOTION_CLIP = st.builds(
    MotionClip,
    clip=CLIP,
    motion=face_motions(),
    source=TEXT,
    source_fps=NUMBER,
    camera=st.none()
    | st.builds(Camera, focal_px=st.floats(1, 1e5), principal_point_px=st.tuples(NUMBER, NUMBER), image_size_px=st.tuples(COUNT, COUNT)),
    quality=st.builds(FitQuality, detection_rate=NUMBER, jitter_mm=NUMBER, num_bridged=COUNT),
) | st.builds(MotionClip, clip=CLIP, motion=st.none(), status=st.just("failed"), error=TEXT)
TOKEN_CLIP = st.builds(TokenClip, clip=CLIP, tokens=st.integers(1, 6).map(motion_tokens))
DESCRIPTION = st.builds(Description, id=WORD, question=TEXT, answer=TEXT, model_digest=TEXT)
ITEM = {"corpus": CORPUS_CLIP, "motion": MOTION_CLIP, "tokens": TOKEN_CLIP, "text": DESCRIPTION}


def in_child(work: Callable[[], int]) -> int:
    """Run `work` in a forked process; its exit code, or the negative number of the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = work()
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def write_golden(folder: Path) -> None:
    """How the golden files were made, once for each version of a kind; a file that is there is never made again."""
    for kind in WRITERS:
        write(folder / f"{kind}-v1.h5", kind, items(kind, 4))
    write_report(folder / "report-v1.h5", REPORT, MAKING)
