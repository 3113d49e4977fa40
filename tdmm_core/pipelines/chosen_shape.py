"""`--shape`: whose face performs a motion. The mean one, somebody drawn at random, somebody from a motion file, or given coefficients."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.runtime.seeding import stream

RANDOM = "random"
SPREAD = 0.8
"Standard deviations of a face drawn at random; at 1, one in many looks odd."
MOST = 3.0
"A coefficient beyond this is no face."
_NUMBERS = re.compile(r"[-+0-9.eE]+(\s*[,;\s]\s*[-+0-9.eE]+)*")


@dataclass(frozen=True, kw_only=True, eq=False)
class ChosenShape:
    """Coefficients, or the wish for random ones; neither for the motion's own."""

    coefficients: np.ndarray | None = None
    random: bool = False

    @staticmethod
    def of(text: str) -> ChosenShape:
        """From what the option says. Raises InputError for a text that is none of the three, and for coefficients that make no face."""
        text = text.strip()
        if text in ("", RANDOM):
            return ChosenShape(random=text == RANDOM)
        if _NUMBERS.fullmatch(text) and not Path(text).exists():
            return ChosenShape(coefficients=_coefficients(text))
        if not Path(text).exists():
            raise InputError(f"--shape: expected {RANDOM}, a motion file, or coefficients such as 0.5,-1, got {text!r}")
        from tdmm_core.morphable.open_head import load_open_head
        from tdmm_core.pipelines.fit_shape import read_shape

        return ChosenShape(coefficients=read_shape(Path(text), load_open_head()).astype(np.float32))

    def on(self, motion: FaceMotion, seed: int) -> FaceMotion:
        """The motion on this face; a random one is drawn by the motion's own seed. Raises InputError for more coefficients than faces have."""
        from tdmm_core.morphable.open_head import load_open_head

        if self.coefficients is None and not self.random:
            return motion
        model = load_open_head()
        model.check(motion)
        if self.random:
            drawn = SPREAD * stream(seed, "shape").standard_normal(model.num_shape)
            return replace(motion, shape=drawn.clip(-MOST, MOST).astype(np.float32))
        assert self.coefficients is not None
        if len(self.coefficients) > model.num_shape:
            raise InputError(f"--shape: expected at most {model.num_shape} coefficients, got {len(self.coefficients)}")
        return replace(motion, shape=np.pad(self.coefficients, (0, model.num_shape - len(self.coefficients))))


def _coefficients(text: str) -> np.ndarray:
    try:
        values = np.array([float(v) for v in re.split(r"[,;\s]+", text)], np.float32)
    except ValueError as e:
        raise InputError(f"--shape: expected coefficients such as 0.5,-1, got {text!r}") from e
    if not (np.abs(values) <= MOST).all():
        raise InputError(f"--shape: expected coefficients of -{MOST:g} to {MOST:g} standard deviations, got {text!r}")
    return values
