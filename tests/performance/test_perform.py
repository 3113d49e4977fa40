"""Performances do what the script says, where it says, and differ as two actors would."""

from __future__ import annotations

import numpy as np
import pytest
from script_cases import event_of, script_of, variants

from tdmm_core.domain.script import Event, Script
from tdmm_core.errors import InputError
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.performance.actor import draw_actor
from tdmm_core.performance.anatomy import settle
from tdmm_core.performance.exhibit import exhibit, plain_event
from tdmm_core.performance.lexicon import load_lexicon
from tdmm_core.performance.perform import curves, perform
from tdmm_core.performance.units import INDEX, UNITS, mirrored

LEXICON = load_lexicon()
NAMES = load_open_head().expression_names
GAZE = tuple(u for u in UNITS if u.startswith("eyeLook"))


def unit(motion, name: str) -> np.ndarray:
    return motion.expression[:, NAMES.index(name)]


def peaks(curve: np.ndarray, height: float) -> int:
    """How often a curve rises above a height."""
    above = np.concatenate([[False], curve > height])
    return int((above[1:] & ~above[:-1]).sum())


def quiet_pose(motion) -> np.ndarray:
    """Head rotation in degrees, the pose of the first half second taken away."""
    return np.rad2deg(motion.global_orient - np.median(motion.global_orient[:12], axis=0))


@pytest.mark.parametrize(("name", "given"), variants())
def test_what_is_asked_for_rises_within_its_interval_and_is_gone_after(name, given):
    label = LEXICON.label(name)
    script = script_of(name, **given)
    runs = [perform(script, seed=s) for s in range(4)]
    for motion in runs:
        assert motion.num_frames == 100
        assert motion.expression.min() >= 0 and motion.expression.max() <= 1
    inside, outside = slice(25, 71), [*range(0, 24), *range(76, 100)]
    if label.kind in ("head", "gaze"):
        return
    for u, strength in label.units.items():
        spoken = label.speech is not None and u not in label.speech.held and u != "jawOpen"
        if strength < 0.5 or u in GAZE or label.lateral == "free" or spoken:
            continue
        shown = mirrored(u) if label.lateral == "said" and given["side"] == "right" else u
        rise = [unit(m, shown)[inside].max() - unit(m, shown)[outside].mean() for m in runs]
        assert np.mean(rise) > 0.3 * strength, (u, rise)
        idle = [np.median(unit(m, shown)[outside]) for m in runs]
        assert np.mean(idle) < 0.2, (u, idle)


@pytest.mark.parametrize(("axis", "sign", "name", "direction"), [
    (0, 1, "lowered head", ""), (0, -1, "raised head", ""), (1, 1, "turn", "left"), (1, -1, "turn", "right"),
    (2, 1, "tilt", "right"), (2, -1, "tilt", "left"),
])  # fmt: skip
def test_heads_move_to_the_side_that_was_asked_for(axis, sign, name, direction):
    for seed in range(6):
        pose = quiet_pose(perform(script_of(name, direction=direction, intensity=0.9), seed=seed))
        apex = sign * pose[45:60, axis].mean()
        assert apex > 10, (seed, apex)
        assert apex > 2 * np.abs(np.delete(pose[45:60], axis, axis=1).mean(axis=0)).max()
        assert abs(pose[85:, axis].mean()) < 6


