"""Live Link CSV: every trap of the format, and poses of known meaning, which a round trip cannot prove."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tdmm_core.domain.motion import HELD, FaceMotion
from tdmm_core.errors import InputError
from tdmm_core.exchange.live_link import COLUMNS, EYES, HEAD, UNITS, Take, is_live_link, read_live_link, write_live_link
from tdmm_core.exchange.timecode import parse_timecodes, timecode
from tdmm_core.morphable.model import neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.morphable.resample import resample
from tdmm_core.morphable.rotations import axis_angle_to_matrix, geodesic_angle

CAPTURE = Path(__file__).resolve().parents[3] / "shared/data/arkit/range_of_motion_4.csv"
needs_capture = pytest.mark.skipif(not CAPTURE.exists(), reason="the real capture (shared/data/arkit/range_of_motion_4.csv) is not here")
HEAD_MODEL = load_open_head()
NAMES = HEAD_MODEL.expression_names


def motion_of(frames: int = 5, **units: float) -> FaceMotion:
    neutral = neutral_motion(HEAD_MODEL, frames)
    expression = np.zeros((frames, 52), np.float32)
    for name, value in units.items():
        expression[:, NAMES.index(name)] = value
    return replace(neutral, expression=expression)


def csv_of(motion: FaceMotion) -> str:
    stream = io.BytesIO()
    write_live_link(stream, motion)
    return stream.getvalue().decode()


def columns_of(text: str) -> dict[str, np.ndarray]:
    heading, *rows = [line.split(",") for line in text.strip().split("\n")]
    return {name: np.array([float(row[i]) for row in rows]) for i, name in enumerate(heading) if i}


def read(text: str, **more: float) -> Take:
    return read_live_link("take.csv", text.encode(), names=NAMES, **more)


def file_of(rows: list[dict[str, float]], heading: tuple[str, ...] = COLUMNS) -> str:
    """A CSV made by hand, 30 frames a second, FF counted at 60."""
    lines = [",".join(heading)]
    for i, row in enumerate(rows):
        values = [timecode(1000 + i / 30), "61", *(f"{row.get(name.lower(), 0.0):.6f}" for name in heading[2:])]
        lines.append(",".join(values))
    return "\n".join(lines) + "\n"


# Poses of known meaning


def seen_from_the_front(take: Take) -> np.ndarray:
    """(T, V, 3): where the vertices of the head are when the file's motion is put on."""
    return HEAD_MODEL.posed_geometry(replace(take.motion, face_model_digest=""))


def tip_of_the_nose() -> int:
    return int(HEAD_MODEL.template[:, 2].argmax())


@pytest.mark.parametrize(
    ("column", "axis", "sign", "meaning"),
    [
        ("headyaw", 0, -1, "the nose goes to the subject's right, which is -x"),
        ("headpitch", 1, -1, "the nose goes down"),
    ],
)
def test_a_turned_head_is_turned_the_way_the_app_means(column: str, axis: int, sign: int, meaning: str) -> None:
    """HeadYaw > 0 is the subject's own right, HeadPitch > 0 is down, in radians."""
    vertices = seen_from_the_front(read(file_of([{}, {column: np.radians(30)}])))
    nose = vertices[:, tip_of_the_nose()] - HEAD_MODEL.pivot
    expected = np.linalg.norm(np.delete(nose[0], 1 - axis)) * np.sin(np.radians(30))
    moved = nose[1, axis] - (nose[0, axis] if axis == 1 else 0)
    assert np.sign(moved) == sign, meaning
    assert abs(moved) > 0.6 * expected


def test_a_head_turned_to_its_own_left_by_30_degrees() -> None:
    """The golden pose: the nose points to +x, the right cheek comes forward, and the file says -30 degrees of yaw and nothing else."""
    turned = replace(motion_of(1), global_orient=np.array([[0, np.radians(30), 0]]))
    nose = HEAD_MODEL.posed_geometry(turned)[0, tip_of_the_nose()] - HEAD_MODEL.pivot
    assert nose[0] > 0.04
    found = columns_of(csv_of(turned))
    assert [round(float(np.degrees(found[n][0])), 4) for n in HEAD] == [-30, 0, 0]


