"""Face models by name and digest: a FLAME file is named once, found again, drawn, and missed with the command that helps."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from flame_cases import eyelid_basis, flame_arrays, made_flame, write_flame_npz, write_flame_pickle

from tdmm_core.assets.face_models import named_files, registry_path
from tdmm_core.domain.clip import Clip, MotionClip
from tdmm_core.errors import InputError, MissingPartError
from tdmm_core.evaluation.config import EvalConfig
from tdmm_core.exchange.npz import write_npz
from tdmm_core.language.config import AnimateConfig
from tdmm_core.morphable.model import geometry, neutral_motion
from tdmm_core.morphable.open_head import load_open_head
from tdmm_core.pipelines.animate import show_motion
from tdmm_core.pipelines.evaluate import evaluate
from tdmm_core.pipelines.evaluate_tasks import Candidates
from tdmm_core.pipelines.face_models import _found, find_face_model, known_face_models, landmark_file, name_face_model, read_eyelids
from tdmm_core.pipelines.inspect import inspect, inspect_installation
from tdmm_core.pipelines.motion_output import write_motion_output
from tdmm_core.pipelines.run import Run
from tdmm_core.video.reader import open_video


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_flame_pickle(tmp_path_factory.mktemp("flame") / "generic_model.pkl")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TDMM_CACHE", str(tmp_path / "cache"))
    _found.cache_clear()
    return tmp_path


def test_named_once_and_found_by_digest(file: Path, tmp_path: Path) -> None:
    named = name_face_model(f"flame-2020:{file}")
    assert (named.name, named.digest) == ("flame-2020", made_flame().digest)
    found = find_face_model("flame-2020", named.digest)
    assert np.array_equal(found.expression_basis, named.expression_basis) and found.articulation.eyelids is None
    assert find_face_model("flame-2020").digest == named.digest
    again = name_face_model(f"flame-2020:{write_flame_npz(tmp_path / 'same.npz')}")
    assert again.digest == named.digest and list(named_files()) == [named.digest]
    assert find_face_model("open-head-1") is load_open_head() is name_face_model("open-head-1")


def test_lids_and_landmarks_are_remembered(file: Path, tmp_path: Path) -> None:
    for side, offsets in zip("lr", eyelid_basis(), strict=True):
        np.save(tmp_path / f"{side}_eyelid.npy", offsets[None].astype(np.float32))
    np.savez(tmp_path / "embedding.npz", lmk_face_idx=[1])
    named = name_face_model(f"flame-2020:{file}", eyelids=tmp_path / "l_eyelid.npy", landmarks=tmp_path / "embedding.npz")
    assert np.allclose(named.articulation.eyelids, eyelid_basis(), atol=1e-8)
    assert landmark_file(named.digest) == tmp_path / "embedding.npz" and landmark_file("0") is None
    name_face_model(f"flame-2020:{file}")
    found = find_face_model("flame-2020", named.digest)
    assert np.allclose(found.articulation.eyelids, eyelid_basis(), atol=1e-8), "named again without it, the basis stays"
    np.savez(tmp_path / "lids.npz", left=eyelid_basis()[0], right=eyelid_basis()[1])
    assert np.allclose(read_eyelids(tmp_path / "lids.npz", 5023), read_eyelids(tmp_path, 5023))
    with pytest.raises(InputError, match="expected offsets of 12 vertices"):
        read_eyelids(tmp_path, 12)
    with pytest.raises(InputError, match="expected l_eyelid and r_eyelid"):
        read_eyelids(tmp_path / "embedding.npz", 5023)


def test_the_edition_is_never_guessed(file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"edition cannot be told; say it: --face-model flame-2020:.*generic_model.pkl"):
        name_face_model(f"flame:{file}")
    said = tmp_path / "own.pkl"
    said.write_bytes(pickle.dumps(flame_arrays() | {"edition": "flame-2023-open"}))
    assert name_face_model(f"flame:{said}").name == "flame-2023-open"


@pytest.mark.parametrize("spec", ["flame", "flame:", "smplx:x.pkl", "", "flame-2019:x.pkl"])
def test_other_specs_are_refused(spec: str) -> None:
    with pytest.raises(InputError, match="--face-model: expected open-head-1 or flame:PATH"):
        name_face_model(spec)
    with pytest.raises(InputError, match="no such file"):
        name_face_model("flame:nowhere.pkl")
    with pytest.raises(InputError, match="has its own"):
        name_face_model("open-head-1", eyelids=Path("x"))


def test_a_file_that_is_no_flame_is_refused_and_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "other.pkl").write_bytes(pickle.dumps({"weights": np.zeros(3)}))
    with pytest.raises(InputError, match=r"other\.pkl: FLAME: lacks v_template"):
        name_face_model(f"flame-2020:{tmp_path / 'other.pkl'}")
    assert not registry_path().exists()


def test_a_missing_file_is_told_with_the_command(file: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPartError, match=r"flame-2023 \(abcdef\) is not known here; name its file once: tdmm info --face-model flame:PATH"):
        find_face_model("flame-2023", "abcdef")
    copy = tmp_path / "copy.pkl"
    copy.write_bytes(file.read_bytes())
    digest = name_face_model(f"flame-2020:{copy}").digest
    copy.write_bytes(pickle.dumps(flame_arrays() | {"v_template": np.asarray(flame_arrays()["v_template"]) * 1.01}))
    with pytest.raises(MissingPartError, match="holds another now"):
        find_face_model("flame-2020", digest)
    copy.unlink()
    with pytest.raises(MissingPartError, match=r"copy\.pkl: the file of face model flame-2020 .* is gone; name it again"):
        find_face_model("flame-2020", digest)
    assert [m["here"] for m in known_face_models()] == [True, False]
    assert any("gone: " in line for line in inspect_installation().lines())
    with pytest.raises(InputError, match="unknown"):
        find_face_model("basel-2017")


def test_a_damaged_list_is_told(tmp_path: Path) -> None:
    registry_path().parent.mkdir(parents=True)
    for content in ("{", "[]", '{"version": 1, "models": [{"name": 3}]}', '{"version": 9, "models": []}'):
        registry_path().write_text(content)
        with pytest.raises(InputError, match="name your face models again"):
            named_files()


def test_flame_motion_is_drawn_and_described_by_info(file: Path, tmp_path: Path) -> None:
    model = name_face_model(f"flame-2020:{file}")
    motion = replace(neutral_motion(model, 4), jaw_pose=np.linspace(0, 0.3, 4)[:, None] * [1, 0, 0], neck_pose=np.zeros((4, 3)))
    write_npz(tmp_path / "m.npz", motion, settings={})
    show_motion(tmp_path / "m.npz", tmp_path / "m.mp4", Run())
    assert open_video(tmp_path / "m.mp4").num_frames == 4
    for suffix in (".glb", ".html"):
        with pytest.raises(InputError, match=f"turns joints; carry it over first: tdmm fit MOTION --face-model open-head-1 -o OUT{suffix}"):
            show_motion(tmp_path / "m.npz", tmp_path / f"m{suffix}", Run())
    told = str(inspect(tmp_path / "m.npz").lines())
    assert f"flame-2020 {model.digest[:12]}" in told and "not known" not in told
    write_motion_output(tmp_path / "m.h5", [MotionClip(clip=Clip(id="a"), motion=motion)], Run())
    assert inspect(tmp_path / "m.h5").holds["face model"] == f"flame-2020 {model.digest[:12]}"
    registry_path().unlink()
    with pytest.raises(MissingPartError, match="name its file once"):
        show_motion(tmp_path / "m.npz", tmp_path / "n.mp4", Run())
    assert not (tmp_path / "n.mp4").exists()
    assert "(not known here)" in str(inspect(tmp_path / "m.npz").lines())


def test_the_registry_is_plain_json(file: Path) -> None:
    model = name_face_model(f"flame-2020:{file}")
    stored = json.loads(registry_path().read_text())
    assert stored["models"][0]["digest"] == model.digest and stored["models"][0]["path"] == str(file)
    assert geometry(model, neutral_motion(model, 1)).shape == (1, 5023, 3)


def test_flame_motion_is_measured_with_its_own_mesh_and_floor(file: Path, tmp_path: Path) -> None:
    """A jaw that stays shut errs by exactly the neutral face's floor; one that opens right errs by nothing."""
    model = name_face_model(f"flame-2020:{file}")
    truth = replace(neutral_motion(model, 6), jaw_pose=np.full((6, 3), [0.3, 0, 0]), neck_pose=np.zeros((6, 3)))
    shut = replace(truth, jaw_pose=np.zeros((6, 3)), global_orient=np.full((6, 3), [0, 0.1, 0]))
    figures = {}
    for name, motion in (("truth", truth), ("shut", shut)):
        write_motion_output(tmp_path / f"{name}.h5", [MotionClip(clip=Clip(id="a", split="test"), motion=motion)], Run())
        against = Candidates(against=tmp_path / f"{name}.h5")
        report = evaluate(tmp_path / "truth.h5", None, Run(), config=EvalConfig(), candidates=against, sampling=AnimateConfig())
        figures[name] = {row["metric"]: row for row in report.metrics}
    assert figures["shut"]["vertex error, face"]["value"] == pytest.approx(figures["shut"]["vertex error, face"]["floor"]) != 0
    assert figures["shut"]["vertex error, lips"]["value"] > 8 and figures["truth"]["vertex error, lips"]["value"] == 0
    assert figures["shut"]["head rotation error"]["value"] == pytest.approx(np.degrees(0.1), abs=1e-3)


def test_info_looks_into_a_flame_file_and_refuses_a_trap(file: Path, tmp_path: Path) -> None:
    facts = inspect(file)
    assert facts.kind == "face-model" and facts.holds["geometry"] == made_flame().digest and facts.holds["named here"] == "no"
    assert "none of the published files" in str(facts.holds["edition"]) and not registry_path().exists()
    name_face_model(f"flame-2020:{file}")
    assert inspect(write_flame_npz(tmp_path / "same.npz")).holds["named here"] == "yes"
    (tmp_path / "trap.pkl").write_bytes(b"cos\nsystem\n(S'touch canary'\ntR.")
    with pytest.raises(InputError, match="refused"):
        inspect(tmp_path / "trap.pkl")