@pytest.mark.parametrize(("direction", "units"), [
    ("left", ("eyeLookOutLeft", "eyeLookInRight")), ("right", ("eyeLookInLeft", "eyeLookOutRight")),
    ("up", ("eyeLookUpLeft", "eyeLookUpRight")), ("down", ("eyeLookDownLeft", "eyeLookDownRight")),
])  # fmt: skip
def test_eyes_look_to_the_side_that_was_asked_for(direction, units):
    motion = perform(script_of("look", direction=direction), seed=3)
    shown = {u: unit(motion, u)[40:60].mean() for u in GAZE}
    assert min(shown[u] for u in units) > 0.4
    assert max(v for u, v in shown.items() if u not in units) < 0.2


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize(("name", "axis"), [("nod", 0), ("head shake", 1)])
def test_nods_and_shakes_are_counted(name, axis, count):
    for seed in range(5):
        script = script_of(name, count=count, end_s=1.0 + 0.7 * count, duration_s=5.0, intensity=0.9)
        pose = quiet_pose(perform(script, seed=seed))[:, axis]
        top = np.abs(pose).max()
        assert 4 < top < 32
        if name == "nod":
            assert pose.max() == top, "a nod goes down first"
            assert peaks(pose, 0.55 * top) == count
        else:
            assert peaks(pose, 0.4 * top) == peaks(-pose, 0.4 * top) == count


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize(("name", "side"), [("blink", "both"), ("wink", "left"), ("wink", "right")])
def test_blinks_and_winks_are_counted_and_no_other_is_added(name, side, count):
    for seed in range(8):
        motion = perform(script_of(name, count=count, side=side, end_s=1.0 + 0.6 * count, duration_s=5.0), seed=seed)
        left, right = (peaks(unit(motion, f"eyeBlink{s}"), 0.5) for s in ("Left", "Right"))
        assert (left, right) == {"both": (count, count), "left": (count, 0), "right": (0, count)}[side]


def test_faces_blink_by_themselves_briefly_and_not_with_closed_eyes():
    frames, found = [], 0
    for seed in range(60):
        lids = unit(perform(Script(events=(), duration_s=5.0), seed=seed), "eyeBlinkLeft")
        found += peaks(lids, 0.5)
        frames += [
            len(run) for run in np.split(np.flatnonzero(lids > 0.22), np.flatnonzero(np.diff(np.flatnonzero(lids > 0.22)) > 1) + 1) if len(run)
        ]
    assert 0.1 < found / 300 < 0.5, "blinks a second"
    assert 3 <= np.median(frames) <= 7
    closed = unit(perform(script_of("closed eyes", start_s=0.5, end_s=3.5), seed=1), "eyeBlinkLeft")
    assert closed[25:70].min() > 0.7


def test_blinks_go_with_large_shifts_of_sight():
    """Within a quarter second of a turn's middle there are more blinks than anywhere in a still clip (Evinger et al. 1994)."""
    def share(script: Script) -> float:
        return float(np.mean([unit(perform(script, seed=s), "eyeBlinkLeft")[20:42].max() > 0.5 for s in range(80)]))

    turning = share(script_of("turn", direction="left", start_s=1.0, end_s=3.0, intensity=0.9))
    assert turning > share(Script(events=(), duration_s=4.0)) + 0.2


def test_a_face_at_rest_stays_at_rest():
    for seed in range(20):
        motion = perform(Script(events=(), duration_s=4.0), seed=seed)
        face = np.delete(motion.expression, [NAMES.index(u) for u in UNITS if u.startswith(("eyeBlink", "eyeWide"))], axis=1)
        assert face.max() < 0.35
        assert np.abs(quiet_pose(motion)).max() < 8


def test_clips_start_and_end_near_rest_unless_held():
    for seed in range(10):
        released = perform(script_of("surprise"), seed=seed)
        held = perform(script_of("surprise", end_s=4.0), seed=seed)
        assert unit(released, "browInnerUp")[0] <= 0.31 and unit(released, "browInnerUp")[-1] < 0.32
        assert unit(held, "browInnerUp")[0] <= 0.31 and unit(held, "browInnerUp")[-1] > 0.4


def test_intensity_and_tempo_show():
    def smile(**given) -> np.ndarray:
        return np.mean([unit(perform(script_of("smile", **given), seed=s), "mouthSmileLeft") for s in range(10)], axis=0)

    faint, full = smile(intensity=0.25).max(), smile(intensity=1.0).max()
    assert faint < 0.45 * full
    slow, quick = smile(tempo="slow"), smile(tempo="fast")
    rise = [int(np.argmax(c > 0.6 * c.max())) for c in (slow, quick)]
    assert rise[0] >= rise[1] + 6