def test_a_head_tilted_to_its_own_right_shoulder() -> None:
    """HeadRoll > 0: the top of the head goes to the subject's right, -x."""
    vertices = seen_from_the_front(read(file_of([{"headroll": np.radians(20)}])))[0]
    top = vertices[HEAD_MODEL.template[:, 1].argmax()]
    assert top[0] < -0.03
    tilted = replace(motion_of(1), global_orient=np.array([[0, 0, np.radians(20)]]))
    assert np.degrees(columns_of(csv_of(tilted))["HeadRoll"][0]) == pytest.approx(20, abs=1e-4)


def test_angles_are_taken_apart_pitch_outermost() -> None:
    """R = Rx(pitch) Ry(-yaw) Rz(roll): first roll, then yaw, then pitch. A pose of three known turns, made here by hand."""
    pitch, yaw, roll = np.radians([20, 35, -15])
    rx = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    ry = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    rz = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    take = read(file_of([{"headpitch": pitch, "headyaw": yaw, "headroll": roll}]))
    assert take.has_head
    assert geodesic_angle(axis_angle_to_matrix(take.motion.global_orient[0].astype(float)), rx @ ry @ rz) < 1e-5


@pytest.mark.parametrize(
    ("column", "vertices", "axis", "sign"),
    [
        ("eyeblinkleft", "left lid", 1, -1),
        ("jawleft", "chin", 0, 1),
        ("jawright", "chin", 0, -1),
        ("mouthleft", "lips", 0, 1),
        ("mouthright", "lips", 0, -1),
        ("eyelookoutleft", "left iris", 0, 1),
        ("eyelookinleft", "left iris", 0, -1),
        ("eyelookupleft", "left iris", 1, 1),
    ],
)
def test_units_move_the_side_they_name(column: str, vertices: str, axis: int, sign: int) -> None:
    """Left and Right are the subject's own, +x is the subject's left, whatever the order of the columns."""
    for heading in (COLUMNS, (*COLUMNS[:2], *sorted(COLUMNS[2:])), tuple(n.lower() for n in COLUMNS)):
        both = seen_from_the_front(read(file_of([{}, {column: 1.0}], heading)))
        moved = (both[1] - both[0])[_chosen(vertices)]
        assert np.sign(moved[:, axis].mean()) == sign
        assert np.abs(moved[:, axis]).max() > 0.002


def _chosen(what: str) -> np.ndarray:
    at = HEAD_MODEL.template
    iris = np.unique(HEAD_MODEL.triangles[HEAD_MODEL.triangle_region == HEAD_MODEL.region_names.index("iris")])
    lids = np.flatnonzero(HEAD_MODEL.masks["lids"])
    eyes = float(at[iris, 1].mean())
    match what:
        case "left lid":
            return lids[(at[lids, 0] > 0) & (at[lids, 1] > eyes + 0.002)]
        case "left iris":
            return iris[at[iris, 0] > 0]
        case "lips":
            return np.flatnonzero(HEAD_MODEL.masks["lips"])
    chin = HEAD_MODEL.masks["face"] & (at[:, 1] < np.quantile(at[HEAD_MODEL.masks["face"], 1], 0.05))
    return np.flatnonzero(chin)


def test_eye_columns_turn_as_the_eyes_do() -> None:
    """Both eyes to the subject's left and down: yaw below zero, pitch above, and the roll of an eye that stays level."""
    found = columns_of(csv_of(motion_of(1, eyeLookOutLeft=0.8, eyeLookInRight=0.8, eyeLookDownLeft=0.5, eyeLookDownRight=0.5)))
    for side in ("Left", "Right"):
        yaw, pitch, roll = (float(found[f"{side}Eye{a}"][0]) for a in ("Yaw", "Pitch", "Roll"))
        assert np.degrees([yaw, pitch]) == pytest.approx([-0.8 * 28, 0.5 * 23], abs=1e-3)
        assert roll == pytest.approx(np.arctan(np.tan(pitch) * np.sin(yaw)), abs=1e-6)


