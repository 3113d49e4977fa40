"""Describing footage by looking: a vision-language model is shown some frames, asked what the face does, and its answer is checked.

Owns the question and what counts as an answer. Which model and how it is reached is the room `textmodels`'s.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tdmm_core.errors import InputError, ServiceError, TdmmError
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.synthesis.labelling import NEUTRAL, label_from
from tdmm_core.video.reader import open_video, read_frames

NUM_FRAMES = 8
"Pictures that the model is shown, evenly spaced."
_SIDE_PX = 512
_TRIES = 2
_AT_ONCE = 4
_FEWEST_WORDS, _MOST_WORDS = 3, 60


class Model(Protocol):
    """A model that answers questions about pictures; another seed, another answer."""

    def __call__(self, text: str, *, jpegs: Sequence[bytes] = (), seed: int = 0) -> str: ...


@dataclass(frozen=True, kw_only=True)
class Seer:
    """Who looks."""

    name: str
    model: Model
    revision: str = ""
    at_once: int = 1
    "Questions that it answers at the same time."


@dataclass(frozen=True, kw_only=True)
class Annotation:
    """What a model saw."""

    label: str
    "Of the lexicon, or empty."
    sentences: tuple[str, ...]


def open_seer(name: str, *, device: str = "auto") -> Seer:
    """`gemini-...` or `gemini:MODEL` is Gemini's API, `openai:MODEL` an OpenAI-compatible endpoint, anything else a model's id or folder.

    Raises MissingPartError without the key or model that it takes.
    """
    if name.startswith(("gemini-", "gemini:")):
        from tdmm_core.textmodels.gemini import GeminiEndpoint

        return Seer(name=name, model=GeminiEndpoint(name.removeprefix("gemini:")), at_once=_AT_ONCE)
    if name.startswith("openai:"):
        from tdmm_core.textmodels.chat import ChatEndpoint

        return Seer(name=name, model=ChatEndpoint(name.removeprefix("openai:")), at_once=_AT_ONCE)
    from tdmm_core.textmodels.vision import VisionModel

    model = VisionModel(name, device=device)
    return Seer(name=model.model, model=model, revision=model.revision)


def annotate(video: Path, seer: Seer, *, num_sentences: int) -> Annotation:
    """Have a video described. Raises InputError where no face is seen or no answer is of use, and what the seer raises."""
    frames, duration_s = show(video)
    question = _question(len(frames), duration_s, num_sentences)
    said = ""
    for turn in range(_TRIES):
        said = seer.model(question, jpegs=frames, seed=turn)  # asked again it must not say the same
        found = understood(said, num_sentences)
        if found is not None:
            return found
    raise InputError(f"{seer.name} gave no description: {' '.join(said.split())[:80]!r}")


def show(video: Path) -> tuple[list[bytes], float]:
    """Some frames as JPEG, at most 512 pixels wide or high, and how many seconds they cover."""
    from PIL import Image

    length = open_video(video).duration_s
    pictures = []
    for _, frame in read_frames(video, fps=min(999.0, max(NUM_FRAMES / length, 1e-3))):
        picture = Image.fromarray(frame)
        picture.thumbnail((_SIDE_PX, _SIDE_PX))
        sink = io.BytesIO()
        picture.save(sink, "JPEG", quality=90)
        pictures.append(sink.getvalue())
    return pictures, length


def _question(num_frames: int, duration_s: float, num_sentences: int) -> str:
    labels = ", ".join(load_lexicon().labels)
    return (
        f"These {num_frames} pictures are evenly spaced frames of one video of {duration_s:.1f} seconds. Say what the face and the head do, in the "
        "order in which it happens: the expression and how strong it is, brows, eyes and gaze, mouth, blinks, head. Say nothing of age, looks, "
        "clothes, place or words that are spoken, and do not guess who it is. Answer with JSON alone: "
        f'{{"face": true, "label": L, "sentences": S}}. L is the one of these labels that fits best: {NEUTRAL[0]}, {labels}. '
        f"S is a list of {num_sentences} different plain English sentences of at most 25 words that all mean the same. "
        'Where no face is to be seen, answer {"face": false}.'
    )


def understood(answer: str, num_sentences: int) -> Annotation | None:
    """What an answer says; None where it is of no use. Small models that know no JSON may answer in sentences.

    Raises InputError where the model saw no face.
    """
    told = _json(answer)
    if isinstance(told, dict):
        if told.get("face") is False:
            raise InputError("no face is to be seen")
        lines, label = told.get("sentences"), str(told.get("label") or "")
        lines = [lines] if isinstance(lines, str) else lines if isinstance(lines, list) else []
    elif "{" in answer:
        return None
    else:
        lines, label = re.split(r"(?<=[.!?])\s+|\n+", answer), ""  # type: ignore[assignment]
    sentences = dict.fromkeys(s for s in (_sentence(str(line)) for line in lines) if s)
    if not sentences:
        return None
    kept = tuple(sentences)[:num_sentences]
    return Annotation(label=label_from(label) if label else _label_of(kept), sentences=kept)


def _label_of(sentences: Sequence[str]) -> str:
    """The label that a description names, where its first sentence names one."""
    return label_from(sentences[0])


def _json(answer: str) -> Any:
    """The JSON object in an answer, in a fence or with words around it; None where there is none."""
    found = re.search(r"\{.*\}", answer, re.DOTALL)
    try:
        return json.loads(found.group()) if found else None
    except ValueError:
        return None


def _sentence(text: str) -> str:
    """A sentence without bullets and quotes; empty where it is no sentence."""
    plain = " ".join(re.sub(r"^[\s\-*•\d.)\"']+", "", text).split()).strip("\"' ")
    return plain if _FEWEST_WORDS <= len(plain.split()) <= _MOST_WORDS and plain.isprintable() else ""


def about_failure(error: TdmmError, video: Path) -> str:
    """How a failed annotation is recorded, without the place of the video. `REFUSED` is what a declining model's error says."""
    kind = "refused" if isinstance(error, ServiceError) and error.reason == "REFUSED" else "failed"
    return f"{kind}: annotation: {str(error).replace(str(video), video.name)}"
