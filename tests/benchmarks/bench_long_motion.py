"""Long motion of several sentences: acceleration at its seams as a share of that inside, at most 1.2; naive concatenation stands beside it."""

from __future__ import annotations

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.language.config import AnimateConfig
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.animate import perform
from tdmm_core.pipelines.animate_many import orders_of
from tdmm_core.pipelines.animator import Animator, load_animator
from tdmm_core.pipelines.performing import performed, planned
from tdmm_core.pipelines.prompts import Line
from tdmm_core.pipelines.run import Run

SENTENCES = (
    "she smiles", "she looks surprised", "she turns her head to the left", "she frowns", "he looks sad", "he nods twice", "she closes her eyes",
    "he opens his mouth", "she looks up with her eyes", "he puffs his cheeks", "she is angry", "he tilts his head to the right",
)  # fmt: skip
SECONDS, NUM_SCRIPTS = 5.0, 2
NEAR, AROUND = 2, 12
"Frames on either side that belong to a seam; and those within which the next sentence comes into its own."
TARGET = 1.2
RUN = Run(device="cpu")


def acceleration_mm(motion: FaceMotion) -> np.ndarray:
    """(T,) mm/frame^2, mean over the vertices of the face, head pose included; NaN at both ends."""
    model = load_open_head()
    faces = model.posed_geometry(motion)[:, model.masks["face"]][:, ::7] * 1000
    inner = np.linalg.norm(np.diff(faces, n=2, axis=0), axis=-1).mean(axis=1)
    return np.concatenate([[np.nan], inner, [np.nan]])


def at_and_between(motion: FaceMotion, seams: list[int]) -> tuple[float, float, float]:
    """Mean acceleration at the seams (NEAR frames on either side), elsewhere, and AROUND the seams."""
    found = acceleration_mm(motion)
    at, around = np.zeros((2, len(found)), bool)
    for seam in seams:
        at[seam - NEAR : seam + NEAR] = True
        around[seam - AROUND : seam + AROUND] = True
    return float(np.nanmean(found[at])), float(np.nanmean(found[~at])), float(np.nanmean(found[around]))


def made(animator: Animator, lines: list[Line]) -> FaceMotion:
    """What `animate --script` makes of them."""
    plans = planned(animator, orders_of([lines], RUN), None)
    return next(performed(animator, plans, RUN, config=AnimateConfig()))[1].clip.motion


def concatenated(animator: Animator, lines: list[Line]) -> FaceMotion:
    """Each sentence by itself, frames put one after the other."""
    parts = [a.clip.motion for a in perform(animator, lines, RUN, config=AnimateConfig())]
    terms = {name: np.concatenate([getattr(p, name) for p in parts]) for name in ("expression", "global_orient", "transl", "status")}
    return FaceMotion(**terms, expression_names=parts[0].expression_names, face_model_digest=parts[0].face_model_digest)


def test_seams_of_a_minute() -> None:
    animator = load_animator(RUN)
    rng = np.random.default_rng(0)
    rows = {"as one motion": [], "concatenated": [], "one sentence for a minute": []}
    for number in range(NUM_SCRIPTS):
        lines = [Line(prompt=SENTENCES[i], seconds=SECONDS, seed=number) for i in rng.permutation(len(SENTENCES))]
        frames = round(SECONDS * 25)
        seams = [frames * i for i in range(1, len(lines))]
        rows["as one motion"].append(at_and_between(made(animator, lines), seams))
        rows["concatenated"].append(at_and_between(concatenated(animator, lines), seams))
        alone = [Line(prompt=SENTENCES[number], seconds=60.0, seed=number)]
        longest = animator.model.network.config.max_frames
        windows = list(range(longest, 1500 - NEAR, longest - longest // 2))
        rows["one sentence for a minute"].append(at_and_between(made(animator, alone), windows))
    print(f"\nlong motion, {NUM_SCRIPTS} times 60 s, acceleration in mm/frame^2 (target at a seam: at most {TARGET} times that inside)")
    shares = {}
    for name, found in rows.items():
        at, inside, around = np.mean(found, axis=0)
        shares[name] = at / inside
        near = f"{around:5.2f} within half a second"
        print(f"  {name:26s} at seams {at:6.2f}, inside {inside:6.2f}: {shares[name]:5.2f} times; {near}")
    assert shares["as one motion"] <= TARGET and shares["one sentence for a minute"] <= TARGET
    assert shares["concatenated"] > shares["as one motion"]
