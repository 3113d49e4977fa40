"""The scripted generator: true motion, placed before a camera, filmed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tdmm_core.errors import InputError
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.synthesis.config import SynthConfig
from tdmm_core.synthesis.plan import plan_clips
from tdmm_core.synthesis.scripted import act, make_motion, make_video, stage

CONFIG = SynthConfig(num_clips=40, image_width_px=128, image_height_px=96, min_duration_s=1.5, max_duration_s=2.0)


@pytest.fixture(scope="module")
def plan():
    return plan_clips(CONFIG, seed=1)


def projected(take) -> np.ndarray:
    """(T, V, 2) pixels of the neutral head's vertices."""
    from tdmm_core.morphable.model import geometry

    world = geometry(load_open_head(), take.motion, with_shape=True, with_pose=True)
    camera = take.camera
    depth = -world[..., 2]
    x = camera.focal_px * world[..., 0] / depth + camera.principal_point_px[0]
    y = -camera.focal_px * world[..., 1] / depth + camera.principal_point_px[1]
    return np.stack([x, y], axis=-1)


def test_heads_are_within_the_picture(plan):
    for p in plan:
        take = stage(p, CONFIG)
        points = projected(take)
        assert points.min() > -0.1 * CONFIG.image_height_px
        assert points[..., 0].max() < 1.1 * CONFIG.image_width_px and points[..., 1].max() < 1.1 * CONFIG.image_height_px
        high = np.ptp(points[..., 1], axis=1).mean() / CONFIG.image_height_px
        assert 0.4 < high < 0.95


def test_subjects_look_and_act_alike_in_their_clips_and_unlike_others(plan):
    by_subject: dict[str, list] = {}
    for p in plan:
        by_subject.setdefault(p.subject.id, []).append(p)
    twice = next(ps for ps in by_subject.values() if len(ps) > 1)
    one, two = (stage(p, CONFIG) for p in twice[:2])
    other = stage(next(p for p in plan if p.subject.id != twice[0].subject.id), CONFIG)
    assert np.array_equal(one.motion.shape, two.motion.shape) and not np.array_equal(one.motion.shape, other.motion.shape)
    assert one.look.skin == two.look.skin != other.look.skin
    assert one.camera != two.camera and one.look.key_direction != two.look.key_direction


def test_motion_is_the_same_with_and_without_a_camera(plan):
    bare, placed = act(plan[0], CONFIG), stage(plan[0], CONFIG).motion
    assert np.array_equal(bare.expression, placed.expression) and not bare.transl.any() and placed.transl[:, 2].max() < -0.2


def test_videos_are_filmed_and_described(plan, tmp_path):
    from tdmm_core.video.reader import open_video

    corpus, truth = make_video(plan[0], CONFIG, tmp_path)
    video = open_video(tmp_path / f"{plan[0].clip.id}.mp4")
    assert video.num_frames == truth.motion.num_frames == corpus.num_frames
    assert corpus.status == truth.status == "done" and corpus.source_digest == truth.source_digest != ""
    assert corpus.video == f"{tmp_path.name}/{plan[0].clip.id}.mp4" and truth.camera is not None
    again, _ = make_video(plan[0], CONFIG, tmp_path)
    assert again.source_digest == corpus.source_digest


def test_a_clip_that_fails_is_recorded(plan, tmp_path):
    event = plan[0].clip.script.events[0]
    broken = replace(plan[0], clip=replace(plan[0].clip, script=replace(plan[0].clip.script, events=(replace(event, label="somersault"),))))
    motion = make_motion(broken, CONFIG)
    assert motion.status == "failed" and "somersault" in motion.error and motion.motion is None
    corpus, truth = make_video(broken, CONFIG, tmp_path)
    assert corpus.status == truth.status == "failed" and "somersault" in corpus.error
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_ends_the_run(plan, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        make_video(plan[0], CONFIG, tmp_path / "nowhere")