def test_consecutive_faces_flow_into_one_another():
    script = Script(events=(event_of("pout", start_s=0.3, end_s=2.2), event_of("surprise", start_s=2.0, end_s=4.0)), duration_s=4.0)
    for seed in range(6):
        units, _ = curves(script, 100, seed=seed, actor=draw_actor(seed))
        chin, brow = units[:, INDEX["mouthShrugLower"]], units[:, INDEX["browInnerUp"]]
        assert chin[20:40].max() > 0.35 > brow[20:40].max()
        assert brow[65:95].min() > 0.35 > chin[65:95].max()


def test_motion_is_smooth_but_for_lids_and_gaze():
    calm = [i for i, n in enumerate(NAMES) if not n.startswith(("eye", "jawOpen", "mouth"))]
    motion = perform(script_of("surprise", tempo="fast"), seed=2)
    assert np.abs(np.diff(motion.expression[:, calm], n=2, axis=0)).max() < 0.25
    assert np.abs(np.diff(motion.global_orient, n=2, axis=0)).max() < np.deg2rad(2.0)


def test_equal_seeds_give_equal_motion_and_others_differ():
    script = script_of("happiness")
    assert perform(script, seed=4) == perform(script, seed=4)
    one, two = perform(script, seed=4), perform(script, seed=5)
    assert np.abs(one.expression - two.expression).mean() > 0.01
    same_actor = perform(script, seed=5, actor=draw_actor(4))
    assert same_actor != one and same_actor != two


def test_actors_mix_units_differently():
    apex = np.array([unit(perform(script_of("happiness"), seed=s), u)[50] for s in range(30) for u in ("mouthSmileLeft", "cheekSquintLeft")]).reshape(
        30, 2
    )
    ratio = apex[:, 1] / apex[:, 0]
    assert 0.1 < ratio.std() / ratio.mean() < 0.6


def test_antagonists_and_lids_are_settled():
    full = settle(np.ones((3, 52)))
    for a, b in (("eyeLookUpLeft", "eyeLookDownLeft"), ("jawLeft", "jawRight"), ("mouthLeft", "mouthRight")):
        assert np.minimum(full[:, INDEX[a]], full[:, INDEX[b]]).max() == 0
    assert full[:, INDEX["eyeWideLeft"]].max() == 0
    rng = np.random.default_rng(0)
    random = settle(rng.uniform(-0.5, 1.5, (200, 52)))
    assert random.min() >= 0 and random.max() <= 1
    assert (random[:, INDEX["mouthClose"]] <= random[:, INDEX["jawOpen"]]).all()


def test_motion_is_of_the_open_head_at_the_asked_rate():
    motion = perform(script_of("smile"), seed=0, fps=30.0)
    assert (motion.num_frames, motion.fps) == (120, 30.0)
    assert motion.face_model_digest == load_open_head().digest and not motion.transl.any() and not motion.shape.any()


def test_unknown_labels_are_refused():
    with pytest.raises(InputError, match="got 'somersault'"):
        perform(Script(events=(Event(kind="action", label="somersault", start_s=0, end_s=1),), duration_s=2), seed=0)


@pytest.mark.parametrize("name", [x.name for x in LEXICON.labels.values() if x.category == "micro-expression"])
def test_micro_expressions_flash(name):
    """Seen for two to six frames above half of their height, over within half a second, whoever does it (Ekman; Yan et al. 2013)."""
    main = max(LEXICON.label(name).units, key=LEXICON.label(name).units.get)
    for seed in range(6):
        script = script_of(name, start_s=1.0, end_s=1.4, side=LEXICON.label(name).sides[0])
        motion = perform(script, seed=seed)
        curve = np.maximum(unit(motion, main), unit(motion, mirrored(main)))
        lift = curve - np.median(curve)
        seen = np.flatnonzero(lift > 0.5 * lift[24:38].max())
        inside = seen[(seen > 22) & (seen < 38)]
        assert lift[25:36].max() > 0.2 and 2 <= len(inside) <= 6, (seed, len(inside))
        assert lift[38:42].max() < 0.15 or main.startswith("eyeBlink"), seed