def test_look_units_come_from_eye_angles_where_a_file_has_no_units() -> None:
    heading = tuple(n for n in COLUMNS if not n.startswith("EyeLook"))
    yaw, pitch = np.radians([-14, -10])
    take = read(file_of([{"lefteyeyaw": yaw, "righteyeyaw": yaw, "lefteyepitch": pitch, "righteyepitch": pitch}], heading))
    found = {n: float(v) for n, v in zip(NAMES, take.motion.expression[0], strict=True) if v > 0}
    assert found == pytest.approx({"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5, "eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5}, abs=1e-4)


# The form of the file


def test_what_is_written_is_the_apps_form() -> None:
    text = csv_of(motion_of(3, jawOpen=0.25))
    heading, first, second, _ = text.split("\n")[:4]
    assert heading == ",".join(COLUMNS) and len(COLUMNS) == 63
    assert heading.index("JawRight") < heading.index("JawLeft") and heading.index("MouthRight") < heading.index("MouthLeft")
    assert first.startswith("00:00:00:00.000,61,") and second.startswith("00:00:00:02.400,61,")
    assert text == csv_of(motion_of(3, jawOpen=0.25))
    assert columns_of(text)["JawOpen"][0] == 0.25
    assert is_live_link(text.encode())


def test_any_motion_is_read_back() -> None:
    rng = np.random.default_rng(0)
    times = 3600 + np.arange(40) / 25
    motion = replace(motion_of(40), expression=rng.random((40, 52)), global_orient=rng.normal(size=(40, 3)) * 0.4, source_time_s=times)
    take = read(csv_of(motion))
    assert np.abs(take.motion.expression - motion.expression).max() < 1e-6
    assert np.abs(take.motion.global_orient - motion.global_orient).max() < 1e-5
    assert take.motion.fps == pytest.approx(25, abs=0.02)
    assert np.abs(take.motion.source_time_s - motion.source_time_s).max() < 1e-5


def test_spelling_case_and_marks_do_not_matter() -> None:
    text = file_of([{"jawopen": 0.5}, {"jawopen": 1.000033}])
    spelt = text.replace("BlendShapeCount", "BlendshapeCount")
    for variant in (text, spelt, text.lower(), "\ufeff" + text, text.replace("\n", "\r\n"), text + "\n\n"):
        take = read(variant)
        assert is_live_link(variant.encode())
        assert take.motion.expression[:, NAMES.index("jawOpen")].tolist() == [0.5, 1.0]
        assert not take.has_head
    assert not is_live_link(b"time,x\n1,2\n")


def test_rows_without_a_face_are_held() -> None:
    lines = file_of([{"jawopen": 0.1 * i} for i in range(4)]).split("\n")
    lines[2] = lines[2].split(",")[0] + ",0" + "," * 61
    take = read("\n".join(lines))
    assert take.motion.status.tolist() == [0, HELD, 0, 0]
    bridged = resample(take.motion, 30)
    assert bridged.expression[1, NAMES.index("jawOpen")] == pytest.approx(0.1, abs=1e-3)


def test_early_files_without_tongue() -> None:
    heading = tuple(n for n in COLUMNS if n != "TongueOut")
    assert read(file_of([{"jawopen": 0.5}], heading)).motion.expression.shape == (1, 52)


def test_wrong_files_are_told_in_a_sentence() -> None:
    good = file_of([{}, {"jawopen": 0.5}])
    lines = good.split("\n")
    wanted = {
        good.replace("JawOpen", "Jaw"): "got none named JawOpen",
        good.replace("0.500000", "half"): "line 3: expected a number in column JawOpen, got 'half'",
        good.replace("0.500000", "nan"): "line 3: expected finite",
        good.replace("0.500000", "50.0"): "expected units of 0 to 1, got 50 in column JawOpen",
        lines[0] + "\n": "at least one row, got 0",
        "\n".join([lines[0], lines[2], lines[1]]): "line 3: expected a later time .* --source-fps",
        good.replace("00:16:40", "now"): "expected a time code HH:MM:SS:FF.mmm, got 'now",
        "": "at least one row",
    }
    for text, sentence in wanted.items():
        with pytest.raises(InputError, match=rf"take.csv.*({sentence})"):
            read(text)
    assert read("\n".join([lines[0], lines[2], lines[1]]), source_fps=30).motion.fps == 30
    three = np.zeros((1, 3))
    other = FaceMotion(expression=three, expression_names=("a", "b", "c"), global_orient=three, transl=three, face_model="flame-2023")
    with pytest.raises(InputError, match=r"52 ARKit units, got one of 'flame-2023' .*tdmm fit MOTION --face-model open-head-1"):
        csv_of(other)


