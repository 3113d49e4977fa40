"""What the path of a video tells, in the layouts of known data sets or by the words in its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tdmm_core.errors import InputError
from tdmm_core.synthesis.footage import Told
from tdmm_core.synthesis.labelling import intensity_from, label_from

_MEAD = {
    "angry": "anger", "contempt": "contempt", "disgusted": "disgust", "fear": "fear", "happy": "happiness", "neutral": "neutral", "sad": "sadness",
    "surprised": "surprise",
}  # fmt: skip
"MEAD's eight emotions in the lexicon's words."
MEAD_LICENCE = "MEAD terms of use (research only)"


def by_name(path: Path) -> Told:
    """Labels from the words of a file's name, else of its folder's: `happy_012.mp4`, `sad/talk 3.mov`; a degree among them counts."""
    for part in (path.stem, *reversed(path.parts[:-1])):
        words = [w for w in re.split(r"[\W_\d]+", part) if w]
        label = label_from(" ".join(words)) if words else ""
        if label:
            degrees = [d for d in map(intensity_from, words) if d is not None]
            return Told(label=label, intensity=degrees[0] if degrees else None)
    return Told()


def by_mead(path: Path) -> Told:
    """MEAD: `M003/video/front/happy/level_1/001.mp4`; actors W... are women, all of them speak. Raises InputError for another path."""
    parts = path.parts
    where = next((i for i, p in enumerate(parts) if re.fullmatch(r"[MW]\d{3}", p)), None)
    found = parts[where:] if where is not None else ()
    if len(found) != 6 or found[1] != "video" or found[3] not in _MEAD or not re.fullmatch(r"level_[1-3]", found[4]):
        raise InputError(f"--layout mead: expected paths such as M003/video/front/happy/level_1/001.mp4, got {path.as_posix()}")
    actor, _, view, emotion, level, _ = found
    label = _MEAD[emotion]
    return Told(
        label=label,
        intensity=None if label == "neutral" else intensity_from(level),
        talking=True,
        subject_id=f"mead-{actor}",
        gender="female" if actor[0] == "W" else "male",
        licence=MEAD_LICENCE,
        about={"view": view, "emotion": emotion, "level": int(level[-1]), "take": path.stem},
    )


def by_tdmm(path: Path) -> Told:
    """The paper's authors' layout: `prompt_0012/0034_pout_strong.mp4`, label and intensity after the number. Raises InputError for another path."""
    folder = next((p for p in path.parts[:-1] if p.startswith("prompt_")), "")
    named = re.fullmatch(r"(\d+)_(.+)_([^_]+)", path.stem)
    if not folder or not named:
        raise InputError(f"--layout tdmm: expected paths such as prompt_0012/0034_pout_strong.mp4, got {path.as_posix()}")
    words = named[2].replace("_", " ")
    return Told(label=label_from(words) or words, intensity=intensity_from(named[3]), about={"group": folder, "number": named[1]})


LAYOUTS: Mapping[str, Callable[[Path], Told]] = {"names": by_name, "mead": by_mead, "tdmm": by_tdmm}
