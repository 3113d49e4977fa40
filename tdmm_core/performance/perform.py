"""The performer: a script becomes curves of the 52 units and a moving head. Knows labels through the lexicon; draws and renders nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.domain.script import Script
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from tdmm_core.performance.actor import Actor, draw_actor
from tdmm_core.performance.anatomy import articulated, settle
from tdmm_core.performance.cue import Cue, Gesture
from tdmm_core.performance.envelopes import smooth_noise
from tdmm_core.performance.gestures import gesture
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.looks import gaze_units
from tdmm_core.performance.spontaneous import blinks, gaze, head
from tdmm_core.performance.units import INDEX, UNITS
from tdmm_core.runtime.seeding import stream

_LIDS = [INDEX["eyeBlinkLeft"], INDEX["eyeBlinkRight"]]
_FULL_GAZE_DEG = 35.0
"About how far the eyes turn at a full look unit."


def perform(script: Script, *, seed: int, actor: Actor | None = None, fps: float = 25.0) -> FaceMotion:
    """A performance of `script` on the open head, by the actor of `seed` unless one is given.

    Equal arguments give equal motion. An event that ends with the script is held to the last frame; every other one is released by
    its end. Shape and translation are zero. Raises InputError for a label, side or direction that the lexicon does not have.
    """
    num_frames = max(1, round(script.duration_s * fps))
    units, pose_deg = curves(script, num_frames, seed=seed, actor=actor or draw_actor(seed), fps=fps)
    model = load_open_head()
    order = [INDEX[name] for name in model.expression_names]
    motion = neutral_motion(model, num_frames, fps)
    return replace(motion, expression=units[:, order].astype(np.float32), global_orient=_orient(pose_deg))


def curves(script: Script, num_frames: int, *, seed: int, actor: Actor, fps: float = 25.0) -> tuple[np.ndarray, np.ndarray]:
    """Units (T, 52) in the order of `units.UNITS`, 0 to 1, and head pitch, yaw, roll (T, 3) in degrees."""
    times = np.arange(num_frames) / fps
    rng = stream(seed, "performance")
    gestures = _gestures(script, times, actor, rng)
    quiet = np.prod([1.0 - g.looks for g in gestures], axis=0) if gestures else np.ones(num_frames)
    sway = head(rng, times, actor)
    turned = sum((g.head for g in gestures), np.zeros((num_frames, 3)))
    look = gaze(rng, times, actor) * quiet[:, None] + sum((g.gaze for g in gestures), np.zeros((num_frames, 2)))
    # Eyes that keep looking ahead turn against the head.
    look += quiet[:, None] * actor.gaze_counter * np.stack([-turned[:, 1], turned[:, 0]], axis=1) / _FULL_GAZE_DEG
    speaks = np.max([g.speaks for g in gestures], axis=0) if gestures else np.zeros(num_frames)
    # Strengths add like probabilities: 1 - (1 - a)(1 - b) stays below 1 and keeps the stronger one visible.
    left = 1.0 - _idle(rng, times, actor)
    for g in gestures:
        left *= 1.0 - np.clip(g.units if g.speaks.any() else articulated(g.units, speaks), 0.0, 1.0)
    faces = 1.0 - left
    gaze_units(faces, look)
    if not any(load_lexicon().label(e.label).counts_lids for e in script.events):
        sight_deg = look * _FULL_GAZE_DEG + np.stack([turned[:, 1], -turned[:, 0]], axis=1)
        lids = blinks(rng, times, actor, _free_lids(times, script, faces), sight_deg)
        faces[:, _LIDS] = np.maximum(faces[:, _LIDS], lids[:, None])
    return settle(faces), sway + turned


def contributions(script: Script, *, seed: int, actor: Actor | None = None, fps: float = 25.0) -> list[Gesture]:
    """What each event of `script`, in its order, adds to the performance that `perform` gives for the same arguments.

    Without rest, company of other events, spontaneous motion and noise: the truth that readers of performances are checked on.
    """
    times = np.arange(max(1, round(script.duration_s * fps))) / fps
    return _gestures(script, times, actor or draw_actor(seed), stream(seed, "performance"))


def _gestures(script: Script, times: np.ndarray, actor: Actor, rng: np.random.Generator) -> list[Gesture]:
    lexicon = load_lexicon()
    # The last frame lies before the script's end, so an event may end after it and yet be meant to last.
    last_s = min(script.duration_s - 0.02, times[-1] + 0.05)
    cues = (Cue(event=e, label=lexicon.of(e), actor=actor, times=times, held=e.end_s >= last_s, rng=rng) for e in script.events)
    return [gesture(cue) for cue in cues]


def _idle(rng: np.random.Generator, times: np.ndarray, actor: Actor) -> np.ndarray:
    """The resting face, never quite still. -> (T, 52)"""
    face, resting = np.zeros((len(times), len(UNITS))), np.flatnonzero(actor.rest)
    wander = smooth_noise(rng, times, len(resting), 0.1, 0.6)
    tremor = rng.normal(0.0, 0.0015, wander.shape)
    face[:, resting] = np.clip(actor.rest[resting] * (1.0 + 0.25 * wander) + tremor, 0.0, 0.3)
    return face


def _free_lids(times: np.ndarray, script: Script, faces: np.ndarray) -> np.ndarray:
    """(T,) where the lids may blink by themselves: not while they are nearly closed nor while a stare is kept."""
    free = faces[:, _LIDS].max(axis=1) < 0.6
    for event in script.events:
        if load_lexicon().label(event.label).steady:
            free &= (times < event.start_s) | (times > event.end_s)
    return free


def _orient(pose_deg: np.ndarray) -> np.ndarray:
    """Yaw about y, then pitch about x, then roll about z of the turned head, as one axis-angle (T, 3), radians."""
    angles = np.deg2rad(pose_deg)
    pitch, yaw, roll = (np.eye(3)[k] * angles[:, k : k + 1] for k in range(3))
    rotation = axis_angle_to_matrix(yaw) @ axis_angle_to_matrix(pitch) @ axis_angle_to_matrix(roll)
    return matrix_to_axis_angle(rotation).astype(np.float32)