# Time codes


@pytest.mark.parametrize("time_s", [0, 1 / 60, 59 / 60, 1.9999999, 3599.999, 86399.99])
def test_time_codes_are_read_back(time_s: float) -> None:
    assert parse_timecodes("a", [(2, timecode(time_s))])[0] == pytest.approx(time_s % 86400, abs=1e-5)


def test_frames_are_counted_at_sixty() -> None:
    """Two rows of a real take at 30 frames a second: FF grows by two."""
    assert np.diff(parse_timecodes("a", [(2, "16:55:51:58.450"), (3, "16:55:52:00.450")])) == pytest.approx(1 / 30, abs=1e-9)


def test_frames_counted_at_a_lower_rate_are_noticed() -> None:
    codes = [(i + 2, f"00:00:{i // 30:02d}:{i % 30:02d}.000") for i in range(90)]
    assert np.diff(parse_timecodes("a", codes)) == pytest.approx(1 / 30)
    with pytest.raises(InputError, match="below 60 in the time codes, got 99"):
        parse_timecodes("a", [(2, "00:00:00:99.000")])


def test_midnight_is_passed() -> None:
    times = parse_timecodes("a", [(2, "23:59:59:58.000"), (3, "00:00:00:00.000"), (4, "00:00:00:02.000")])
    assert np.diff(times) == pytest.approx(1 / 30)


# A real capture


@needs_capture
def test_a_real_capture_keeps_what_it_says() -> None:
    """3,809 frames: the conventions of this module's docstring hold, and 30 frames a second become 25 at the source's own times."""
    content = CAPTURE.read_bytes()
    take = read_live_link(CAPTURE.name, content, names=NAMES)
    assert take.motion.num_frames == 3809 and not take.has_head
    assert take.motion.fps == pytest.approx(30, abs=0.1)
    columns = columns_of(content.decode())
    for side, inward in (("Left", 1), ("Right", -1)):
        yaw, pitch, roll = (columns[f"{side}Eye{a}"] for a in ("Yaw", "Pitch", "Roll"))
        terms = np.stack([columns[f"EyeLookIn{side}"], columns[f"EyeLookOut{side}"], np.ones(len(yaw))], axis=1)
        fitted, *_ = np.linalg.lstsq(terms, yaw, rcond=None)
        assert fitted[0] * inward > 0.5 and fitted[1] * inward < -0.5
        assert np.std(yaw - terms @ fitted) < 0.03 * np.std(yaw)
        assert np.abs(roll - np.arctan(np.tan(pitch) * np.sin(yaw))).max() < 1e-4
        assert np.corrcoef(pitch, columns[f"EyeLookDown{side}"])[0, 1] > 0.8
    assert np.abs(columns["LeftEyePitch"] - columns["RightEyePitch"]).max() < 2e-4
    at_25 = resample(take.motion, 25)
    assert at_25.num_frames == int((take.motion.source_time_s[-1] - take.motion.source_time_s[0]) * 25 + 1e-6) + 1
    assert at_25.source_time_s[0] == take.motion.source_time_s[0]
    jaw = NAMES.index("jawOpen")
    expected = np.interp(at_25.source_time_s, take.motion.source_time_s, take.motion.expression[:, jaw])
    assert np.abs(at_25.expression[:, jaw] - expected).max() < 1e-5
    assert set(EYES) <= set(columns) and set(UNITS) <= set(columns)
