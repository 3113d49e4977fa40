"""The prompt of a video: who is seen, the facial sentence word for word, and clauses of framing that suit the generator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tdmm_core.synthesis.subjects import Subject

_WHO = {
    ("child", "female"): "a girl", ("child", "male"): "a boy",
    ("young adult", "female"): "a young woman", ("young adult", "male"): "a young man",
    ("middle-aged adult", "female"): "a middle-aged woman", ("middle-aged adult", "male"): "a middle-aged man",
    ("older adult", "female"): "an elderly woman", ("older adult", "male"): "an elderly man",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """What stands around the facial sentence."""

    before: str
    "With {who}."
    after: str


_STEADY = "The frame remains steady, with the head and shoulders centred."
_FRAMES: Mapping[str, _Frame] = {
    "wan": _Frame(
        before="Close-up video of {who}, facing the camera.",
        after=f"{_STEADY} Fixed camera, plain background, soft even light, realistic skin, sharp focus on the face.",
    ),
    # Its training captions are plain statements; it appends the frame rate by itself.
    "open-sora": _Frame(
        before="A video shows the face of {who} in front of a plain wall.", after=f"{_STEADY} The camera does not move. The light is even."
    ),
    # It is made for people who speak to a sound track, which there is none of.
    "humo": _Frame(
        before="{who} sits before a fixed camera and is silent.", after=f"{_STEADY} Medium close-up at eye level, plain backdrop, studio light."
    ),
    # It likes to stage scenes with cuts, music and dialogue.
    "veo": _Frame(
        before="A single continuous locked-off shot, eye level, of {who} looking into the lens.",
        after=f"{_STEADY} Tripod, no cuts, no zoom. Plain studio background, soft light. No dialogue, no music, no captions.",
    ),
}
_PLAIN = _Frame(before="Close-up video of {who}, facing the camera.", after=f"{_STEADY} The camera is fixed, the background plain.")


def video_prompt(sentence: str, subject: Subject, backend: str) -> str:
    """The whole prompt for a backend. `sentence` stands in it as it is, so that all generators are told the same of the face."""
    frame = next((f for name, f in _FRAMES.items() if backend.startswith(name)), _PLAIN)
    told = sentence[:1].upper() + sentence[1:]
    told = told if told.endswith((".", "!", "?")) else told + "."
    before = frame.before.format(who=described(subject))
    return f"{before[:1].upper()}{before[1:]} {told} {frame.after}"


def described(subject: Subject) -> str:
    """A subject in words: `a young woman with light skin`."""
    who = _WHO.get((subject.age, subject.gender), f"a {subject.age}")
    return f"{who} with {subject.complexion} skin"