def test_words_go_on_under_a_face():
    """A sad speaker is sad and speaks: the corners stay down while the jaw keeps moving."""
    sad, talk = event_of("sadness", start_s=0.5, end_s=5.5, intensity=0.9), event_of("talking", start_s=1.5, end_s=4.5)
    for seed in range(6):
        motion = perform(Script(events=(sad, talk), duration_s=6.0), seed=seed)
        alone = perform(Script(events=(sad,), duration_s=6.0), seed=seed)
        during = slice(45, 105)
        assert unit(motion, "mouthFrownLeft")[during].mean() > 0.55 * unit(alone, "mouthFrownLeft")[during].mean()
        assert unit(motion, "browInnerUp")[during].mean() > 0.4
        jaw = unit(motion, "jawOpen")[during]
        assert peaks(jaw, 0.5 * jaw.max()) >= 3 and jaw.max() > 0.2 and jaw.min() < 0.16
        assert unit(alone, "jawOpen")[during].max() < 0.12


def test_speech_visits_many_mouths():
    motion = perform(script_of("talking", start_s=0.5, end_s=5.5, duration_s=6.0), seed=1)
    mouths = [n for n in ("jawOpen", "mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthPressLeft", "mouthRollLower", "mouthUpperUpLeft")]
    assert min(unit(motion, n)[15:135].max() for n in mouths) > 0.12
    rate = peaks(unit(motion, "jawOpen")[15:135], 0.15) / 4.8
    assert 1.0 < rate < 6.5, "openings a second"


@pytest.mark.parametrize("name", ["sneeze", "nodding off", "reading eyes", "saying hello"])
def test_stages_come_in_their_order(name):
    """Each stage's strongest unit of its own, or its head pose, is there at its instant."""
    label = LEXICON.label(name)
    motion = exhibit(label)
    event = plain_event(label)
    for stage in label.stages:
        length = (event.end_s - event.start_s) / event.count
        frame = round((event.start_s + stage.at * length) * motion.fps)
        shown = {u: unit(motion, u)[frame - 1 : frame + 2].max() for u in stage.units}
        assert all(shown[u] > 0.6 * s - 0.05 for u, s in stage.units.items() if s >= 0.3 and not (u == "mouthPressLeft" or u == "mouthPressRight")), (
            name, stage.at, shown,
        )  # fmt: skip


def test_eyes_do_not_blink_nor_stray_while_they_stare():
    for seed in range(12):
        motion = perform(script_of("unblinking stare", start_s=0.5, end_s=5.5, duration_s=6.0), seed=seed)
        assert unit(motion, "eyeBlinkLeft")[25:130].max() < 0.45
        assert np.ptp(unit(motion, "eyeLookOutLeft")[25:130]) < 0.1


def test_a_sway_goes_to_both_sides():
    motion = exhibit(LEXICON.label("grinding jaw"))
    assert unit(motion, "jawLeft").max() > 0.6 and unit(motion, "jawRight").max() > 0.6
    assert np.minimum(unit(motion, "jawLeft"), unit(motion, "jawRight")).max() < 0.05


def test_head_circles_go_round():
    pose = np.rad2deg(exhibit(LEXICON.label("head circle")).global_orient)
    turn = np.unwrap(np.arctan2(pose[20:90, 2], pose[20:90, 0]))
    assert abs(turn[-1] - turn[0]) > 2.2 * np.pi and (np.abs(np.diff(turn)) < 1.0).all()
