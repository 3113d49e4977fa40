"""Other tools' parameter files: each layout as its tool writes it, told apart by content, and what they mean by poses of known meaning."""

from __future__ import annotations

import numpy as np
import pytest
from flame_cases import flame_arrays

from tdmm_core.domain.motion import FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.exchange.flame_files import flame_motion, layout_of
from tdmm_core.morphable.flame import flame_model

T = 6
RNG = np.random.default_rng(0)
EXPRESSION, TURN, JAW, LIDS = (RNG.normal(0, 0.2, (T, n)).astype(np.float32) for n in (50, 3, 3, 2))
SHAPE = RNG.normal(size=300).astype(np.float32)


def authors() -> dict[str, object]:
    """A dict of per-frame lists, each entry of one row, as the TDMM-LM authors' script leaves it."""
    return {
        "expression": [e[None] for e in EXPRESSION], "pose": [p[None] for p in TURN], "eyelid": [x[None] for x in LIDS],
        "jaw": [j[None] for j in JAW], "identity": [SHAPE[None]] * T, "camera_pose": [np.array([[8.0, 0.01, 0.02]])] * T,
    }  # fmt: skip


def smirk() -> dict[str, object]:
    return {
        "expression_params": EXPRESSION, "jaw_params": JAW, "eyelid_params": LIDS, "shape_params": np.tile(SHAPE, (T, 1)), "pose_params": TURN,
        "cam": np.ones((T, 3)),
    }  # fmt: skip


def vhap() -> dict[str, object]:
    return {
        "rotation": TURN, "translation": 0.1 * TURN, "neck_pose": 0.5 * TURN, "jaw_pose": JAW, "eyes_pose": np.tile(TURN, 2), "shape": SHAPE,
        "expr": np.tile(EXPRESSION, 2), "timestep_id": np.array([0, 1, 2, 3, 8, 9]), "static_offset": np.zeros((1, 5, 3)),
    }  # fmt: skip


def diffposetalk() -> dict[str, object]:
    return {"shape": SHAPE[:100], "exp": EXPRESSION, "pose": np.concatenate([TURN, JAW], axis=1)}


def read(content: object, source_fps: float | None = 30.0) -> FaceMotion:
    return flame_motion("take", content, face_model="flame-2020", digest="ab", source_fps=source_fps)


@pytest.mark.parametrize(
    ("content", "tool"),
    [(authors(), "authors"), (smirk(), "SMIRK"), (vhap(), "VHAP"), (diffposetalk(), "DiffPoseTalk")],
    ids=["authors", "smirk", "vhap", "diffposetalk"],
)
def test_every_tool_is_known_by_its_keys(content: dict[str, object], tool: str) -> None:
    layout = layout_of(content)
    assert layout is not None and tool in layout.tool
    motion = read(content)
    assert motion.expression[:, :50] == pytest.approx(EXPRESSION)
    assert motion.global_orient == pytest.approx(TURN) and motion.jaw_pose == pytest.approx(JAW)
    assert motion.expression_names[:2] == ("expression1", "expression2")
    assert (motion.face_model, motion.face_model_digest, motion.fps) == ("flame-2020", "ab", 30.0)
    assert motion.shape == pytest.approx(SHAPE[: len(motion.shape)])


def test_what_only_some_tools_have() -> None:
    assert read(authors()).eyelids == pytest.approx(LIDS) and read(smirk()).eyelids == pytest.approx(LIDS)
    motion = read(vhap())
    assert motion.neck_pose == pytest.approx(0.5 * TURN) and motion.eye_pose == pytest.approx(np.tile(TURN, 2))
    assert motion.transl == pytest.approx(0.1 * TURN)
    assert motion.source_time_s == pytest.approx(np.array([0, 1, 2, 3, 8, 9]) / 30)
    assert read(authors()).transl.max() == 0


def test_one_dict_a_frame_is_read_too() -> None:
    whole = smirk()
    frames = [{key: np.asarray(value)[i : i + 1] for key, value in whole.items()} for i in range(T)]
    assert read(frames) == read(whole)


def test_the_rate_is_the_format_s_or_asked_for() -> None:
    assert read(diffposetalk(), None).fps == 25
    for content in (authors(), smirk(), vhap()):
        with pytest.raises(InputError, match=r"take: parameters of .*, which store no frame rate; say the video's: --source-fps 25"):
            read(content, None)


def test_poses_of_known_meaning() -> None:
    """On a FLAME: pose y > 0 turns the nose to the subject's left, jaw x > 0 opens the mouth, eyes_pose begins with the left eye."""
    model = flame_model(flame_arrays(), name="flame-2020")
    none = np.zeros((4, 3))
    still = {"shape": np.zeros(300), "expr": np.zeros((4, 100)), "translation": none, "neck_pose": none, "timestep_id": range(4)}
    turn, jaw, eyes = np.zeros((4, 3)), np.zeros((4, 3)), np.zeros((4, 6))
    turn[1, 1], jaw[2, 0], eyes[3, 1] = np.radians(30), 0.3, np.radians(20)
    content = still | {"rotation": turn, "jaw_pose": jaw, "eyes_pose": eyes}
    motion = flame_motion("take", content, face_model=model.name, digest=model.digest, source_fps=25)
    found = model.posed_geometry(motion) - model.template
    nose = model.template[:, 2].argmax()
    assert found[1, nose, 0] > 0.04
    lower = model.masks["lips"] & (model.template[:, 1] < np.median(model.template[model.masks["lips"], 1]) - 0.004)
    assert found[2, lower, 1].mean() < -0.01
    moved = np.linalg.norm(found[3], axis=1) > 1e-3
    assert moved.any() and (model.template[moved, 0] > 0).all()
    assert found[3, moved & (model.template[:, 2] > model.template[moved, 2].max() - 0.003), 0].mean() > 0


def test_wrong_content_is_told() -> None:
    assert layout_of({"a": 1}) is None and layout_of([]) is None and layout_of(np.zeros(3)) is None
    wanted = {
        "expected FLAME parameters of": {"a": 1},
        "expected 3 numbers a frame under jaw, got 2": authors() | {"jaw": [j[None, :2] for j in JAW]},
        "expected 6 frames of everything, as of expression, got 5 of global_orient": authors() | {"pose": [p for p in TURN[:5]]},
        "expected one array of numbers for each frame under eyelid": authors() | {"eyelid": ["x"] * T},
        "expected one array of numbers for each frame under expression": authors() | {"expression": [e[:i] for i, e in enumerate(EXPRESSION)]},
        "growing frame numbers under timestep_id": vhap() | {"timestep_id": np.zeros(T)},
        "jaw_pose: expected finite": authors() | {"jaw": [j * np.nan for j in JAW]},
    }
    for sentence, content in wanted.items():
        with pytest.raises(InputError, match=sentence):
            read(content)
